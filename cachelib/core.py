"""The decisions of the cache, written once.

Whatever may have to wait is a coroutine. `TieredCache` runs it to its end in one step, because
its waiting blocks; `AsyncTieredCache` awaits it. They differ in four ports: `_io` runs a method of
L2, `_gate` makes something to wait for, `_wait` waits for it, `_spawn` works in the background.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from math import inf
from random import random as uniform
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar, Unpack

from cachelib.flights import LOADING, Flight, Flights, Found
from cachelib.memory import Entry, MemoryCache, NoMemory
from cachelib.options import ABSENT, Answer, Counters, Options, Policy, Stats, Tier
from cachelib.stores.codecs import NEGATIVE, Codec, JsonCodec, seal
from cachelib.stores.protocol import Store, Stored
from cachelib.stores.shared import AWAY, STAMP, Change, SharedTier

if TYPE_CHECKING:
    from concurrent.futures import Executor

LEASE_POLL = 0.02  # seconds between looks at L2 while another process loads
MAX_FAILURES = 10_000
NOTHING: Callable[[str], Entry | None] = NoMemory().peek

T = TypeVar("T")
Loader = Callable[[str], Any]
OUTCOMES = {"l1": "l1_hits", "l2": "l2_hits", "load": "misses", "stale": "misses"}


class CacheCore(Flights):
    """What both skins share."""

    _blocks: bool  # a caller may be made to wait right where it calls

    def __init__(
        self,
        l1: MemoryCache | None = None,
        l2: Store | None = None,
        *,
        clock: Callable[[], float] = time.time,
        random: Callable[[], float] = uniform,
        codec: Codec | None = None,
        on_l2_error: Literal["raise", "degrade"] = "raise",
        l2_timeout: float | None = None,
        breaker_failures: int = 5,
        breaker_seconds: float = 10.0,
        tag_refresh: float | None = None,
        on_event: Callable[[str, str], None] | None = None,
        executor: Executor | None = None,
        **options: Unpack[Options],
    ) -> None:
        if on_l2_error not in ("raise", "degrade"):
            raise ValueError(f"on_l2_error must be 'raise' or 'degrade', not {on_l2_error!r}")
        super().__init__(l1, clock, Counters(on_event))
        self.l2, self.policy, self._random = l2, Policy(options), random
        self._codec: Codec = codec or JsonCodec()
        self._executor = executor
        self._weighs = self.l1.max_bytes is not None  # so values are encoded
        self._direct = self._blocks or not getattr(l2, "blocking", True)
        self._l1_hit = self._counters.step["l1_hits"]
        self._peek, self._renew = self.l1.peek, self.l1.renew
        self._fast = self._peek if on_event is None else NOTHING  # the hook is told elsewhere
        self._l2: SharedTier | None = None
        self._moment = clock
        if l2 is not None:
            self._l2 = SharedTier(
                l2,
                self._codec,
                clock,
                self._count,
                self._forget,
                degrade=on_l2_error == "degrade",
                timeout=l2_timeout,
                failures=breaker_failures,
                pause=breaker_seconds,
                tag_refresh=tag_refresh,
            )
            self._stamps, self._revoked = self._l2.stamps, self._l2.revoked
            if tag_refresh is not None:
                self._moment = self._l2.moment
        self._closed = False
        self._failures: dict[str, tuple[float, Exception]] = {}

    def _end(self) -> None:
        self._closed = True
        self._fast = NOTHING  # so that L1 hits, too, learn that it is closed

    @property
    def stats(self) -> Stats:
        """A copy of the counters."""
        with self._lock:
            stats = self._counters.snapshot()
        return stats._replace(
            evictions=self.l1.evictions, l1_entries=len(self.l1), l1_bytes=self.l1.bytes
        )

    @abstractmethod
    async def _io(self, method: Callable[..., T], *args: Any) -> T: ...
    @abstractmethod
    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None: ...

    def _begin(self, key: str) -> float:
        """The time; an error for what cannot be a key."""
        if self._closed or type(key) is not str or not key:
            self._refuse(key)
        return self._clock()

    def _refuse(self, key: Any) -> NoReturn:
        if self._closed:
            raise RuntimeError("this cache is closed")
        if not isinstance(key, str):
            raise TypeError(f"a key is a string, not {type(key).__name__}")
        raise ValueError(f"{key!r} cannot be a key")

    def _hot(self, key: str, entry: Entry) -> Any:
        """Serve a hit of L1. No lock: each step is atomic by itself."""
        try:  # noqa: SIM105 (suppress is slow)
            self._renew(key)
        except KeyError:  # pushed out this instant
            pass
        self._l1_hit()
        if entry.value is ABSENT:
            self._count("negative_hits", key)
        return entry.value

    def _in_l1(self, key: str, policy: Policy, now: float) -> Entry | None:
        entry = self._peek(key)
        if entry is None or policy.skip_l1 or not entry.since <= now < entry.until:
            return None
        with suppress(KeyError):
            self._renew(key)
        return entry

    def _tally(self, key: str, found: Found | None) -> None:
        """Count a look-up, once, by where it ended."""
        tier = "load" if found is None else found[1]
        self._count(OUTCOMES[tier], key)
        if tier == "stale":
            self._count("stale_hits", key)
        elif found is not None and found[0].value is ABSENT and tier != "load":
            self._count("negative_hits", key)

    # What both skins offer: blocking in one, awaited in the other

    async def _get(self, key: str, default: Any = None, **options: Unpack[Options]) -> Any:
        """The cached value, from L1 or else L2; `ABSENT` if that is cached; else `default`."""
        entry = self._fast(key)
        if entry is not None and entry.since <= self._clock() < entry.until and not options:
            value = entry.value
            if value is ABSENT:
                return self._hot(key, entry)
            self._l1_hit()  # as `_hot` does: to call it would cost a tenth of this all
            try:  # noqa: SIM105
                self._renew(key)
            except KeyError:
                pass
            return value
        found = await self._look((key,), self.policy.override(options))
        return found[key][0].value if found else default

    async def _get_or_load(self, key: str, loader: Loader, **options: Unpack[Options]) -> Any:
        """Read-through: the cached value, or what `loader(key)` returns, written to both tiers."""
        entry = self._fast(key)
        if entry is not None and entry.since <= self._clock() < entry.refresh_at and not options:
            return self._hot(key, entry)
        return (await self._find(key, loader, self.policy.override(options)))[0].value

    async def _lookup(self, key: str, **options: Unpack[Options]) -> Answer | None:
        """As `get`, with where the value came from; None for a miss."""
        found = await self._look((key,), self.policy.override(options))
        return _answer(found[key]) if found else None

    async def _fetch(self, key: str, loader: Loader, **options: Unpack[Options]) -> Answer:
        """As `get_or_load`, with where the value came from and whether it is stale."""
        return _answer(await self._find(key, loader, self.policy.override(options)))

    async def _get_many(self, keys: Iterable[str], **options: Unpack[Options]) -> dict[str, Any]:
        """What the tiers have of `keys`, with one round trip to L2."""
        found = await self._look(keys, self.policy.override(options))
        return {key: entry.value for key, (entry, _, _) in found.items()}

    async def _set(self, key: str, value: Any, **options: Unpack[Options]) -> bool:
        """Write-through: when this returns, the value is in L2 and in this process's L1.

        False if L2 was away, with `on_l2_error="degrade"`: it will be told when it is back.
        """
        return await self._write({key: value}, self.policy.override(options))

    async def _set_many(self, values: Mapping[str, Any], **options: Unpack[Options]) -> bool:
        """`set` for many, with one round trip to L2."""
        return await self._write(values, self.policy.override(options))

    async def _delete(self, key: str, **options: Unpack[Options]) -> bool:
        """Remove the key from both tiers; False as for `set`."""
        return await self._remove((key,), self.policy.override(options))

    async def _delete_many(self, keys: Iterable[str], **options: Unpack[Options]) -> bool:
        """`delete` for many, with one round trip to L2."""
        return await self._remove(keys, self.policy.override(options))

    async def _clear(self) -> bool:
        """What was written is no more, in all processes that share L2."""
        return await self._invalidate_tags("")

    async def _listen(self, timeout: float) -> None:
        """Heed changes until the cache is closed."""
        while not self._closed:
            try:
                await self._heed_changes(timeout)
            except Exception:  # L2 is away; what it would have told is made good when it is back
                self._count("l2_errors", "")
                await self._wait(self._gate(), timeout)

    # Reading

    async def _look(self, keys: Iterable[str], policy: Policy) -> dict[str, Found]:
        """What the tiers have, without loading."""
        unique, now = list(dict.fromkeys(keys)), 0.0
        for key in unique:
            now = self._begin(key)
        found: dict[str, Found] = {}
        flights: dict[str, Flight] = {}
        for key in unique:
            if (entry := self._in_l1(key, policy, now)) is not None:
                found[key] = entry, "l1", None
            elif self._flights.setdefault(key, mine := Flight()) is mine:
                flights[key] = mine
        try:
            missing = [key for key in unique if key not in found]
            if missing and self._l2 is not None and not policy.skip_l2:
                there = await self._io(self._l2.read, missing, policy, now) or {}
                for key, entry in there.items():
                    if now < entry.expires_at:
                        found[key] = entry, "l2", None
        finally:
            for key, flight in flights.items():
                hit = found.get(key)
                self._land(key, flight, hit and hit[0], hit)
            for key in unique:
                self._tally(key, found.get(key))
        return {key: found[key] for key in unique if key in found}

    async def _find(self, key: str, loader: Loader, policy: Policy) -> Found:
        """What the tiers have, or else what the loader returns."""
        now, shared = self._begin(key), False
        found: Found | None = None
        try:
            while found is None:
                mine = Flight()
                flight = self._flights.setdefault(key, mine)
                if flight is mine:
                    found = await self._lead(key, loader, policy, mine, now)
                elif (entry := self._in_l1(key, policy, now)) is not None:
                    found = entry, "l1", None
                else:
                    shared = True
                    found = await self._join(key, flight, policy)
                    now = self._clock()
        except Exception:
            self._count("misses", key)
            raise
        else:
            self._tally(key, found)
            return found
        finally:
            if shared:
                self._count("coalesced", key)

    async def _lead(
        self, key: str, loader: Loader, policy: Policy, flight: Flight, now: float
    ) -> Found | None:
        tier: Tier = "l1"
        there: Entry | None = AWAY
        try:
            entry = self._in_l1(key, policy, now)
            if entry is None:
                tier = "l2"
                if self._l2 is not None and not policy.skip_l2:
                    if self._direct:
                        there = self._l2.read_one(key, policy, now)
                    else:
                        there = await self._io(self._l2.read_one, key, policy, now)
                if there is AWAY:
                    flight.last = self._peek(key)
                elif there is not None and now < there.expires_at:
                    entry = there
                else:
                    flight.last = there
        except BaseException as error:
            self._crash(key, flight, error)
            raise
        if entry is not None:
            found = entry, tier, None
            self._land(key, flight, entry, found)
            if entry.refresh_at <= now:
                self._refresh(key, loader, policy)
            return found
        if policy.soft_timeout is None and policy.hard_timeout is None:
            return await self._load(key, loader, policy, flight)
        self._start(key, loader, policy, flight)
        return await self._join(key, flight, policy)

    # Loading

    def _refresh(self, key: str, loader: Loader, policy: Policy) -> None:
        """Load in the background, unless somebody is at it or it failed a moment ago."""
        flight = Flight()
        if self._failure(key) is None and self._flights.setdefault(key, flight) is flight:
            self._count("refreshes", key)
            self._start(key, loader, policy, flight)

    def _start(self, key: str, loader: Loader, policy: Policy, flight: Flight) -> None:
        work = self._load(key, loader, policy, flight)
        try:
            self._spawn(work)
        except BaseException as error:
            work.close()
            self._crash(key, flight, error)
            raise

    async def _load(self, key: str, loader: Loader, policy: Policy, flight: Flight) -> Found:
        """Load and write through. Lands the flight, whatever happens."""
        token = entry = None
        try:
            if self._failures and (error := self._failure(key)) is not None:
                found = self._excuse(flight, policy, error)
            else:
                if policy.lease is not None and self._l2 is not None and not policy.skip_l2:
                    token, entry = await self._acquire(self._l2, key, policy, policy.lease)
                if entry is not None:
                    found = entry, "l2", None
                else:
                    found = await self._obtain(key, loader, policy, flight, token)
            self._land(key, flight, found[0], found)
        except BaseException as error:
            self._crash(key, flight, error)
            raise
        finally:
            if token is not None and self._l2 is not None:
                await self._io(self._l2.release, key, token)
        return found

    async def _obtain(
        self, key: str, loader: Loader, policy: Policy, flight: Flight, token: int | None
    ) -> Found:
        started = self._moment()
        outer, current = LOADING.get(), LOADING.set(flight)
        if outer is not None:
            outer.waits_for = flight
        self._count("loads", key)
        try:
            value = loader(key)
            if hasattr(value, "__await__"):
                value = await value
        except Exception as error:
            self._count("load_errors", key)
            if policy.error_ttl:
                self._failures[key] = self._clock() + policy.error_ttl, error
                if len(self._failures) > MAX_FAILURES:
                    self._failures.pop(next(iter(self._failures)), None)
            return self._excuse(flight, policy, error)
        finally:
            LOADING.reset(current)
            if outer is not None:
                outer.waits_for = None
        if self._failures:
            self._failures.pop(key, None)
        entry, stored = self._seal(key, value, policy, started)
        with self._lock:
            flight.writing = flight.valid
        if flight.writing and stored is not None and self._l2 is not None:
            change = stored, started, entry
            if token is not None:
                fenced = self._l2.write_fenced
                flight.valid = await self._io(fenced, key, Change(*change), policy, token)
            elif self._direct:
                self._l2.write_one(key, change, policy)
            else:
                await self._io(self._l2.write_one, key, change, policy)
        return entry, "load", None

    def _failure(self, key: str) -> Exception | None:
        """The error of a load that failed so lately that another must wait."""
        if key not in self._failures:
            return None
        until, error = self._failures[key]
        return error if self._clock() < until else None

    def _excuse(self, flight: Flight, policy: Policy, error: Exception) -> Found:
        """The last value in place of a failed load; the error if there is none."""
        if (last := self._usable(flight.last, policy)) is None:
            raise error
        return last, "stale", error

    async def _acquire(
        self, l2: SharedTier, key: str, policy: Policy, seconds: float
    ) -> tuple[int | None, Entry | None]:
        """A lease to load under, or what the process that had it has written."""
        while True:
            now = self._clock()
            token, entry = await self._io(l2.acquire, key, policy, seconds, now)
            if token is not None or entry is not None:
                return token, entry
            await self._wait(self._gate(), LEASE_POLL)

    # Writing

    async def _write(self, values: Mapping[str, Any], policy: Policy) -> bool:
        """Write through; False if L2 is away and will be brought up to date later."""
        started = self._moment()
        changes: dict[str, Change] = {}
        for key, value in values.items():
            self._begin(key)
            if key.startswith(STAMP):
                self._refuse(key)
            if value is ABSENT and not policy.negative_ttl:
                raise ValueError(f"to set {key!r} to ABSENT, give a negative_ttl")
            entry, stored = self._seal(key, value, policy, started)
            changes[key] = Change(stored, started, entry)
        return await self._change("sets", changes, policy)

    async def _remove(self, keys: Iterable[str], policy: Policy) -> bool:
        started = self._moment()
        changes = {key: Change(None, started) for key in keys if self._begin(key) is not None}
        return await self._change("deletes", changes, policy)

    async def _change(self, event: str, changes: dict[str, Change], policy: Policy) -> bool:
        flights = {key: Flight() for key in sorted(changes)}  # one order for all: no ring of waits
        shared, written = True, False
        try:
            for key, flight in flights.items():
                await self._claim(key, flight)
            if changes and self._l2 is not None and not policy.skip_l2:
                shared = await self._io(self._l2.write, changes, policy)
            written = True
        finally:
            for key, flight in flights.items():
                entry = changes[key].entry if written else None
                self._land(key, flight, entry, None if entry is None else (entry, "l1", None))
        for key in changes:
            self._count(event, key)
        return shared

    def _seal(
        self, key: str, value: Any, policy: Policy, started: float
    ) -> tuple[Entry, Stored | None]:
        """`value` as L1 and as L2 will have it; None for L2 if it is not to have it."""
        now, payload = self._clock(), b""
        shared = self._l2 is not None and not policy.skip_l2
        if value is ABSENT:
            life = policy.negative_ttl
        else:
            life = policy.l2_life if shared else min(policy.l1_life, policy.l2_life)
            if shared or self._weighs:
                payload = self._encode(key, value)
        refresh_at = inf
        if policy.varies:
            life *= 1 - policy.jitter * self._random()
            if policy.soft_ttl is not None:
                refresh_at = now + policy.soft_ttl
            if policy.refresh_after is not None and life < inf:
                refresh_at = min(refresh_at, now + policy.refresh_after * life)
        expires_at, tags = now + life, policy.tags
        entry = Entry(value, started, expires_at, refresh_at, tags, len(key) + len(payload))
        if not life:
            return entry, None
        stored = None
        if shared:
            flags = NEGATIVE if value is ABSENT else 0
            data = seal(payload, started, refresh_at, expires_at, tags, flags)
            stored = Stored(data, None if life == inf else expires_at + policy.stale_if_error)
        entry.settle(policy, now)
        return entry, stored

    def _encode(self, key: str, value: Any) -> bytes:
        try:
            return self._codec.encode(value)
        except Exception as error:
            codec = type(self._codec).__name__
            raise TypeError(f"{codec} cannot encode the value of {key!r}: {error}") from error

    # What other callers and processes change

    async def _invalidate_tags(self, *tags: str) -> bool:
        """What was written with any of `tags` is no more, here at once, elsewhere when noticed."""
        done = True
        if self._l2 is None:
            for flight in list(self._flights.values()):
                flight.valid = False
        else:
            done = await self._io(self._l2.revoke, tags)
        for tag in tags:
            self._drop(tag)
        return done

    async def _heed_changes(self, timeout: float = 0.0) -> int:
        """Drop from L1 what others changed, waiting up to `timeout` s; how many keys they named."""
        if self._l2 is None:
            return 0
        keys = await self._io(self._l2.changes, timeout)
        if keys is None:  # some may have been missed
            self._l2.stamps.clear()
            self._drop("")
            keys = list(self._flights)
        for key in keys:
            if key.startswith(STAMP):
                tag = key.removeprefix(STAMP)
                self._l2.stamps.pop(tag, None)
                self._drop(tag)
            else:
                self._forget(key)
        return len(keys)


def _answer(found: Found) -> Answer:
    entry, tier, error = found
    expires_at = None if entry.expires_at == inf else entry.expires_at
    return Answer(entry.value, tier, entry.created_at, expires_at, error)
