"""`replay --memory SIZE`: as many shards as let those at work fit, and the same numbers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cachelib.cli import main
from cachelib.model.engines.shards import room
from cachelib.model.engines.shards.room import RoomError, shards_within

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
