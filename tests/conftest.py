"""What several rooms' tests need."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from cachelib.report.build import Report, build

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("CACHELIB_SHARED", ROOT.parent / "shared"))


SMALL = ROOT / "tests" / "report" / "small.yaml"


@pytest.fixture(scope="session")
def small_report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The report of a small case, to be read only: made once, whichever worker asks first."""
    folder = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        folder = folder.parent
    out = folder / "small report" / "with {braces} and spaces"
    with (folder / "small.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # who comes later finds a report that stands
        return build(
            {"case": str(SMALL), "live_requests": 0}, out, jobs=2, progress=lambda *_: None
        )


UNLIKE = "tests/report/test_unlike_cases.py"
TOGETHER = dict.fromkeys(
    ("tests/report/test_decision_file.py", "tests/report/test_needs_told.py"), UNLIKE
)
"""Files that read what another file makes in its process: the same worker runs both."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadFileScheduling

    class Together(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return TOGETHER.get(file, file)

    return Together(config, log)


def examples(usual: int, by_night: int | None = None) -> int:
    """How many cases a property is tried on; `CACHELIB_EXAMPLES=4` tries four times as many.

    `by_night`: as many times this, of a property whose every case takes a second.
    """
    times = os.environ.get("CACHELIB_EXAMPLES")
    return usual if times is None else max(1, round((by_night or usual) * float(times)))


def crossed(*values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Arguments for `parametrize`: by night (`CACHELIB_LONG`) each value with each of the others.

    By day every value is there, in turn with the others': as many tuples as the longest has values.
    """
    if os.environ.get("CACHELIB_LONG"):
        return list(product(*values))
    most = max(map(len, values))
    return [tuple(each[nth % len(each)] for each in values) for nth in range(most)]


@pytest.fixture(scope="session")
def traces() -> Path:
    """The folder of real traces, which do not belong to the project."""
    folder = SHARED / "traces"
    if not folder.is_dir():
        pytest.skip(f"no real traces at {folder}; set CACHELIB_SHARED to the folder above them")
    return folder
