"""Drives the kernel piece by piece, and gives its state room to grow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple, TypeVar
from zlib import crc32

import numpy as np
import numpy.typing as npt

from cachelib.model.engines.compiled.kernel import clean_up_until, run
from cachelib.model.engines.compiled.pool import ENTRY, ISOLATE, NONE
from cachelib.model.engines.compiled.room import rehash, renumber, sweep
from cachelib.model.engines.compiled.rounds import empty
from cachelib.model.engines.compiled.rules import rules_of
from cachelib.model.engines.compiled.state import (
    CHANGE,
    CONSECUTIVE,
    LIST_PAGE,
    LOAD,
    MESSAGE,
    NO_BOUND,
    OBJECT,
    RECORD,
    TOTALS,
    Places,
    State,
)
from cachelib.model.engines.compiled.stores import ring_all
from cachelib.model.engines.compiled.waiting import finish_waiting, land_until, run_waiting
from cachelib.model.engines.exact import LIMB_BITS, PER_BYTE_SECOND, stored_sum
from cachelib.model.engines.random import EXPONENTIAL
from cachelib.model.engines.ways import told_after_s, uppers
from cachelib.model.platforms.colos import Geography
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.outcomes import CODE_TYPE, COUNTS, Outcomes
from cachelib.model.traffic.trace import NO_PURGES, Trace

ROWS = 1 << 18  # requests between two looks at the room that is left


FRONT_TOTALS = ("front_hits", "front_refreshes", "purges", "refused")
NO_LIVES = np.empty(0, np.float32)
NO_GENERATIONS = np.empty(0, np.int32)
LINE = 64  # bytes that a processor's cache holds as one
CHANGES = 4  # that a request may tell copies of, at most: a near copy filled, and both written anew
Scalar = TypeVar("Scalar", bound=np.generic)


def pages_of(listed: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Calls that it takes to list so many keys."""
    return np.asarray(np.maximum(1, -(-listed // LIST_PAGE)))


class Sums(NamedTuple):
    """What a run or a part of its keys comes to: may be added in any order.

    `counts` by name, pages of listed keys aside; `stored` in units of `exact`; `listed`, how many
    keys each clean-up found.
    """

    counts: dict[str, int]
    stored: int
    listed: npt.NDArray[np.int64]

    def plus(self, other: Sums) -> Sums:
        counts = {name: n + other.counts[name] for name, n in self.counts.items()}
        return Sums(counts, self.stored + other.stored, self.listed + other.listed)

    def told(self) -> tuple[dict[str, int], float]:
        """All counts, and byte-seconds."""
        lists = self.counts["kv_lists"] + int(pages_of(self.listed).sum())
        return self.counts | {"kv_lists": lists}, self.stored / PER_BYTE_SECOND


class Compiled:
    """Simulates a design by the compiled rules: the same counts as `Reference`."""

    def __init__(self, design: Design, platform: Platform, seed: int) -> None:
        self.design, self.platform = design, platform
        self.rules = rules_of(design, platform, seed)
        self.near: Places | None = None
        self.purges, self.emptied = NO_PURGES, 0
        self.state = State(
            pool=np.empty(0, ENTRY),
            buckets=np.full(1, NONE, np.int32),
            isolates=np.empty(0, ISOLATE),
            rooms=np.empty(0, ISOLATE),
            records=np.empty(0, RECORD),
            objects=np.empty(0, OBJECT),
            key_bytes=np.empty(0, np.int32),
            superseded=np.empty(0, np.float64),
            listed=np.empty(0, np.int64),
            messages=np.empty(0, MESSAGE),
            changes=np.empty(0, CHANGE),
            loads=np.empty(1, LOAD),
            totals=np.zeros(1, TOTALS)[0],
        )
        self.state.totals["free"] = NONE
        self.state.totals["start"] = self.state.totals["kv_day"] = math.nan
        self.state.totals["origin_free_at"] = -math.inf
        self.state.totals["purges_left"] = self.rules.most_purges

    def run(
        self,
        piece: Trace,
        isolate: npt.NDArray[np.int32],
        row: int,
        places: Geography,
        rows: npt.NDArray[np.int64] = CONSECUTIVE,
        generation: npt.NDArray[np.int32] = NO_GENERATIONS,
    ) -> Outcomes:
        """The next requests; `row` is the number of the first, or `rows` has that of each.

        `generation` are those of the isolates, where a first pass has found them.
        """
        n = len(piece)
        if n and math.isnan(self.state.totals["start"]):
            self.begin(float(piece.time_s[0]))
        self._know(piece.keys)
        outcomes = Outcomes(np.empty(n, CODE_TYPE), *(np.empty(n, np.float32) for _ in range(3)))
        lives = NO_LIVES if piece.ttl_s is None else piece.ttl_s
        told_after = told_after_s(self.design, self.platform, places)
        near = self.near = Places(
            places.runs, uppers(self.design, places), places.region, places.host, places.to_host,
            told_after,
        )  # fmt: skip
        self._make_rooms(len(places.region))
        self.purges, self.there = piece.purges, np.unique(places.runs)
        work = run_waiting if self.rules.load_s else run
        for part in self._stretches(piece.time_s, near):
            self._make_room(
                part.stop - part.start,
                int(isolate[part].max()) + 1,
                float(piece.time_s[part.start]),
            )
            self._make_room_to_list(float(piece.time_s[part.stop - 1]))
            work(
                self.rules, self.state, near, EXPONENTIAL, row + part.start, rows[part],
                piece.time_s[part], piece.key[part], piece.colo[part], isolate[part],
                generation[part], piece.op[part], piece.size[part], lives[part],
                tuple(column[part] for column in outcomes),
            )  # fmt: skip
        return outcomes

    def _stretches(self, time_s: npt.NDArray[np.float64], near: Places) -> Iterator[slice]:
        """Requests between which caches are emptied by a clock, no more of them than `ROWS`."""
        start, n = 0, len(time_s)
        while start < n:
            due = self._due_s
            stop = int(np.searchsorted(time_s, due)) if due <= time_s[-1] else n
            if stop > start:
                yield slice(start, min(start + ROWS, stop))
                start = min(start + ROWS, stop)
            else:
                self._happen_until(due, near, tidy=True)
                self._empty(near)

    @property
    def _due_s(self) -> float:
        """When caches are emptied next."""
        return self.purges.due_s(self.emptied)

    def _happen_until(self, until: float, near: Places, *, tidy: bool) -> None:
        """Let loads land, and clean-ups come, that are due before caches are emptied."""
        if tidy:
            self._make_room_to_list(until)
        if self.rules.load_s:
            self._make_room(0, 0, until)
            land_until(self.rules, self.state, near, until, tidy)
        elif tidy:
            clean_up_until(self.rules, self.state, until)

    def _empty(self, near: Places) -> None:
        """The round that is due."""
        purges, nth, now = self.purges, self.emptied, self._due_s
        keys = min(int(purges.keys[nth]), len(self.state.records))  # no more than there are
        self._make_room_to_empty(keys, now)
        colo = int(near.runs[purges.colo[nth]])
        of = (self.rules, self.state, near, self.there, keys, colo, nth, now)
        found = np.array([empty(*of)])
        store = self.design.store
        if store and store.listing and store is not self.design.colo_cache:
            self.state.totals[store.meters[store.listing]] += int(pages_of(found)[0])
        self.emptied += 1

    def finish(self, end: float) -> tuple[dict[str, int], float]:
        """The counts, and byte-seconds stored until `end`."""
        return self.sums(end).told()

    def sums(self, end: float, last: float = -math.inf) -> Sums:
        """What it all comes to at `end`; `last` is the time of the last request of all shards."""
        while self.near and self._due_s <= end:
            self._happen_until(self._due_s, self.near, tidy=False)
            self._empty(self.near)
        self._make_room_to_list(last)
        if self.near and self.rules.load_s:
            self._make_room(0, 0, last)
            finish_waiting(self.rules, self.state, self.near, last)
        else:
            clean_up_until(self.rules, self.state, last)
        if self.rules.object_alarm:
            ring_all(self.rules, self.state, end)
        records = self.state.records[self.state.records["version"] != NONE]
        until = np.full(len(records), end)
        if self.rules.erases:
            until = np.minimum(until, records["expires"])
        totals = self.state.totals
        gone = (int(totals["stored_high"]) << LIMB_BITS) + int(totals["stored_low"])
        kept_s = np.maximum(until - records["written"], 0.0)  # less than none: landed after the end
        held = stored_sum(records["size"] * kept_s)
        listed = self.state.listed[: totals["clean_ups"]].copy()
        return Sums(self._counts(), gone + held, listed)

    def _counts(self) -> dict[str, int]:
        totals = self.state.totals
        counts = {name: int(totals[name]) for name in COUNTS}
        for tier in self.design.stores:
            if tier.plain:
                colo = "colo_" if tier.scope == "colo" else ""
                counts[tier.reads] += int(totals[f"{colo}reads"])
                counts[tier.writes] += int(totals[f"{colo}writes"])
            if tier.tells:
                counts[tier.tells] += int(totals["messages"])
        if self.design.front and (of := self.design.front.in_front):
            counted = zip((of.hits, of.refreshes, of.purges, of.refused), FRONT_TOTALS, strict=True)
            counts |= {name: int(totals[total]) for name, total in counted}
        return counts

    def begin(self, start: float) -> None:
        """The time of the first request of all, from which deploys and clean-ups count."""
        self.state.totals["start"] = start
        self.state.totals["next_clean_up"] = start + self.rules.clean_up_every

    def _know(self, keys: list[str]) -> None:
        """Room for keys that have not come before."""
        known = len(self.state.records)
        if len(keys) == known:
            return
        records = _grown(self.state.records, known, len(keys))
        new = records[known:]
        new[:] = np.zeros(1, RECORD)
        new["version"] = new["current"] = NONE
        new["last_write"] = -math.inf
        shards = self.design.objects
        new["object"] = (
            np.arange(known, len(keys))
            if shards is None
            else [crc32(key.encode()) % shards for key in keys[known:]]
        )
        objects = np.zeros(max(len(keys) if shards is None else shards, 1), OBJECT)
        objects["home"] = NONE
        objects[: len(self.state.objects)] = self.state.objects
        key_bytes = np.zeros(len(keys), np.int32)
        key_bytes[:known] = self.state.key_bytes
        if self.design.l1_max_bytes:
            key_bytes[known:] = [len(key) for key in keys[known:]]
        self.state = self.state._replace(
            records=records,
            objects=objects if self.design.l2 == "durable-object" else objects[:1],
            key_bytes=key_bytes,
        )

    def _make_room(self, requests: int, isolates: int, now: float) -> None:
        """A request adds at most seven entries to the pool, a version to the origin, a message,
        `CHANGES` that copies hear of.

        Where it only begins a load, it adds some when that has landed, and is met until then.
        """
        entries, landing = 7 * requests, 0
        if self.rules.load_s:
            landing = requests + self._make_room_to_load(requests)
            entries = 10 * landing
        if self.rules.lag_s:
            entries += self._make_room_for_changes(CHANGES * max(requests, landing))
        self._make_room_in_pool(entries, requests, now)
        self._make_room_for_versions(requests)
        state = self.state
        sent = int(state.totals["messages"])
        telling = max(requests, landing)
        if self.rules.tells and sent + telling > len(state.messages):
            state = state._replace(messages=_grown(state.messages, sent, 2 * (sent + telling)))
        if isolates > len(state.isolates):
            state = state._replace(isolates=_more(state.isolates, isolates))
        self.state = state

    def _make_room_to_empty(self, keys: int, now: float) -> None:
        """A key of each round adds an entry to the pool, and what each colo hears of it."""
        heard = keys * (len(self.there) + 1)
        entries = keys
        if self.rules.lag_s:
            entries += self._make_room_for_changes(heard)
        self._make_room_in_pool(entries, keys, now)
        sent = int(self.state.totals["messages"])
        if self.rules.tells and sent + heard > len(self.state.messages):
            longer = _grown(self.state.messages, sent, 2 * (sent + heard))
            self.state = self.state._replace(messages=longer)

    def _make_room_for_changes(self, more: int) -> int:
        """Those that the copies have heard of are done with; how many of them there may be."""
        heard, made = (int(self.state.totals[name]) for name in ("copied", "changed"))
        coming = self.state.changes[heard:made]
        most = len(coming) + more
        if made + more > len(self.state.changes):
            self.state = self.state._replace(changes=_grown(coming, len(coming), 2 * most))
            self.state.totals["copied"], self.state.totals["changed"] = 0, len(coming)
        return most

    def _make_rooms(self, colos: int) -> None:
        """One for what all share, and one for each colo."""
        bounded = min(self.rules.colo_room, self.rules.store_room) != NO_BOUND
        if bounded and colos + 1 > len(self.state.rooms):
            self.state = self.state._replace(rooms=_more(self.state.rooms, colos + 1))

    def _make_room_in_pool(self, entries: int, requests: int, now: float) -> None:
        state, used = self.state, int(self.state.totals["used"])
        if used + entries <= len(state.pool):
            return
        if self._forgets_what_ended and used:
            used = sweep(state.pool, state.isolates, used, now)
            state.totals["used"], state.totals["free"] = used, NONE
        pool = state.pool
        if (length := 2 * used + entries) > len(pool):
            pool = _grown(pool, used, length)
        buckets = np.full(1 << (2 * used + requests).bit_length(), NONE, np.int32)
        rehash(pool, buckets, used)
        self.state = state._replace(pool=pool, buckets=buckets)

    def _make_room_for_versions(self, requests: int) -> None:
        state, made = self.state, int(self.state.totals["versions"])
        if made + requests <= len(state.superseded):
            return
        if made and not (self.rules.load_s or self.rules.lag_s):  # what is under way has versions
            numbers = np.zeros(made, np.int32)
            used = int(state.totals["used"])
            made = renumber(state.pool, used, state.records, state.superseded, numbers)
            state.totals["versions"] = made
        if (length := 2 * (made + requests)) > len(state.superseded):
            longer = _grown(state.superseded, made, length)
            self.state = state._replace(superseded=longer)

    @property
    def _forgets_what_ended(self) -> bool:
        """In a memory with bounds, what has ended still takes room, and pushes others out; a load
        under way remembers where what it met lies."""
        rules = self.rules
        bounds = rules.max_entries, rules.max_bytes, rules.colo_room, rules.store_room
        bounded = min(bounds) != NO_BOUND
        return not bounded and not rules.load_s

    def _make_room_to_load(self, requests: int) -> int:
        """A ring for what may be in progress; how much is."""
        landed, begun = (int(self.state.totals[name]) for name in ("landed", "begun"))
        old = self.state.loads
        if begun - landed + requests > len(old):
            new = np.empty(1 << (begun - landed + requests).bit_length(), LOAD)
            going = np.arange(landed, begun)
            new[going & (len(new) - 1)] = old[going & (len(old) - 1)]
            self.state = self.state._replace(loads=new)
        return begun - landed

    def _make_room_to_list(self, until: float) -> None:
        """For the clean-ups that are due until then."""
        every = float(self.rules.clean_up_every)
        due = (until - float(self.state.totals["next_clean_up"])) / every
        if due >= 0:
            used = int(self.state.totals["clean_ups"])
            longer = _grown(self.state.listed, used, 2 * used + int(due) + 2)
            self.state = self.state._replace(listed=longer)


def _more(isolates: npt.NDArray[np.void], length: int) -> npt.NDArray[np.void]:
    new = np.zeros(length - len(isolates), ISOLATE)
    new["newest"] = new["oldest"] = NONE
    new["dies_at"] = -math.inf
    return np.concatenate([isolates, new])


def _grown(old: npt.NDArray[Scalar], used: int, length: int) -> npt.NDArray[Scalar]:
    """Room for more. It begins where a cache line does, so that an entry lies in one, not two."""
    size = old.dtype.itemsize
    raw = np.empty(length * size + LINE, np.uint8)
    start = -raw.ctypes.data % LINE
    new: npt.NDArray[Scalar] = raw[start : start + length * size].view(old.dtype)
    new[:used] = old[:used]
    return new
