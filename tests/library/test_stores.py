"""One contract, kept by every store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from kv_server import KVServer
from rig import PROGRAMS, Clock, Server

from cachelib import MemoryStore, RejectedError, SqliteStore, Stored
from cachelib.stores import LeaseStore
from cachelib.stores.counters import MOST
from cachelib.stores.protocol import CounterStore
from cachelib.stores.redis import RedisStore


def _name(param: str) -> str:
    return ("cluster-of-" if param.startswith("cluster") else "") + Path(param).name


SERVERS = [*PROGRAMS, *(f"cluster of {program}" for program in PROGRAMS)]


@pytest.fixture(params=["memory", "sqlite", "cloudflare", *SERVERS], ids=_name)
def store(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    clock: Clock,
    servers: Callable[[str], Server],
    clusters: Callable[[str], Server],
) -> Iterator[Any]:
    if request.param == "memory":
        yield MemoryStore()
    elif request.param == "sqlite":
        with SqliteStore(tmp_path / "cache.db") as store:
            yield store
    elif request.param == "cloudflare":
        with KVServer(clock) as server:
            yield server.store()
    else:
        program = request.param.removeprefix("cluster of ")
        server = (servers if program == request.param else clusters)(program)
        with RedisStore(server.url, prefix=f"{tmp_path}:", announce=True, clock=clock) as store:
            yield store


def test_a_missing_key_reads_as_none(store: Any, clock: Clock) -> None:
    assert store.get("k", clock()) is None
    assert store.get_many(["k", "l"], clock()) == {}


@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 400], ids=["empty", "one", "long"])
@pytest.mark.parametrize("life", [None, 90.0, 5.25])
def test_what_was_set_is_read_with_its_expiry(
    store: Any, clock: Clock, data: bytes, life: float | None
) -> None:
    stored = Stored(data, None if life is None else clock() + life)
    store.set("k", stored)
    assert store.get("k", clock()) == stored
    assert store.get_many(["k", "other"], clock()) == {"k": stored}


def test_a_value_is_there_just_before_its_expiry_and_gone_at_it(store: Any, clock: Clock) -> None:
    store.set("k", Stored(b"v", clock() + 100))
    clock.advance(99.999)
    assert store.get("k", clock()) is not None
    clock.advance(0.001)
    assert store.get("k", clock()) is None
    assert store.get_many(["k", "l"], clock()) == {}


def test_the_last_write_wins(store: Any, clock: Clock) -> None:
    store.set("k", Stored(b"old", None))
    clock.advance(1)
    store.set("k", Stored(b"new", clock() + 60))
    assert store.get("k", clock()) == Stored(b"new", clock() + 60)


def test_a_deleted_key_is_gone_and_deleting_it_again_succeeds(store: Any, clock: Clock) -> None:
    store.set("k", Stored(b"v", None))
    for _ in range(2):
        clock.advance(1)
        store.delete("k")
        assert store.get("k", clock()) is None


def test_many_are_written_read_and_deleted_at_once(store: Any, clock: Clock) -> None:
    items = {f"key {n}": Stored(b"%d" % n, clock() + 60 + n) for n in range(250)}
    store.set_many(items)
    assert store.get_many(list(items), clock()) == items
    clock.advance(1)
    store.delete_many(list(items)[1:])
    assert store.get_many(list(items), clock()) == {"key 0": items["key 0"]}


@pytest.mark.parametrize("key", ["a/b", "a b", "ключ", "100%", "{a}b", "k" * 500, "?x=1&y#z"])
def test_any_printable_text_of_500_bytes_is_a_key(store: Any, clock: Clock, key: str) -> None:
    store.set(key, Stored(b"v", None))
    assert store.get(key, clock()) == Stored(b"v", None)
    assert store.get_many([key, "another"], clock()) == {key: Stored(b"v", None)}


class TestCounters:
    @pytest.fixture(autouse=True)
    def _only_where_there_are_any(self, store: Any) -> None:
        if not isinstance(store, CounterStore):
            pytest.skip(f"{type(store).__name__} cannot count")

    def test_a_counter_begins_at_nothing_and_lives_from_its_first_step_on(
        self, store: Any, clock: Clock, wait: Callable[[float], None]
    ) -> None:
        end = clock() + 10
        assert store.incr("n", 5, end, 0, clock()) == Stored(b"#5", end)
        clock.advance(9)
        later = store.incr("n", -7, clock() + 10, 0, clock())
        assert later == Stored(b"#-2", end)
        assert store.get("n", clock()) == later
        clock.advance(1)
        assert store.get("n", clock()) is None
        assert store.incr("n", 1, None, 0, clock()) == Stored(b"#1", None)
        assert store.incr("n", 1, end, 0, clock()) == Stored(b"#2", None)

    def test_a_deleted_or_revoked_counter_begins_anew(self, store: Any, clock: Clock) -> None:
        store.incr("n", 5, None, 0, clock())
        store.delete("n")
        before = store.incr("n", 1, None, 0, clock())
        assert before == Stored(b"#1", None)
        after = store.incr("n", 1, None, before.version, clock())
        assert after == Stored(b"#1", None)
        assert store.incr("n", 1, None, before.version, clock()) == Stored(b"#2", None)
        assert after.version > before.version

    def test_a_load_from_before_a_step_does_not_overwrite_it(
        self, store: Any, clock: Clock
    ) -> None:
        began = store.version("n")
        store.incr("n", 1, None, 0, clock())
        assert store.write_since({"n": (Stored(b"loaded before", None), began)}) == ["n"]
        assert store.get("n", clock()) == Stored(b"#1", None)

    @pytest.mark.parametrize("data", [b"", b"5", b"#", b"#x", b"#1.5", bytes(100)])
    def test_what_is_no_counter_is_refused_and_left_alone(
        self, store: Any, clock: Clock, data: bytes
    ) -> None:
        store.set("k", Stored(data, None))
        with pytest.raises(RejectedError, match="no counter"):
            store.incr("k", 1, None, 0, clock())
        assert store.get("k", clock()) == Stored(data, None)

    def test_no_step_leads_to_where_not_every_store_counts_exactly(
        self, store: Any, clock: Clock
    ) -> None:
        for sign in (1, -1):
            store.delete("n")
            full = store.incr("n", sign * MOST, None, 0, clock())
            assert full.data == b"#%d" % (sign * MOST)
            with pytest.raises(RejectedError, match="a counter holds"):
                store.incr("n", sign, None, 0, clock())
            assert store.incr("n", -sign, None, 0, clock()).data == b"#%d" % (sign * (MOST - 1))

    def test_no_step_of_many_threads_is_lost(self, store: Any, clock: Clock) -> None:
        with ThreadPoolExecutor(8) as pool:
            steps = pool.map(lambda _: store.incr("n", 1, None, 0, clock()).data, range(400))
        assert sorted(int(data[1:]) for data in steps) == list(range(1, 401))


class TestLeases:
    @pytest.fixture(autouse=True)
    def _only_where_there_are_any(self, store: Any) -> None:
        if not isinstance(store, LeaseStore):
            pytest.skip(f"{type(store).__name__} has no leases")

    def test_one_caller_at_a_time_has_the_lease(self, store: Any, clock: Clock) -> None:
        token = store.acquire("k", 30, clock())
        assert token > 0
        assert store.acquire("k", 30, clock()) is None
        assert store.acquire("another", 30, clock()) > token
        store.release("k", token)
        assert store.acquire("k", 30, clock()) > token

    def test_a_write_under_the_lease_ends_it(self, store: Any, clock: Clock) -> None:
        token = store.acquire("k", 30, clock())
        assert store.set_fenced("k", Stored(b"v", clock() + 60), token)
        assert store.get("k", clock()) == Stored(b"v", clock() + 60)
        assert store.acquire("k", 30, clock()) is not None

    def test_a_write_after_the_lease_has_passed_on_is_refused(
        self, store: Any, clock: Clock, wait: Callable[[float], None]
    ) -> None:
        late = store.acquire("k", 0.02, clock())
        wait(0.05)
        newer = store.acquire("k", 30, clock())
        assert not store.set_fenced("k", Stored(b"late", None), late)
        store.release("k", late)
        assert store.get("k", clock()) is None
        assert store.set_fenced("k", Stored(b"newer", None), newer)
        assert store.get("k", clock()) == Stored(b"newer", None)


@pytest.fixture
def wait(clock: Clock, store: Any) -> Callable[[float], None]:
    """Let time pass, by the fake clock and, for a server, by its own."""

    def wait(seconds: float) -> None:
        clock.advance(seconds)
        if isinstance(store, RedisStore):
            time.sleep(seconds)

    return wait
