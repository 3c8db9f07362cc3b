"""What the numbers of a case are called where people read: never by their variables' names."""

from __future__ import annotations

from cachelib.model.case.choices import SETTABLE
from cachelib.model.case.metrics import METRICS
from cachelib.model.tiers.registry import LABELS as OF_TIERS

LABELS = {
    "requests_per_month": "traffic",
    "chance": "what a longer log would say",
    "value_life_s": "how long a value stays true",
    "hourly_rate_usd": "what an hour of work costs",
    **OF_TIERS,
    "caches_per_colo": "disjoint caches in a data centre",
    "origin_ms": "time of the origin",
    "origin_trips": "ways to the origin and back that a load takes",
    "cross_zone_share": "share of reads that cross between zones",
    "origin_failure": "share of the origin's calls that fail",
    "origin_requests_per_s": "loads a second that the origin can begin",
    "origin_queue_s": "time that a load waits for its turn at most",
    "origin_neurons": "neurons of a call of the origin",
    "origin_cpu_ms": "CPU time of servers for a call of the origin",
    "origin_rows_read": "rows of D1 that a call of the origin reads",
    "origin_rows_written": "rows of D1 that a call of the origin writes",
    "origin_egress_kb": "what leaves the origin with a call",
    "load_cpu_ms": "CPU time of a load, beside that of a request",
    "path_factor": "how much longer a fibre is than the straight way",
    "rtt_base_ms": "time of hosts and switches on a way",
    "jitter": "spread of all times",
    "worker_cpu_ms": "CPU time of a request",
    **SETTABLE,
}


def label(name: str) -> str:
    """`hours:l1-kv` as "work for l1-kv", `limit:late_share` as the limit of what it limits."""
    kind, _, of = name.partition(":")
    if kind == "hours" and of:
        return f"work for {of}"
    if kind == "limit" and of:
        return f"limit of the {METRICS[of.partition(':')[0]].label}"
    return LABELS.get(name, name.replace("_", " "))


def unit_of(name: str, unit: str = "") -> str:
    """The unit of a number: that of a limit's metric, hours, requests; else the one given."""
    kind, _, of = name.partition(":")
    if kind == "limit" and of:
        return METRICS[of.partition(":")[0]].unit
    if kind == "hours":
        return "hours"
    return "requests" if name == "requests_per_month" else unit
