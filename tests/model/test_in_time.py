"""What would take longer than two minutes is replayed by a sample of its keys, and says so."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result

from cachelib.cli import main
from cachelib.model.engines import in_time
from cachelib.model.engines.in_time import Asked
from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs import expected
from cachelib.model.traffic.logs.expected import expected_requests

ROWS = 5_000
LINES = ["time,key", *(f"{i / 10},/k{i * i % 997}" for i in range(ROWS))]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.csv"
    path.write_text("\n".join(LINES) + "\n")
    return path


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that takes a second for a request, and so 5,000 for these."""
    monkeypatch.setattr(in_time, "A_REQUEST_S", {"reference": 10.0, "compiled": 1.0})
    monkeypatch.setattr(in_time, "MOST_CHOSEN", 1_500)


def replay(log: Path, *more: str) -> Result:
    done = CliRunner().invoke(main, ["replay", str(log), "--l2-ttl", "20", "--json", *more])
    assert done.exit_code == 0, done.output
    return done


def told(done: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_what_takes_too_long_is_sampled_with_the_errors_and_says_how_to_replay_all(
    log: Path, slow: None
) -> None:
    done = replay(log)
    found = told(done)
    assert "30 % of the keys stand for all" in done.stderr
    assert "--sample 1 replays all of them" in done.stderr
    assert found["sample"]["why"] in done.stderr
    asked = told(replay(log, "--sample", "0.3"))
    asked["sample"]["why"] = found["sample"]["why"]
    assert found == asked
    assert set(found["l1_hits"]) == {"estimate", "plus_or_minus"}
    on_two = told(replay(log, "--jobs", "2"))
    assert "about 2,5" in on_two["sample"].pop("why")
    del found["sample"]["why"]
    assert on_two == found


def test_what_does_not_take_long_is_whole(log: Path) -> None:
    done = replay(log)
    assert "sample" not in told(done)
    assert done.stderr == ""


def test_a_sample_of_one_is_all_of_them(
    log: Path, monkeypatch: pytest.MonkeyPatch, slow: None
) -> None:
    whole = told(replay(log, "--sample", "1"))
    shared = told(replay(log, "--sample", "1", "--jobs", "2"))
    assert shared["designs"][0].pop("shards") == "by key"
    assert "sample" not in whole
    monkeypatch.undo()
    assert whole == shared == told(replay(log))


def test_who_asks_for_the_reference_a_cluster_or_a_folder_gets_all(
    log: Path, slow: None, tmp_path: Path
) -> None:
    assert "sample" not in told(replay(log, "--engine", "reference"))
    assert "sample" not in told(replay(log, "--spool", str(tmp_path)))


def test_where_a_sample_tells_nothing_all_keys_are_replayed(
    log: Path, slow: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_time, "MOST_CHOSEN", 50)
    done = replay(log)
    assert "all keys are replayed: --sample 0.01: that is" in done.stderr
    assert isinstance(told(done)["l1_hits"], int)


def test_the_twin_does_what_takes_the_reference_too_long() -> None:
    """250,000 requests are five seconds of the one, 184 million two minutes of the other."""
    assert Asked(250e3, 1, 1).engine == "reference"
    assert Asked(251e3, 1, 1).engine == Asked(100e3, 1, 2).engine == "compiled"
    assert Asked(184e6, 1, 1).rate is Asked(368e6, 1, 2).rate is Asked(92e6, 2, 1).rate is None
    assert Asked(200e6, 1, 1).rate == 0.1
    assert Asked(1e9, 1, 2).rate == 0.02
    assert Asked(1e9, 2, 1).rate == 0.01


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "csv": bytes, "csv.gz": gzip.compress, "csv.xz": lzma.compress, "csv.bz2": bz2.compress,
    "csv.zst": lambda content: pa.compress(content, "zstd", asbytes=True),
}  # fmt: skip


@pytest.mark.parametrize("name", PACKED)
def test_how_many_requests_there_are_is_told_from_the_start(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expected, "START", 400_000)
    draws = np.random.default_rng(1).integers(0, 1 << 60, 60_000)
    lines = ["time,key", *(f"{i / 10},/k{n}" for i, n in enumerate(draws.tolist()))]
    paths = [tmp_path / f"{part}.{name}" for part in "ab"]
    for path in paths:
        path.write_bytes(PACKED[name]("\n".join(lines).encode()))
    assert expected_requests(paths, Reading()) == pytest.approx(120_000, rel=0.5)
    tenth = Reading(sample_rate=0.1)
    assert expected_requests(paths, tenth) == pytest.approx(1_200_000, rel=0.5)


def test_parquet_and_records_say_it_themselves(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    table = pa.table({"time": np.arange(ROWS) / 10, "key": [f"/k{i % 9}" for i in range(ROWS)]})
    pyarrow.parquet.write_table(table, path)
    assert expected_requests([path], Reading()) == ROWS
    records = tmp_path / "log.oracleGeneral.bin"
    records.write_bytes(np.zeros(300, "<u4,<u8,<u4,<i8").tobytes())
    reading = Reading(format="oracle-general")
    assert expected_requests([records], reading) == 300


def test_a_log_of_few_bytes_is_not_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "none.csv"
    path.write_bytes(b"\0" * 100)
    assert expected_requests([path], Reading(), worth=100) == 100
