"""A run in shards that is interrupted goes on, and never from what is not its own."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from cachelib.cli import main
from cachelib.model.engines.replay import replay_pieces
from cachelib.model.engines.shards import spool
from cachelib.model.engines.shards.cluster import Processors
from cachelib.model.engines.shards.saying import counted, replayed
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from tests.model.test_shards import requests

DESIGN = Design(name="x", tiers=("memory", "kv"), l1_ttl_s=60.0, l2_ttl_s=300.0)
PLATFORM = Platform(isolates_per_colo=3, value_life_s=600, isolate_idle_s=40)
SHARDS = 5


@pytest.fixture
def trace():
    return requests(np.random.default_rng(1), 3_000, 300)


@pytest.fixture
def ran(monkeypatch):
    """The shards that are replayed, each as it is begun."""
    done = []
    run = spool.Task.run

    def noted(task):
        done.append(task.file.name)
        return run(task)

    monkeypatch.setattr(spool.Task, "run", noted)
    return done


def replay(trace, folder, design=DESIGN, platform=PLATFORM, say=lambda words: None, **options):
    done = replay_pieces(
        [trace], [design], platform, spool=folder, shards=SHARDS, say=say, **options
    )
    return [(each.as_dict(), each.byte_seconds) for each in done]


def interrupted(trace, folder, after=3):
    def stop(words):
        if words.startswith(f"{after} of"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(trace, folder, say=stop)


def test_the_next_run_goes_on_where_the_last_was_interrupted(trace, tmp_path, ran):
    interrupted(trace, tmp_path)
    assert not list(tmp_path.glob("cachelib-shards-*"))
    before = len(ran)
    found = replay(trace, tmp_path)
    assert len(ran) >= SHARDS  # on a busy machine more may have begun when the first run ended
    assert len(ran) - before <= SHARDS - 3
    whole = replay_pieces([trace], [DESIGN], PLATFORM)
    assert found == [(each.as_dict(), each.byte_seconds) for each in whole]
    assert not list((tmp_path / "cachelib-replayed").iterdir())


OTHERS = {
    "design": {"design": DESIGN.model_copy(update={"l1_ttl_s": 61.0})},
    "platform": {"platform": PLATFORM.model_copy(update={"value_life_s": 601})},
    "seed": {"seed": 1},
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_what_was_replayed_with_other_settings_is_not_taken(trace, tmp_path, ran, other):
    interrupted(trace, tmp_path, SHARDS)
    ran.clear()
    replay(trace, tmp_path, **other)
    assert len(ran) == SHARDS


def test_what_was_replayed_of_another_log_or_version_is_not_taken(
    trace, tmp_path, ran, monkeypatch
):
    interrupted(trace, tmp_path, SHARDS)
    ran.clear()
    later = trace.time_s.copy()
    later[1_500] = np.nextafter(later[1_500], later[1_501])
    replay(replace(trace, time_s=later), tmp_path)
    assert len(ran) == 1
    interrupted(trace, tmp_path, SHARDS)
    ran.clear()
    monkeypatch.setattr(spool, "SOURCES", "another")
    replay(trace, tmp_path)
    assert len(ran) == SHARDS


def test_what_is_damaged_is_replayed(trace, tmp_path, ran):
    interrupted(trace, tmp_path, SHARDS)
    kept = sorted((tmp_path / "cachelib-replayed").iterdir())
    assert len(kept) == SHARDS
    for file, content in zip(kept, (b"", b"PK\x03\x04", kept[2].read_bytes()[:-99]), strict=False):
        file.write_bytes(content)
    ran.clear()
    replay(trace, tmp_path)
    assert len(ran) == 3


def test_a_run_says_how_fast_it_goes_and_when_it_will_be_done(trace, tmp_path):
    said = []
    time = iter(range(0, 1_000, 10))
    assert len(list(counted([trace, trace], said.append, clock=lambda: next(time)))) == 2
    assert said[-1] == "6,000 requests are read, 300 a second"
    files = [tmp_path / name for name in "ab"]
    for file, size in zip(files, (10, 30), strict=True):
        file.write_bytes(b"x" * size)
    tasks = [spool.Task(file, *[None] * 9) for file in files]
    run = replayed(lambda tasks: ((task, None) for task in tasks), said.append, lambda: next(time))
    list(run(tasks))
    assert said[-2:] == [
        "1 of 2 shards are replayed, about 30 s left", "2 of 2 shards are replayed"
    ]  # fmt: skip


def test_the_command_gives_the_same_out_of_a_folder(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text("\n".join(["time,key", *[f"{i / 10},/k{i * i % 50}" for i in range(2_000)]]))
    asked = ["replay", str(log), "--l1-ttl", "5", "--l2-ttl", "20", "--json"]
    plain = CliRunner().invoke(main, asked)
    kept = CliRunner().invoke(
        main, [*asked, "--jobs", "2", "--spool", str(tmp_path / "a" / "spool")]
    )
    assert kept.exit_code == 0, kept.output
    assert "64 of 64 shards are replayed" in kept.stderr
    found, given = (json.loads(done.stdout)["designs"][0] for done in (plain, kept))
    assert given.pop("shards") == "by key"
    assert given == found


def test_what_nobody_can_go_on_with_is_neither_named_nor_kept(trace, tmp_path, monkeypatch):
    """A folder of the run's own vanishes with it; to read all for a name is in vain."""
    monkeypatch.setattr(spool.Task, "content", None)
    found = replay_pieces([trace], [DESIGN], PLATFORM, cluster=Processors(2, tmp_path, SHARDS))
    whole = replay_pieces([trace], [DESIGN], PLATFORM)
    assert [each.as_dict() for each in found] == [each.as_dict() for each in whole]
    assert list(tmp_path.iterdir()) == []


def test_the_largest_shards_are_replayed_first(trace, tmp_path):
    sizes = []

    class Looked(Processors):
        def run(self, tasks):
            sizes.extend(task.file.stat().st_size for task in tasks)
            return super().run(tasks)

    replay_pieces([trace], [DESIGN], PLATFORM, cluster=Looked(2, tmp_path, SHARDS))
    assert len(set(sizes)) > 1
    assert sizes == sorted(sizes, reverse=True)


def test_an_interrupted_run_says_how_many_shards_are_kept_and_where(trace, tmp_path):
    said = []

    def stop(words):
        said.append(words)
        if words.startswith("3 of"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(trace, tmp_path, say=stop)
    kept = len(list((tmp_path / "cachelib-replayed").iterdir()))
    assert kept >= 3
    goes_on = "the same command goes on from there"
    assert said[-1] == f"{kept} shards are kept in {tmp_path}: {goes_on}"


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    log = tmp_path / "log.csv"
    log.write_text("time,key\n1,a\n2,b\n")
    asked = ["replay", str(log), "--jobs", "2", "--spool", str(tmp_path / "file" / "below")]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 2
    assert "below: this folder cannot be made: Not a directory" in done.output.replace("\n", " ")
