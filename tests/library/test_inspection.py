"""`cachelib cache inspect`."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner, Result
from rig import Clock, Server

from cachelib import ABSENT, SqliteStore, Stored, TieredCache
from cachelib.cli import main
from cachelib.inspection import _span, inspect
from cachelib.stores.redis import RedisStore


def fill(store: Any, clock: Clock) -> None:
    cache = TieredCache(None, store, clock=clock)
    cache.set("old", "x" * 1000, l2_ttl=10, stale_if_error=1000)
    clock.advance(60)
    cache.set("user:1", {"name": "Ann"}, l2_ttl=3600, tags=("users", "red"))
    cache.set("user:2", ABSENT, negative_ttl=100)
    cache.set("}odd", 1)
    cache.delete("user:3")
    store.set("foreign", Stored(b"\x1b[2Jnot ours", None))
    clock.advance(60)


EXPECTED = {
    "old": ("stale", 120.0, -110.0, ()),
    "user:1": ("live", 60.0, 3540.0, ("users", "red")),
    "user:2": ("absent", 60.0, 40.0, ()),
    "}odd": ("live", 60.0, None, ()),
    "foreign": ("unreadable", None, None, ()),
}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["cache", "inspect", *map(str, arguments)])


@pytest.fixture
def file(tmp_path: Path, clock: Clock) -> Path:
    with SqliteStore(tmp_path / "a cache?.db") as store:
        fill(store, clock)
    return tmp_path / "a cache?.db"


def test_a_file_shows_states_ages_lives_and_tags(file: Path, clock: Clock) -> None:
    found = inspect(str(file), now=clock())
    assert {k.key: (k.state, k.age, k.left, k.tags) for k in found.entries} == EXPECTED
    assert all(kept.size > len(kept.key) for kept in found.entries)


def test_a_server_shows_the_same(server: Server, clock: Clock) -> None:
    with RedisStore(server.url, prefix="[see]*:", clock=clock) as store:
        fill(store, clock)
        store._client.set("see:{other}", b"another prefix")
        found = inspect(server.url, prefix="[see]*:", now=clock())
    assert {k.key: (k.state, k.age, k.left, k.tags) for k in found.entries} == EXPECTED


def test_a_counter_is_as_old_as_its_last_step(file: Path, clock: Clock) -> None:
    with SqliteStore(file) as store:
        cache = TieredCache(None, store, clock=clock, l2_ttl=100)
        cache.incr("hits")
        clock.advance(30)
        cache.incr("hits")
        clock.advance(10)
    [kept] = inspect(str(file), match="hits", now=clock()).entries
    assert (kept.state, kept.age, kept.left) == ("live", 10.0, 60.0)


def test_it_is_sorted_matched_and_cut_as_asked(file: Path) -> None:
    text = run(file, "--sort", "size", "--limit", 1).output
    assert f"{file}: 5 entries" in text
    assert "1 absent, 2 live, 1 stale, 1 unreadable" in text or "stale" in text
    assert text.splitlines()[2].startswith("old ")
    assert "... and 4 more: --limit" in text
    data = json.loads(run(file, "--match", "user:*", "--json").output)
    assert [kept["key"] for kept in data["keys"]] == ["user:1", "user:2"]
    assert data["entries"] == 2


def test_no_value_is_shown_and_no_key_commands_the_terminal(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "c.db") as store:
        TieredCache(None, store).set("k\x1b[31m\n" + "x" * 500, "the value itself")
    text = run(tmp_path / "c.db").output
    assert "the value itself" not in text
    assert "\x1b" not in text
    assert len(text.splitlines()) == 3


def test_a_password_in_a_url_is_not_shown(server: Server) -> None:
    url = server.url.replace("redis://", "redis://user:hunter2@") + "?password=hunter2"
    done = run(url)
    assert done.exit_code == 1
    assert "hunter2" not in done.output + done.stderr
    assert f"127.0.0.1:{server.port}" in done.stderr


@pytest.mark.parametrize(
    ("place", "words"),
    [("missing.db", "no such file"), ("text.db", "cannot be read as a cache"),
     ("other.db", "not the file of a SqliteStore"), ("http://x", "not a Redis URL")],
)  # fmt: skip
def test_what_is_no_cache_is_told_without_a_traceback(
    place: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.db").write_text("hello " * 100)
    with sqlite3.connect("other.db") as db:
        db.execute("CREATE TABLE t (a)")
    db.close()
    done = run(place)
    assert done.exit_code == 2
    assert words in done.stderr
    assert not Path("missing.db").exists()


def test_a_server_that_is_away_is_a_failed_run() -> None:
    done = run("redis://127.0.0.1:1/0")
    assert done.exit_code == 1
    assert "redis://127.0.0.1:1/0: " in done.stderr
    assert redis.__name__ in done.stderr or "refused" in done.stderr


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, ""), (0.25, "0.2 s"), (119.9, "119.9 s"), (120, "2.0 min"), (7_199, "120.0 min"),
        (7_200, "2.0 h"), (172_799, "48.0 h"), (172_800, "2.0 d"), (-172_800, "-2.0 d"),
    ],
)  # fmt: skip
def test_a_time_is_told_in_a_unit_of_which_there_are_two(seconds: float | None, said: str) -> None:
    assert _span(seconds) == said
