"""The simulation against the local runtime: every count of both, side by side."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from cachelib.live.replay import LiveRun
from cachelib.model.engines.result import Result
from cachelib.model.tiers.outcomes import TIERS

READ_KV = ("get", "getWithMetadata")
CALLS = {
    "origin_loads": [("origin", "load")],
    "refreshes": [("policy", "refresh")],
    "l2_unchanged": [("policy", "unchanged")],
    "kv_reads": [("kv", method) for method in READ_KV],
    "kv_writes": [("kv", "put")],
    "kv_deletes": [("kv", "delete")],
    "kv_lists": [("kv", "list")],
    "do_requests": [("durable-object", method) for method in ("get", "set", "delete")],
    "do_rows_read": [("object storage", "get")],
    "do_rows_written": [("object storage", "put"), ("object storage", "delete")],
    "r2_class_a": [("r2", "put"), ("r2", "list")],
    "r2_class_b": [("r2", "get"), ("r2", "head")],
    "cache_api_gets": [("cache", "match")],
    "cache_api_puts": [("cache", "put")],
    "redis_gets": [("redis", "get")],
    "redis_sets": [("redis", "set")],
    "redis_messages": [("redis", "publish")],
}
"""The calls that each count of the simulation stands for."""


class Row(NamedTuple):
    """One count of one design, as the runtime and as the simulation has it."""

    design: str
    metric: str
    observed: int
    simulated: int

    @property
    def equal(self) -> bool:
        return self.observed == self.simulated


def conformance(run: LiveRun, result: Result) -> list[Row]:
    """Answers by tier, request by request; stale answers; billed operations.

    Counts that are 0 on both sides are left out.
    """
    seen, said = observed(run), simulated(result)
    agreed = sum(TIERS[code] == tier for code, tier in zip(result.tier, run.tier, strict=True))
    rows = [Row(run.design.name, "requests answered by the same tier", agreed, len(run.tier))]
    rows += [
        Row(run.design.name, metric, seen.get(metric, 0), said.get(metric, 0))
        for metric in dict.fromkeys([*said, *seen])
    ]
    return [row for row in rows if row.observed or row.simulated]


def observed(run: LiveRun) -> dict[str, int]:
    """The counts of a live run, by the simulation's names."""
    calls = Counter(zip(run.operations["store"], run.operations["method"], strict=True))
    missing = run.operations.query("store == 'kv' and method in @READ_KV and not found")
    return {
        **Counter(_reason(*each) for each in zip(run.tier, run.place, strict=True)),
        "stale answers": int(run.stale.sum()),
        **{name: sum(calls[call] for call in meant) for name, meant in CALLS.items()},
        "kv_missing_reads": len(missing),
        **run.counted,
    }


def simulated(result: Result) -> dict[str, int]:
    """The counts of a replay that a live run can show."""
    shown = {*CALLS, "kv_missing_reads"}
    return {
        **result.reasons,
        "stale answers": round(result.late.share_above(0) * result.reads),
        **{name: count for name, count in result.counts.items() if name in shown},
    }


def _reason(tier: str, place: str) -> str:
    return f"{tier} after {place}" if place else str(tier)
