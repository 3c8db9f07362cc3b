"""Logs that come by a pipe: read if somebody writes, refused at once if nobody does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner

from cachelib.cli import main
from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs import LogError, read_log, source
from cachelib.report.experiments.parameters import ParameterError, settle
from cachelib.report.experiments.sampled_logs import as_configured

LOG = "time,key\n" + "".join(f"{second},k{second % 3}\n" for second in range(60))
LONG = LOG + "".join(f"{second},k\n" for second in range(60, 100_000))
SMALL = Path(__file__).parents[1] / "report" / "small.yaml"

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system"),
    pytest.mark.timeout(120),
]


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


@contextmanager
def written(pipe: Path, text: str, after_s: float = 0.0) -> Iterator[None]:
    """A program that writes into the pipe, which it opens now, after a while."""

    def write() -> None:
        with pipe.open("w") as into:
            time.sleep(after_s)
            into.write(text)

    writer = Thread(target=write, daemon=True)
    writer.start()
    yield
    writer.join()


def in_shell(line: str, *words: str) -> str:
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    run = subprocess.run(
        ["bash", "-c", line, "bash", *words], capture_output=True, text=True, env=env, check=False
    )
    return run.stdout + run.stderr


def test_one_that_nobody_writes_into_is_refused(
    pipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "PATIENCE_S", 0.0)
    for meant in (pipe, pipe.with_name("p*")):
        with pytest.raises(LogError, match="pipe: is a pipe that no program writes into"):
            read_log(meant)


@pytest.mark.parametrize("text", [LOG, LONG], ids=["short", "longer than a pipe holds"])
def test_one_that_somebody_writes_into_is_read(pipe: Path, text: str) -> None:
    with written(pipe, text):
        assert len(read_log(pipe)) == text.count("\n") - 1


def test_the_writer_may_take_its_time(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with written(pipe, LOG, after_s=0.5):
        time.sleep(0.1)
        monkeypatch.setattr(source, "PATIENCE_S", 0.0)
        assert len(read_log(pipe)) == 60


def test_what_a_shell_makes_of_a_command_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(LOG)
    both = "set -e; log() { python -m cachelib log --json $1 | grep '\"rows\": 60'; }\n"
    line = 'log <(cat "$1"); cat "$1" | log /dev/stdin'
    assert in_shell(both + line, str(tmp_path / "log.csv")).count("60") == 2


@pytest.mark.parametrize("command", ["log", "replay", "mrc", "workload fit"])
def test_every_command_refuses_it(
    pipe: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "PATIENCE_S", 0.0)
    run = CliRunner().invoke(main, [*command.split(), str(pipe)])
    assert run.exit_code == 2
    assert "no program writes into" in run.output


def test_what_is_needed_more_than_once_is_no_pipe(pipe: Path, tmp_path: Path) -> None:
    for trace in (pipe, Path("/dev/zero")):
        with pytest.raises(ParameterError, match="reads its log many times"):
            settle({"case": str(SMALL), "trace": str(trace)})
    (tmp_path / "wrangler.toml").write_text("[observability]\nhead_sampling_rate = 0.1\n")
    for log in (pipe, Path("-")):
        with pytest.raises(LogError, match="needed twice"):
            as_configured(Reading(), [log], tmp_path)
