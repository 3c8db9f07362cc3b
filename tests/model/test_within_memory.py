"""`replay --memory SIZE`: as many shards as let those at work fit, and the same numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from click.testing import CliRunner

from cachelib.cli import main
from cachelib.model.engines.compiled.engine import NO_GENERATIONS
from cachelib.model.engines.replay import replay_pieces
from cachelib.model.engines.shards import room
from cachelib.model.engines.shards.binding import binding_of
from cachelib.model.engines.shards.first_pass import Passed
from cachelib.model.engines.shards.parting import Parting
from cachelib.model.engines.shards.room import RoomError, shards_within
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.traffic.logs import hashing, reading
from cachelib.model.traffic.logs.framing import parquet
from cachelib.model.traffic.logs.hashing import HashedCodes
from cachelib.model.traffic.logs.source import LogError
from tests.model import test_shards

GB = 1e9


def test_the_less_memory_and_the_more_requests_the_more_shards() -> None:
    fixed = room.FIXED_B + room.A_DESIGN_B
    for requests, at_once, spare in ((1e8, 2, 4 * GB), (1e8, 2, GB), (1e9, 2, GB), (1e8, 1, GB)):
        shards = shards_within(fixed + spare, requests, 1, at_once)
        takes = at_once * requests * room.A_REQUEST_B / shards
        assert 0.9 * spare < takes <= spare
    assert shards_within(2 * GB, 100, 1, 2) == 1


def test_too_little_is_refused_with_what_is_enough() -> None:
    with pytest.raises(RoomError, match=r"--memory 0.5GB: a replay of about 1,000 requests takes"):
        shards_within(0.5 * GB, 1_000, 1, 1)
    with pytest.raises(RoomError, match="fewer --jobs or --designs"):
        shards_within(2 * GB, 1e8, 4, 1)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.csv"
    path.write_text("\n".join(["time,key", *[f"{i / 10},/k{i * i % 500}" for i in range(2_000)]]))
    return path


def test_the_command_gives_the_same_within_a_memory(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "A_REQUEST_B", 20_000_000)
    asked = ["replay", str(log), "--l1-ttl", "5", "--l2-ttl", "20", "--json"]
    plain = CliRunner().invoke(main, asked)
    (tmp_path / "all").mkdir()
    for more in ([], ["--jobs", "2"], ["--spool", str(tmp_path / "all")]):
        bound = CliRunner().invoke(main, [*asked, "--memory", "1.9GB", *more])
        assert bound.exit_code == 0, bound.output
        shards = int(bound.stderr.split(" shards")[0])
        assert shards > 20
        assert f"{shards} of {shards} shards are replayed" in bound.stderr
        found, given = (json.loads(done.stdout)["designs"][0] for done in (plain, bound))
        assert given.pop("shards") == "by key"
        assert given == found


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--memory", "much"], "write an amount of memory, as in 800MB or 4GB"),
        (["--memory", "2GB", "--sample", "0.1"], "--memory is for a run in shards"),
        (["--memory", "2GB", "--engine", "reference"], "--memory is for a run in shards"),
        (["--memory", "2GB", "--cluster", "2"], "--memory is for a run in shards"),
    ],
)
def test_what_cannot_be_bounded_is_refused(log: Path, words: list[str], says: str) -> None:
    done = CliRunner().invoke(main, ["replay", str(log), *words])
    assert done.exit_code == 2
    assert says in " ".join(done.output.split())


def test_too_little_memory_is_a_message(log: Path) -> None:
    done = CliRunner().invoke(main, ["replay", str(log), "--memory", "100MB"])
    assert done.exit_code != 0
    assert "--memory 0.1GB: a replay of about" in " ".join(done.output.split())


def hosted(i: int) -> str:
    return ("a.com", "b.com", "")[i % 3] + f",/k{i * i % 700}?utm_source=x"


@pytest.mark.parametrize("routing", ["round-robin", "hash"])
@pytest.mark.parametrize("is_ordered", [True, False])
def test_names_out_of_memory_change_no_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, routing: str, is_ordered: bool
) -> None:
    """Of several hosts, in many pieces, sorted or not; the keys and their remarks are counted."""
    monkeypatch.setattr(reading, "ROWS", 300)
    monkeypatch.setitem(reading.LogStream.__init__.__kwdefaults__, "rows", 300)
    rows = [f"{i / 10},{hosted(i)}" for i in range(3_000)]
    if not is_ordered:
        rows[5], rows[2_000] = rows[2_000], rows[5]
    path = tmp_path / "log.csv"
    path.write_text("\n".join(["time,host,key", *rows]))
    asked = ["replay", str(path), "--l1-ttl", "5", "--l2-ttl", "20", "--json", "--isolates", "3",
             "--routing", routing, "--designs", "l1-kv,kv-only"]  # fmt: skip
    plain, bound = (CliRunner().invoke(main, [*asked, *more]) for more in ([], ["--memory", "3GB"]))
    assert bound.exit_code == 0, bound.output
    found, given = json.loads(plain.stdout), json.loads(bound.stdout)
    for design in given["designs"]:
        del design["shards"]
    assert given == found
    assert found["keys"] > 200
    assert any("utm_source" in remark for remark in found["remarks"])


def test_parquet_that_was_read_is_let_go(tmp_path: Path) -> None:
    """What pyarrow reads ahead it keeps until the file ends: a log of any length in memory."""
    path = tmp_path / "log.parquet"
    keys = np.random.default_rng(1).integers(0, 1 << 62, 800_000)  # which cannot be packed
    pyarrow.parquet.write_table(pa.table({"key": keys}), path, row_group_size=50_000)
    before, most = pa.total_allocated_bytes(), 0
    for batch in parquet([path])[1]:
        most = max(most, pa.total_allocated_bytes() - before)
        del batch
    assert path.stat().st_size > 6_000_000
    assert most < 5_000_000


def test_names_are_written_and_counted_once_however_often_they_come(tmp_path: Path) -> None:
    codes, names = HashedCodes(tmp_path), [f"/{i}" for i in range(1_000)] + ["/?fbclid=1"]
    hashes = {}
    for start in (0, 500, 0, 250):
        piece = names[start:]
        assert codes.numbers(piece).tolist() == list(range(len(piece)))
        found = codes.hashes()
        assert found is not None
        for name, number in zip(piece, found.tolist(), strict=True):
            assert hashes.setdefault(name, number) == number
    assert len(set(hashes.values())) == len(names)
    assert codes.counted() == (1_001, 1)
    assert HashedCodes(tmp_path).counted() == (0, 0)  # a second reading begins anew


def test_two_names_of_one_hash_are_told_and_not_counted_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def alike(values: list[str]) -> hashing.Hashes:
        return np.array([[7, int(value)] for value in values], np.uint64)

    monkeypatch.setattr(hashing, "_hashed", alike)
    codes = HashedCodes(tmp_path)
    codes.numbers(["1", "2"])
    with pytest.raises(LogError, match=r"cannot be told apart .* without --memory"):
        codes.counted()


def test_what_reads_the_names_of_keys_does_not_take_their_hashes() -> None:
    design = Design(name="x", tiers=("durable-object",), objects=3, l2_ttl_s=300.0)
    parting = Parting(design, binding_of(design, Platform()), 4)
    piece = replace(
        test_shards.requests(np.random.default_rng(1), 10, 3), hashes=np.arange(3, dtype=np.uint64)
    )
    with pytest.raises(ValueError, match="hashes"):
        parting.know(piece, Passed(piece.key, NO_GENERATIONS), 0)
    with pytest.raises(ValueError, match="hashes"):
        replay_pieces([piece], [design], Platform())
