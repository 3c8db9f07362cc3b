"""Runs killed at random moments: nothing of others' is touched, nothing half is left.

`CACHELIB_KILLS=200 pytest tests/report/test_kills.py` for more than a few.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cachelib.report.experiments import staging
from cachelib.report.experiments.source import digest_of_file
from tests.report import tiny

SMALL = Path(__file__).with_name("small.yaml")
ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("CACHELIB_KILLS", "3"))
RUNS = """
import os, signal, sys, time
from pathlib import Path
import papermill
from cachelib.report import remains
from cachelib.report.build import build
from cachelib.report.document import material, write
from cachelib.report.experiments import engine, kernels, parameters
from cachelib.report.reuse import manifest
from tests.report import tiny

for order in sys.stdin:
    seed, after_s = order.split()
    if not (pid := os.fork()):
        os.dup2(2, 1)
        build({"case": sys.argv[1], "seed": int(seed)}, Path("out"), jobs=2, progress=tiny.quiet,
              notebooks=Path("notebooks"))
        os._exit(0)
    if after_s != "None":
        time.sleep(float(after_s))
        os.kill(pid, signal.SIGKILL)
    print(os.waitpid(pid, 0)[1], flush=True)
"""
"""Of a run that is killed most would be importing; it is forked from a process that has done so."""
FOREIGN = {"out/notes.txt": "mine", "out/notebooks/own.txt": "mine", ".git/config": "mine"}


@pytest.mark.timeout(300 + 60 * KILLS)
@pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")
def test_runs_killed_at_random_moments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    temporary = tmp_path / "t"
    temporary.mkdir()
    for nr in (1, 2):
        path = tmp_path / "notebooks" / f"0{nr}_tiny.ipynb"
        tiny.write(path, "import time; time.sleep(0.1); print(seed)", parameters="seed = 1")
    chance = random.Random(13)
    with Runs(temporary) as runs:
        longest = runs.finish(seed=1)
        for name, text in FOREIGN.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        for nr in range(KILLS):
            runs.kill(seed=nr + 2, after_s=chance.uniform(0, longest))
            assert_whole(tmp_path)
        runs.finish(seed=0)
    assert_whole(tmp_path)
    hidden = {path.name for path in (tmp_path / "out").glob(".*")}
    assert hidden == {staging.MARKER}
    # Python looks whether a folder takes files with an empty one, which who is killed then leaves
    assert not [path for path in temporary.iterdir() if path.is_dir() or path.stat().st_size]
    assert not psutil.wait_procs(list(of_this_test(temporary)), timeout=10)[1]


class Runs:
    """Reports of the same case one after another, each in a process of its own."""

    def __init__(self, temporary: Path) -> None:
        env = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", RUNS, str(SMALL)], env=env, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def __enter__(self) -> Runs:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def finish(self, seed: int) -> float:
        """One to its end; how many seconds it takes."""
        began = time.monotonic()
        assert self._ended(seed) == 0
        return time.monotonic() - began

    def kill(self, seed: int, after_s: float) -> None:
        """One to this moment, or, if that comes first, to its end."""
        assert self._ended(seed, after_s) in (0, signal.SIGKILL)

    def _ended(self, seed: int, after_s: float | None = None) -> int:
        """How it did."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{seed} {after_s}\n")
        return int(self._process.stdout.readline())


def assert_whole(folder: Path) -> None:
    """One report, all of it, but for what the next run finishes; and what is others'."""
    for name, text in FOREIGN.items():
        assert (folder / name).read_text() == text
    if (folder / "out" / staging.STAGE / staging.READY).exists():
        return
    files = json.loads((folder / "out" / "manifest.json").read_text())["files"]
    for name, digest in files.items():
        assert digest_of_file(folder / "out" / name) == digest


def of_this_test(temporary: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        try:
            if process.environ().get("TMPDIR", "").startswith(str(temporary)):
                yield process
        except psutil.Error:
            continue
