"""Runs killed at random moments: nothing of others' is touched, nothing half is left.

`CACHELIB_KILLS=200 pytest tests/report/test_kills.py` for more than a few.
"""

from __future__ import annotations

import json
import os
import random
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
KILLS = int(os.environ.get("CACHELIB_KILLS", "2"))
RUN = """
import sys
from pathlib import Path
from cachelib.report.build import build
from tests.report import tiny
build({"case": sys.argv[1], "seed": int(sys.argv[2])}, Path("out"), jobs=2, progress=tiny.quiet,
      notebooks=Path("notebooks"))
"""
FOREIGN = {"out/notes.txt": "mine", "out/notebooks/own.txt": "mine", ".git/config": "mine"}


@pytest.mark.timeout(600 + 120 * KILLS)
@pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")
def test_runs_killed_at_random_moments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    temporary = tmp_path / "t"
    temporary.mkdir()
    for nr in (1, 2):
        path = tmp_path / "notebooks" / f"0{nr}_tiny.ipynb"
        tiny.write(path, "import time; time.sleep(0.3); print(seed)", parameters="seed = 1")
    began = time.monotonic()
    finish(temporary, seed=1)
    longest = min(time.monotonic() - began, 20)
    for name, text in FOREIGN.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    chance = random.Random(13)
    for nr in range(KILLS):
        killed = start(temporary, seed=nr + 2)
        time.sleep(chance.uniform(0, longest))
        killed.kill()
        killed.wait()
        assert_whole(tmp_path)
    finish(temporary, seed=0)
    assert_whole(tmp_path)
    hidden = {path.name for path in (tmp_path / "out").glob(".*")}
    assert hidden == {staging.MARKER}
    assert not list(temporary.iterdir())
    assert not psutil.wait_procs(list(of_this_test(temporary)), timeout=10)[1]


def start(temporary: Path, seed: int) -> subprocess.Popen[bytes]:
    env = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-P", "-c", RUN, str(SMALL), str(seed)], env=env)


def finish(temporary: Path, seed: int) -> None:
    with start(temporary, seed) as run:
        assert run.wait() == 0


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
