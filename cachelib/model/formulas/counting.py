"""Operations a month, by formula."""

from __future__ import annotations

import numpy as np

from cachelib.model.formulas import emptying
from cachelib.model.formulas.flows import Flows
from cachelib.model.formulas.setting import Array
from cachelib.model.tiers.registry import STORED
from cachelib.model.traffic.generator import DAY_S, MONTH_S


def counts(flows: Flows) -> dict[str, Array]:
    """Operations a month, by the names of `outcomes.COUNTS`."""
    at, design = flows.at, flows.design
    looked = flows.per_month(flows.asked)
    loads, writes = flows.per_month(flows.loaded), flows.per_month(flows.wc)
    refreshes = flows.per_month(flows.refreshes)
    kept = flows.per_month(flows.kept)
    stored = loads + writes + kept
    counts: dict[str, Array] = {
        "requests": at["requests_per_month"].ravel(),
        "reads": flows.per_month(flows.rc),
        "origin_loads": loads + refreshes,
        "refreshes": refreshes + flows.per_month(flows.unawaited),
    }
    if flows.front is not None and design.front and (of := design.front.in_front):
        counts[of.hits] = flows.per_month(flows.rc - flows.front.awaited)
        counts[of.refreshes] = flows.per_month(flows.unawaited_runs)
        if design.purge_on_write:
            purged = flows.per_month(flows.purged)
            counts |= {of.purges: purged, of.refused: flows.per_month(flows.w) - purged}
    if design.l2 == "kv":
        counts |= {"kv_reads": looked, "kv_missing_reads": loads}
        most = flows.at["kv_writes_a_day"].ravel() * MONTH_S / DAY_S
        counts["kv_writes"] = np.minimum(stored, most)
        counts |= _clean_up(flows) if design.policy == "clean-up" else {}
    if design.l2 == "durable-object":
        by_object = loads if design.loads_in_objects else np.zeros_like(loads)
        asked = looked + loads - by_object + writes + kept
        cold = flows.per_month(flows.asked * (1 - flows.warm))
        written = stored * design.object_storage
        if design.object_alarm:  # each write sets one; each that comes deletes
            alarms = flows.per_month(_ends(flows)) - emptying.deleted(flows)
            counts["do_alarms"] = alarms = np.maximum(alarms, 0.0)
            asked, written = asked + alarms, 2 * written + alarms
        counts |= {"do_requests": asked, "do_rows_read": cold, "do_rows_written": written}
        counts["do_loads"] = by_object
    if design.store and design.store.plain and not flows.alone:
        counts |= {design.store.reads: looked, design.store.writes: stored}
    if design.listen and design.store:
        counts[design.store.tells] = stored
    if near := design.colo_cache:
        filled = stored if flows.alone else looked + writes + kept
        for name, number in ((near.reads, flows.per_month(flows.missed)), (near.writes, filled)):
            counts[name] = counts.get(name, 0) + number
    for name, number in emptying.counts(flows).items():
        counts[name] = counts.get(name, 0) + number
    return dict(zip(counts, np.broadcast_arrays(*counts.values()), strict=True))


def _ends(flows: Flows) -> Array:
    """Values a second that end, by key: as many as are written where there is none.

    A read that finds none loads; of x reads a second L do, so there is none for L/x of the time.
    """
    asked = flows.r
    if flows.design.expiry != "inherited":
        asked = flows.missed.sum(axis=1, keepdims=True)
    ends: Array = flows.loaded.sum(axis=1, keepdims=True) * (1 + flows.w / asked)
    return ends


def _clean_up(flows: Flows) -> dict[str, Array]:
    """Deletions: of what nobody asked for between its expiry and the routine's next turn."""
    every = flows.design.clean_up_every_s
    n = (flows.r + flows.w) * every
    left = -np.expm1(-n) / n
    loads = flows.loaded.sum(axis=1, keepdims=True) + flows.w
    lists = np.ceil(flows.count.sum() / 1_000) * MONTH_S / every
    ended = np.clip(1 - flows.l2_ttl * emptying.rounds(flows.at), 0, 1)  # before a round came
    deletes = flows.per_month(loads * left * np.exp(-flows.w * flows.l2_ttl) * ended)
    return {
        "kv_deletes": deletes,
        # what is only too old is there, and found so
        "kv_missing_reads": deletes + emptying.deleted(flows),
        "kv_lists": np.atleast_1d(np.float64(lists)),
    }


def stored_gb(flows: Flows) -> Array:
    """GB held on average."""
    value_bytes = flows.at["value_bytes"].ravel()
    if flows.design.l2 not in STORED:
        return np.zeros(value_bytes.size)
    gb: Array = flows.per_month(emptying.held(flows)) / MONTH_S * value_bytes / 1e9
    return gb
