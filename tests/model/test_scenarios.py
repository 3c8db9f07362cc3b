"""Small scenarios of every tier, counted by hand: who fetches, who waits, what is billed.

A row: what it shows; how long a load takes, in s; the requests, `r` by default (two isolates of a
data centre take turns where a row has two); how each ended; every count that is not 0; how many
answers were out of date. Values live for 100 s, in memory for 30 s.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from cachelib.model.engines.replay import replay
from cachelib.model.engines.result import Result
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.outcomes import DEPTHS, TIERS
from cachelib.model.tiers.registry import ALL, STORES
from tests.model.model import STEADY, trace


class Row(NamedTuple):
    shows: str
    load_s: float
    asked: str
    ended: str
    counted: str
    late: int = 0
    design: dict[str, Any] = {}  # noqa: RUF012 - of a table, which nobody changes
    platform: dict[str, Any] = {}  # noqa: RUF012

    def __str__(self) -> str:
        return self.shows.replace(" ", "-")


TWO = {"isolates_per_colo": 2}
DOWN = {"origin_failure": 1.0}
NO_FLIGHT = {"single_flight": False}
ALARM = {"object_alarm": True}
NOT_STORED = {"object_storage": False}
BY_WORKER = {"object_loads": False}
PURGED = {"purge_on_write": True}
SERVED_STALE = {"stale_while_revalidate_s": 20.0}
IN_FRANKFURT = {"worker_at": ("FRA",)}
EARLY = {"kv_refresh_share": 0.5}
TWO_CACHES = {"caches_per_colo": 2}
"""Of which the first two requests meet one, the next two the other, and four more the one again."""
NEAREST = {"worker_at": ("FRA", "SIN")}

MEMORY = (
    Row("the first read loads, the next finds it", 0, "0 k, 1 k",
        "load memory", "loads 1"),
    Row("a copy ends with its TTL", 0, "0 k, 29 k, 30 k",
        "load memory load", "loads 2"),
    Row("each isolate loads for itself", 0, "0 k, 1 k, 2 k",
        "load load memory", "loads 2", platform=TWO),
    Row("a write is kept where it is made", 0, "0 w k, 1 k",
        "write memory", ""),
    Row("a deletion drops it", 0, "0 k, 1 d k, 2 k",
        "load write load", "loads 2"),
    Row("who asks while it is loaded waits", 1, "0 k, 0.4 k, 0.9 k, 1 k",
        "load wait wait memory", "loads 1"),
    Row("without single flight each loads", 1, "0 k, 0.4 k, 0.9 k, 1 k",
        "load load load memory", "loads 3", design=NO_FLIGHT),
    Row("another isolate does not wait", 1, "0 k, 0.2 k, 0.4 k, 0.6 k",
        "load load wait wait", "loads 2", platform=TWO),
    Row("another key does not wait", 1, "0 k, 0.5 j",
        "load load", "loads 2"),
    Row("its life begins when it has landed", 1, "0 k, 30.9 k, 31 k",
        "load memory load", "loads 2"),
    Row("what is written meanwhile outlasts it", 1, "0 k, 0.5 w k, 0.6 k, 1.5 k",
        "load write memory memory", "loads 1"),
    Row("without single flight it does not", 1, "0 k, 0.5 w k, 0.6 k, 1.5 k",
        "load write memory memory", "loads 1", late=1, design=NO_FLIGHT),
    Row("a deletion meanwhile is not undone", 1, "0 k, 0.5 d k, 1.5 k",
        "load write load", "loads 2"),
    Row("who waits for a failure fails with it", 1, "0 k, 0.5 k, 1.2 k",
        "fail fail fail", "loads 2, failures 2", platform=DOWN),
    Row("an isolate that is lost takes its loads with it", 1, "0 j, 9.6 k, 10.1 k, 10.3 k, 10.7 k",
        "load load load wait wait", "loads 3, isolates_lost_deploy 1",
        platform={"deploy_every_s": 10}),
    Row("a rolling deploy empties one isolate after another", 0,
        "0 k, 1 k, 11 k, 11.5 k, 12 k, 13 k, 14 k, 14.5 k",
        "load load memory memory load memory memory load", "loads 4, isolates_lost_deploy 2",
        platform=TWO | {"deploy_every_s": 10, "deploy_takes_s": 4}),
    Row("an isolate that is added begins with nothing, each time anew", 0,
        "0 k, 0.5 k, 1 k, 2 k, 2.5 k, 3 k, 6 k, 6.5 k, 8 k, 8.5 k",
        "load memory memory load memory memory memory memory load memory", "loads 3",
        platform=TWO | {"isolate_requests_per_s": 0.5, "isolates_scaled_every_s": 2}),
    Row("there are never fewer than the fewest", 0, "0 k, 0.5 k, 1 k, 6 k, 6.5 k",
        "load load memory memory memory", "loads 2",
        platform=TWO | {"isolate_requests_per_s": 0.5, "isolates_scaled_every_s": 2,
                        "isolates_at_least": 2}),
    Row("where the Worker is placed all readers share a memory", 0, "0 k@LHR, 1 k@SYD, 2 k@IAD",
        "load memory memory", "loads 1", platform=IN_FRANKFURT),
    Row("of several places each reader has the nearest", 0, "0 k@LHR, 1 k@SYD, 2 k@IAD, 3 k@NRT",
        "load load memory memory", "loads 2", platform=NEAREST),
    Row("its isolates take turns for all readers", 0, "0 k@LHR, 1 k@SYD, 2 k@LHR, 3 k@IAD",
        "load load memory memory", "loads 2", platform=IN_FRANKFURT | TWO),
    Row("and readers wait for each other's loads", 1, "0 k@LHR, 0.5 k@SYD, 1 k@IAD",
        "load wait memory", "loads 1", platform=IN_FRANKFURT),
)  # fmt: skip

KV = (
    Row("its own data centre has what was written", 0, "0 k@LHR, 1 k@LHR",
        "load colo", "loads 1, kv_reads 2, kv_missing_reads 1, kv_writes 1"),
    Row("that there is none is remembered in the region, too", 0, "0 k@LHR, 1 k@FRA",
        "load load", "loads 2, kv_reads 2, kv_missing_reads 2, kv_writes 2"),
    Row("another region asks the central store", 0, "0 k@LHR, 1 k@SYD, 2 k@SYD",
        "load central colo", "loads 1, kv_reads 3, kv_missing_reads 1, kv_writes 1"),
    Row("a neighbour finds it in the region", 0, "0 w k@SYD, 1 k@LHR, 2 k@FRA",
        "write central region", "kv_reads 2, kv_writes 1"),
    Row("of two writes of a key in a second one is refused", 0, "0 w k@LHR, 0.5 w k@LHR",
        "write write", "kv_writes 1, kv_writes_refused 1"),
    Row("a deletion is seen at once where it is made", 0, "0 w k@LHR, 1 d k@LHR, 2 k@LHR",
        "write write load", "loads 1, kv_reads 1, kv_missing_reads 1, kv_writes 2, kv_deletes 1"),
    Row("a copy ends after cacheTtl", 0, "0 w k@LHR, 1 k@SYD, 60.9 k@SYD, 61 k@SYD",
        "write central colo central", "kv_reads 3, kv_writes 1"),
    Row("a read in time has the copy fetched anew, and nobody waits", 0,
        "0 w k@LHR, 1 k@SYD, 31 k@SYD, 90 k@SYD",
        "write central colo colo", "kv_reads 3, kv_writes 1, kv_refreshes 2", platform=EARLY),
    Row("one that comes too soon does not", 0, "0 w k@LHR, 1 k@SYD, 30.9 k@SYD, 61 k@SYD",
        "write central colo central", "kv_reads 3, kv_writes 1", platform=EARLY),
    Row("the old value is served once more, then what was written meanwhile", 0,
        "0 w k@LHR, 1 k@SYD, 5 w k@LHR, 31 k@SYD, 32 k@SYD",
        "write central write colo colo", "kv_reads 3, kv_writes 2, kv_refreshes 1", late=1,
        platform=EARLY),
    Row("a neighbour takes over what the region has been given meanwhile", 0,
        "0 w k@SYD, 1 k@LHR, 2 k@FRA, 31 k@LHR, 32 k@FRA, 70 k@FRA",
        "write central region colo colo colo",
        "kv_reads 5, kv_writes 1, kv_refreshes 3", platform=EARLY),
    Row("where what the region has ends soon, its reader has both fetched anew", 0,
        "0 w k@SYD, 1 k@LHR, 40 k@FRA, 62 k@LHR, 99 k@FRA",
        "write central region region colo", "kv_reads 4, kv_writes 1, kv_refreshes 1",
        platform=EARLY),
    Row("what there is not is not fetched anew", 0, "0 w j@LHR, 1 d k@SYD, 45 k@SYD",
        "write write load",
        "loads 1, kv_reads 1, kv_missing_reads 1, kv_writes 2, kv_deletes 1", platform=EARLY),
    Row("whoever reads often finds it near", 0, "0 w k@LHR, 1 k@SYD, 20 k@SYD, 62 k@SYD",
        "write central colo colo", "kv_reads 3, kv_writes 1, kv_refreshes 2",
        platform={"kv_refresh_share": 0.9}),
    Row("memory in front hides that, and the copy ends", 0,
        "0 w k@LHR, 1 k@SYD, 20 k@SYD, 62 k@SYD",
        "write central memory central", "kv_reads 2, kv_writes 1",
        design={"tiers": ("memory", "kv")}, platform={"kv_refresh_share": 0.9}),
    Row("of disjoint caches in a data centre each asks the region", 0,
        "0 w k@LHR, 1 k@SYD, 2 k@SYD, 3 k@SYD, 4 k@SYD",
        "write central region colo colo", "kv_reads 4, kv_writes 1", platform=TWO_CACHES),
    Row("and a write is seen at once in one of them", 0, "0 w k@LHR, 1 k@LHR, 2 k@LHR",
        "write colo central", "kv_reads 2, kv_writes 1", platform=TWO_CACHES),
    Row("a value ends after its TTL", 0, "0 w k@LHR, 99 k@LHR, 100 k@LHR",
        "write central load", "loads 1, kv_reads 2, kv_missing_reads 1, kv_writes 2"),
    Row("nobody waits, and a write a second is taken", 1, "0 k@LHR, 0.3 k@LHR, 0.6 k@SYD, 1 k@LHR",
        "load load load colo",
        "loads 3, kv_reads 4, kv_missing_reads 3, kv_writes 1, kv_writes_refused 2"),
    Row("whose write is refused still sees none", 1, "0 k@LHR, 0.5 k@SYD, 3 k@SYD",
        "load load load",
        "loads 3, kv_reads 3, kv_missing_reads 3, kv_writes 2, kv_writes_refused 1"),
    Row("memory waits, KV does not", 1, "0 k@LHR, 0.2 k@LHR, 0.4 k@SYD",
        "load wait load",
        "loads 2, kv_reads 2, kv_missing_reads 2, kv_writes 1, kv_writes_refused 1",
        design={"tiers": ("memory", "kv")}),
    Row("while one refreshes, others are served the old value", 1,
        "0 k@LHR, 105 k@LHR, 105.5 k@LHR, 106.5 k@LHR",
        "load central memory memory",
        "loads 2, refreshes 1, kv_reads 2, kv_missing_reads 1, kv_writes 2",
        design={"tiers": ("memory", "kv"), "policy": "refresh"}),
    Row("without memory each of them refreshes", 1, "0 k@LHR, 105 k@LHR, 105.5 k@LHR, 107 k@LHR",
        "load central colo colo",
        "loads 3, refreshes 2, kv_reads 4, kv_missing_reads 1, kv_writes 2, kv_writes_refused 1",
        design={"policy": "refresh"}),
    Row("where the Worker is placed one cache is read for all readers", 0,
        "0 w k@IAD, 1 k@LHR, 2 k@SYD, 3 k@FRA",
        "write colo colo colo", "kv_reads 3, kv_writes 1", platform=IN_FRANKFURT),
    Row("of two places each has a cache of its own, and its region's", 0,
        "0 w k@LHR, 1 k@SYD, 2 k@NRT, 3 k@IAD",
        "write central colo colo", "kv_reads 3, kv_writes 1", platform=NEAREST),
)  # fmt: skip

DURABLE_OBJECT = (
    Row("a miss is one request, in which the object loads", 0, "0 k@LHR, 1 k@SYD",
        "load object", "loads 1, do_requests 2, do_loads 1, do_rows_read 1, do_rows_written 1"),
    Row("where the Worker loads it is a read and a write", 0, "0 k@LHR, 1 k@SYD",
        "load object", "loads 1, do_requests 3, do_rows_read 1, do_rows_written 1",
        design=BY_WORKER),
    Row("the Worker refreshes, by a request to write", 0, "0 k@LHR, 105 k@LHR, 106 k@LHR",
        "load storage object",
        "loads 2, refreshes 1, do_requests 4, do_loads 1, do_rows_read 2, do_rows_written 2",
        design={"policy": "refresh"}),
    Row("an idle object loses its memory", 0, "0 k@LHR, 20 k@LHR",
        "load storage", "loads 1, do_requests 2, do_loads 1, do_rows_read 2, do_rows_written 1"),
    Row("a write is found", 0, "0 w k@LHR, 1 k@SYD",
        "write object", "do_requests 2, do_rows_written 1"),
    Row("a deletion is a row written", 0, "0 w k@LHR, 1 d k@LHR, 2 k@LHR",
        "write write load",
        "loads 1, do_requests 3, do_loads 1, do_rows_read 1, do_rows_written 3"),
    Row("what has ended is read before it is loaded", 0, "0 w k@LHR, 100 k@LHR",
        "write load", "loads 1, do_requests 2, do_loads 1, do_rows_read 1, do_rows_written 2"),
    Row("an object that is busy takes no write", 0, "0 k@LHR",
        "load", "loads 1, do_requests 1, do_overloaded 1, do_rows_read 1",
        design=BY_WORKER, platform={"do_requests_per_s": 0.1, "do_queue_s": 1}),
    Row("but keeps what it has loaded itself", 0, "0 k@LHR",
        "load", "loads 1, do_requests 1, do_loads 1, do_rows_read 1, do_rows_written 1",
        platform={"do_requests_per_s": 0.1, "do_queue_s": 1}),
    Row("who is refused has the Worker load, and write where it may", 0, "0 w k@LHR, 1 k@LHR",
        "write load", "loads 1, do_requests 1, do_overloaded 2, do_rows_written 1",
        platform={"do_writes_per_s": 0.2, "do_queue_s": 1}),
    Row("who asks while it is loaded waits, wherever", 1, "0 k@LHR, 0.5 k@SYD, 1 k@LHR",
        "load wait object",
        "loads 1, do_requests 3, do_loads 1, do_rows_read 1, do_rows_written 1"),
    Row("and where the Worker loads, too", 1, "0 k@LHR, 0.5 k@SYD, 1 k@LHR",
        "load wait object", "loads 1, do_requests 4, do_rows_read 1, do_rows_written 1",
        design=BY_WORKER),
    Row("who waited has it in memory", 1, "0 k@LHR, 0.5 k@SYD, 1.5 k@SYD, 1.6 k@LHR",
        "load wait memory memory",
        "loads 1, do_requests 2, do_loads 1, do_rows_read 1, do_rows_written 1",
        design={"tiers": ("memory", "durable-object")}),
    Row("another key of the object is not held up", 1, "0 k@LHR, 0.1 j@LHR",
        "load load", "loads 2, do_requests 2, do_loads 2, do_rows_read 2, do_rows_written 2",
        design={"objects": 1}),
    Row("a write meanwhile is found, then written over", 1,
        "0 k@LHR, 0.5 w k@SYD, 0.6 k@LHR, 1.5 k@LHR",
        "load write object object",
        "loads 1, do_requests 4, do_loads 1, do_rows_read 1, do_rows_written 2", late=1),
    Row("who waits for a failure fails with it", 1, "0 k@LHR, 0.5 k@SYD, 2 k@LHR",
        "fail fail fail", "loads 2, failures 2, do_requests 3, do_loads 2, do_rows_read 2",
        platform=DOWN),
    Row("in memory alone nothing is read or written", 0, "0 k@LHR, 9 k@SYD, 19 k@LHR",
        "load object object", "loads 1, do_requests 3, do_loads 1", design=NOT_STORED),
    Row("and an idle object has nothing", 0, "0 k@LHR, 10.5 k@LHR",
        "load load", "loads 2, do_requests 2, do_loads 2", design=NOT_STORED),
    Row("unless another of its keys was asked for", 0, "0 k@LHR, 6 j@LHR, 12 k@LHR",
        "load load object", "loads 2, do_requests 3, do_loads 2",
        design={**NOT_STORED, "objects": 1}),
    Row("what is written is found, what is deleted is not", 0,
        "0 w k@LHR, 1 k@SYD, 2 d k@LHR, 3 k@LHR",
        "write object write load", "loads 1, do_requests 4, do_loads 1", design=NOT_STORED),
    Row("a value ends there, too", 0, "0 k@LHR, 5 k@LHR, 10 k@LHR",
        "load object load", "loads 2, do_requests 3, do_loads 2",
        design={**NOT_STORED, "l2_ttl_s": 10.0}),
    Row("who asks while it is loaded waits there, too", 1, "0 k@LHR, 0.5 k@SYD, 1 k@LHR",
        "load wait object", "loads 1, do_requests 3, do_loads 1", design=NOT_STORED),
    Row("an alarm is a row, too", 0, "0 k@LHR, 1 k@SYD",
        "load object", "loads 1, do_requests 2, do_loads 1, do_rows_read 1, do_rows_written 2",
        design=ALARM),
    Row("it wakes the object and deletes what has ended", 0, "0 w k@LHR, 100 k@LHR",
        "write load",
        "loads 1, do_requests 3, do_loads 1, do_rows_read 1, do_rows_written 5, do_alarms 1",
        design=ALARM),
    Row("though nobody asks", 0, "0 w k@LHR, 150 j@LHR",
        "write load",
        "loads 1, do_requests 3, do_loads 1, do_rows_read 1, do_rows_written 5, do_alarms 1",
        design=ALARM),
    Row("a write moves it", 0, "0 w k@LHR, 60 w k@SYD, 120 k@LHR, 159 k@LHR",
        "write write storage storage", "do_requests 4, do_rows_read 2, do_rows_written 4",
        design=ALARM),
    Row("and it comes at the new end", 0, "0 w k@LHR, 60 w k@SYD, 160 j@LHR",
        "write write load",
        "loads 1, do_requests 4, do_loads 1, do_rows_read 1, do_rows_written 7, do_alarms 1",
        design=ALARM),
    Row("a deletion takes it along, for a row", 0, "0 w k@LHR, 1 d k@LHR, 150 j@LHR",
        "write write load",
        "loads 1, do_requests 3, do_loads 1, do_rows_read 1, do_rows_written 6", design=ALARM),
    Row("memory before it ends with the value", 0, "0 k@LHR, 90 k@LHR, 99 k@LHR, 100 k@LHR",
        "load storage memory load",
        "loads 2, do_requests 4, do_loads 2, do_rows_read 3, do_rows_written 5, do_alarms 1",
        design=ALARM | {"tiers": ("memory", "durable-object")}),
    Row("an object is busy with it", 0, "0 w k@LHR, 101 k@LHR",
        "write load",
        "loads 1, do_requests 2, do_overloaded 2, do_rows_written 3, do_alarms 1", design=ALARM,
        platform={"do_writes_per_s": 0.2, "do_queue_s": 1}),
    Row("who is refused sets none", 0, "0 k@LHR, 150 j@LHR",
        "load load",
        "loads 2, do_requests 2, do_overloaded 2, do_rows_read 2", design=ALARM | BY_WORKER,
        platform={"do_requests_per_s": 0.1, "do_queue_s": 1}),
    Row("it is set for a life that begins when a load has landed", 1,
        "0 k@LHR, 100.5 k@SYD, 101.5 k@SYD",
        "load storage load",
        "loads 2, do_requests 4, do_loads 2, do_rows_read 3, do_rows_written 5, do_alarms 1",
        design=ALARM),
)  # fmt: skip

WORKERS_CACHE = (
    Row("a hit runs no Worker", 0, "0 k@LHR, 1 k@LHR",
        "load colo", "loads 1, hits 1"),
    Row("another data centre has it from the upper tier", 0, "0 k@LHR, 1 k@SYD, 2 k@SYD",
        "load upper colo", "loads 1, hits 2"),
    Row("it hears of no write", 0, "0 k@LHR, 1 w k@LHR, 2 k@LHR",
        "load write colo", "loads 1, hits 1", late=1),
    Row("an answer ends with its value", 0, "0 k@LHR, 99 k@LHR, 100 k@LHR",
        "load colo load", "loads 2, hits 1"),
    Row("a deploy empties it", 0, "0 k@LHR, 49 k@LHR, 50 k@LHR",
        "load colo load", "loads 2, hits 1", platform={"deploy_every_s": 50}),
    Row("not what stands behind", 0, "0 k@LHR, 50 k@LHR",
        "load kv", "loads 1, kv_reads 2, kv_missing_reads 1, kv_writes 1",
        design={"tiers": ("workers-cache", "kv")}, platform={"deploy_every_s": 50}),
    Row("one run answers all who ask meanwhile", 1, "0 k@LHR, 0.3 k@LHR, 0.6 k@LHR, 1 k@LHR",
        "load wait wait colo", "loads 1, hits 3"),
    Row("of all data centres", 1, "0 k@LHR, 0.3 k@SYD, 0.6 k@SYD, 1.2 k@SYD, 1.3 k@FRA",
        "load wait wait colo upper", "loads 1, hits 4"),
    Row("whatever stands behind", 1, "0 k@LHR, 0.5 k@LHR, 0.6 k@SYD",
        "load wait wait", "loads 1, hits 2, kv_reads 1, kv_missing_reads 1, kv_writes 1",
        design={"tiers": ("workers-cache", "memory", "kv")}, platform=TWO),
    Row("a write meanwhile is not heard of", 1, "0 k@LHR, 0.5 w k@LHR, 1.5 k@LHR",
        "load write colo", "loads 1, hits 1", late=1),
    Row("who waits for a failure fails with it", 1, "0 k@LHR, 0.5 k@SYD, 2 k@LHR",
        "fail fail fail", "loads 2, failures 2, hits 1", platform=DOWN),
    Row("a purge lets a write be seen", 0, "0 k@LHR, 1 k@SYD, 2 w k@LHR, 3 k@SYD, 4 k@LHR",
        "load upper write load upper", "loads 2, hits 2, workers_cache_purges 1", design=PURGED),
    Row("and a deletion", 0, "0 k@LHR, 1 d k@SYD, 2 k@LHR",
        "load write load", "loads 2, workers_cache_purges 1", design=PURGED),
    Row("of that key alone", 0, "0 k@LHR, 1 j@LHR, 2 w k@LHR, 3 j@LHR",
        "load load write colo", "loads 2, hits 1, workers_cache_purges 1", design=PURGED),
    Row("but so many a minute are allowed for all", 0,
        "0 k@LHR, 1 w j@LHR, 2 w k@LHR, 3 k@LHR, 14 w k@LHR, 15 k@LHR",
        "load write write colo write load",
        "loads 2, hits 1, workers_cache_purges 2, workers_cache_purges_refused 1", late=1,
        design=PURGED, platform={"workers_cache_purge_burst": 1}),
    Row("what stands behind has what was written", 0, "0 k@LHR, 50 w k@LHR, 51 k@LHR",
        "load write kv",
        "loads 1, workers_cache_purges 1, kv_reads 2, kv_missing_reads 1, kv_writes 2",
        design={"tiers": ("workers-cache", "kv"), **PURGED}),
    Row("a purge while it is loaded finds nothing", 1, "0 k@LHR, 0.5 w k@LHR, 1.5 k@LHR",
        "load write colo", "loads 1, hits 1, workers_cache_purges 1", late=1, design=PURGED),
    Row("what was purged is not served past its end", 0, "0 k@LHR, 99 w k@LHR, 101 k@LHR",
        "load write load", "loads 2, workers_cache_purges 1", design=PURGED | SERVED_STALE),
    Row("what has ended is served while the Worker runs anew", 0,
        "0 k@LHR, 119 k@LHR, 120 k@LHR, 219 k@LHR",
        "load colo colo colo", "loads 3, refreshes 2, hits 3, workers_cache_refreshes 2",
        design=SERVED_STALE),
    Row("but not for ever", 0, "0 k@LHR, 120 k@LHR", "load load", "loads 2", design=SERVED_STALE),
    Row("nor past a deploy", 0, "0 k@LHR, 105 k@LHR, 110 k@LHR",
        "load colo load", "loads 3, refreshes 1, hits 1, workers_cache_refreshes 1",
        design=SERVED_STALE, platform={"deploy_every_s": 110}),
    Row("each data centre is served the old one once", 0,
        "0 k@LHR, 105 k@SYD, 106 k@SYD, 107 k@LHR, 108 k@LHR",
        "load upper colo colo colo", "loads 2, refreshes 1, hits 4, workers_cache_refreshes 1",
        design=SERVED_STALE),
    Row("so each sees a write one answer late", 0,
        "0 k@LHR, 1 k@SYD, 50 w k@LHR, 105 k@SYD, 106 k@SYD, 107 k@LHR, 108 k@LHR",
        "load upper write colo colo colo colo",
        "loads 2, refreshes 1, hits 5, workers_cache_refreshes 1", late=2, design=SERVED_STALE),
    Row("the run finds what stands behind", 0, "0 k@LHR, 50 w k@LHR, 105 k@LHR, 106 k@LHR",
        "load write colo colo",
        "loads 1, hits 2, workers_cache_refreshes 1, kv_reads 2, kv_missing_reads 1, kv_writes 2",
        late=1, design={"tiers": ("workers-cache", "kv"), **SERVED_STALE}),
    Row("one run goes at a time, and nobody waits", 1,
        "0 k@LHR, 105 k@LHR, 105.5 k@LHR, 105.8 k@SYD, 106.5 k@SYD",
        "load colo colo upper colo", "loads 2, refreshes 1, hits 4, workers_cache_refreshes 1",
        design=SERVED_STALE),
    Row("unless the old one may no longer be served", 1, "0 k@LHR, 120.5 k@LHR, 121.2 k@LHR",
        "load colo wait", "loads 2, refreshes 1, hits 2, workers_cache_refreshes 1",
        design=SERVED_STALE),
    Row("it answers where the reader is, wherever the Worker is placed", 0,
        "0 k@LHR, 1 k@SYD, 2 k@SYD, 3 k@LHR",
        "load upper colo colo", "loads 1, hits 3", platform=IN_FRANKFURT),
    Row("what it has not is asked of the place of the Worker", 0,
        "0 w k@LHR, 1 k@SYD, 2 k@SYD, 3 k@NRT, 101 k@NRT",
        "write kv colo upper load",
        "loads 1, hits 2, kv_reads 2, kv_missing_reads 1, kv_writes 2",
        design={"tiers": ("workers-cache", "kv")}, platform=IN_FRANKFURT),
    Row("a run in that place answers all who ask meanwhile", 1,
        "0 k@LHR, 0.3 k@SYD, 0.6 k@SYD, 1.2 k@SYD, 1.3 k@FRA",
        "load wait wait colo upper", "loads 1, hits 4", platform=IN_FRANKFURT),
)  # fmt: skip

CLOUDFRONT = (  # Birmingham's regional edge cache is London's
    Row("a hit runs no function", 0, "0 k@LHR, 1 k@LHR",
        "load edge", "loads 1, hits 1"),
    Row("another point of presence has it from the cache of their region", 0,
        "0 k@LHR, 1 k@BHX, 2 k@BHX",
        "load region edge", "loads 1, hits 2"),
    Row("for each region's cache the function runs once", 0, "0 k@LHR, 1 k@SYD, 2 k@SYD, 3 k@BHX",
        "load load edge region", "loads 2, hits 2"),
    Row("it hears of no write", 0, "0 k@LHR, 1 w k@LHR, 2 k@LHR",
        "load write edge", "loads 1, hits 1", late=1),
    Row("an answer ends with its value, in both", 0, "0 k@LHR, 99 k@BHX, 100 k@BHX, 101 k@LHR",
        "load region load region", "loads 2, hits 2"),
    Row("a deploy empties nothing", 0, "0 k@LHR, 49 k@LHR, 51 k@LHR",
        "load edge edge", "loads 1, hits 2", platform={"deploy_every_s": 50}),
    Row("a table behind has it for the other regions", 0, "0 k@LHR, 60 k@SYD, 99 k@SYD, 100 k@SYD",
        "load far edge load", "loads 2, hits 1, dynamodb_gets 3, dynamodb_puts 2",
        design={"far": "dynamodb"}),
    Row("so has the memory of a function that serves both", 0,
        "0 k@LHR, 10 k@SYD, 20 k@SYD, 40 k@FRA",
        "load memory edge load", "loads 2, hits 1", design={"far": "memory"},
        platform=IN_FRANKFURT),
    Row("who asks a point of presence meanwhile waits there", 1, "0 k@LHR, 0.3 k@LHR, 1 k@LHR",
        "load wait edge", "loads 1, hits 2"),
    Row("who asks another one waits in their region's cache", 1,
        "0 k@LHR, 0.3 k@BHX, 0.6 k@BHX, 1.2 k@BHX",
        "load wait wait edge", "loads 1, hits 3"),
    Row("nobody waits for another region's", 1,
        "0 k@LHR, 0.3 k@SYD, 0.6 k@SYD, 1.4 k@SYD, 1.5 k@LHR",
        "load load wait edge edge", "loads 2, hits 3"),
    Row("who waits for a failure fails with it", 1, "0 k@LHR, 0.5 k@BHX, 0.6 k@SYD, 2 k@LHR",
        "fail fail fail fail", "loads 3, failures 3, hits 1", platform=DOWN),
    Row("an invalidation lets a write be seen, in all regions", 0,
        "0 k@LHR, 1 k@SYD, 2 w k@LHR, 3 k@SYD, 4 k@BHX, 5 k@LHR",
        "load load write load load region", "loads 4, hits 1, cloudfront_purges 1", design=PURGED),
    Row("but so many are in progress at once", 0,
        "0 k@LHR, 1 w j@LHR, 2 w k@LHR, 3 k@LHR, 14 w k@LHR, 15 k@LHR",
        "load write write edge write load",
        "loads 2, hits 1, cloudfront_purges 2, cloudfront_purges_refused 1", late=1,
        design=PURGED, platform={"cloudfront_purge_burst": 1, "cloudfront_purge_every_s": 12}),
    Row("what has ended is served while the function runs, once for each region", 0,
        "0 k@LHR, 1 k@SYD, 105 k@LHR, 106 k@LHR, 107 k@SYD, 108 k@SYD",
        "load load edge edge edge edge", "loads 4, refreshes 2, hits 4, cloudfront_refreshes 2",
        design=SERVED_STALE),
    Row("each point of presence serves the old one once", 0,
        "0 k@LHR, 1 k@BHX, 50 w k@LHR, 105 k@BHX, 106 k@LHR, 107 k@LHR",
        "load region write edge edge edge",
        "loads 2, refreshes 1, hits 4, cloudfront_refreshes 1", late=2, design=SERVED_STALE),
    Row("one run goes at a time in a region, and nobody waits", 1,
        "0 k@LHR, 105 k@LHR, 105.5 k@LHR, 105.8 k@BHX, 106.5 k@BHX",
        "load edge edge region edge", "loads 2, refreshes 1, hits 4, cloudfront_refreshes 1",
        design=SERVED_STALE),
)  # fmt: skip

SHARED_BY_ALL = (
    Row("what one loads all find", 0, "0 k@LHR, 1 k@SYD",
        "load found", "loads 1, reads 2, writes 1"),
    Row("a write is found", 0, "0 w k@LHR, 1 k@SYD",
        "write found", "reads 1, writes 1"),
    Row("a deletion is seen everywhere, and no write", 0, "0 w k@LHR, 1 d k@SYD, 2 k@LHR",
        "write write load", "loads 1, reads 1, writes 2"),
    Row("a value ends after its TTL", 0, "0 k@LHR, 99 k@SYD, 100 k@SYD",
        "load found load", "loads 2, reads 3, writes 2"),
    Row("memory before it hides reads", 0, "0 k@LHR, 1 k@LHR, 30 k@LHR",
        "load memory found", "loads 1, reads 2, writes 1", design={"near": "memory"}),
    Row("nobody waits", 1, "0 k@LHR, 0.5 k@SYD, 1 k@SYD",
        "load load found", "loads 2, reads 3, writes 2"),
    Row("but in an isolate", 1, "0 k@LHR, 0.2 k@LHR, 0.4 k@LHR, 0.6 k@LHR",
        "load load wait wait", "loads 2, reads 2, writes 2",
        design={"near": "memory"}, platform=TWO),
    Row("a load writes over what was written meanwhile", 1, "0 k@LHR, 0.5 w k@SYD, 1.5 k@LHR",
        "load write found", "loads 1, reads 2, writes 2", late=1),
    Row("and undoes a deletion", 1, "0 k@LHR, 0.5 d k@LHR, 1.5 k@LHR",
        "load write found", "loads 1, reads 2, writes 1", late=1),
    Row("unless its isolate knows of that", 1, "0 k@LHR, 0.5 d k@LHR, 1.5 k@LHR",
        "load write load", "loads 2, reads 2, writes 1", design={"near": "memory"}),
)  # fmt: skip

ONE_IN_EACH_PLACE = (
    Row("its isolates share it", 0, "0 k@LHR, 1 k@LHR, 2 k@LHR, 3 k@LHR",
        "load found memory memory", "loads 1, reads 2, writes 1",
        design={"near": "memory"}, platform=TWO),
    Row("another place loads for itself", 0, "0 k@LHR, 1 k@FRA",
        "load load", "loads 2, reads 2, writes 2"),
    Row("a write is seen in its own place alone", 0, "0 k@FRA, 1 w k@LHR, 2 k@LHR, 3 k@FRA",
        "load write found found", "loads 1, reads 3, writes 2", late=1),
    Row("so is a deletion", 0, "0 w k@LHR, 1 w k@FRA, 2 d k@LHR, 3 k@LHR, 4 k@FRA",
        "write write write load found", "loads 1, reads 2, writes 3", late=1),
    Row("a value ends after its TTL", 0, "0 k@LHR, 99 k@LHR, 100 k@LHR",
        "load found load", "loads 2, reads 3, writes 2"),
    Row("a copy of what all share fills it", 0, "0 k@LHR, 1 k@SYD, 2 k@SYD",
        "load far found", "loads 1, reads 3, writes 2, r2_class_b 2, r2_class_a 1",
        design={"far": "r2"}),
    Row("nobody waits", 1, "0 k@LHR, 0.5 k@LHR, 1 k@LHR",
        "load load found", "loads 2, reads 3, writes 2"),
    Row("but in an isolate", 1, "0 k@LHR, 0.2 k@LHR, 0.4 k@LHR",
        "load load wait", "loads 2, reads 2, writes 2", design={"near": "memory"}, platform=TWO),
    Row("a load writes over what was written meanwhile", 1, "0 k@LHR, 0.5 w k@LHR, 1.5 k@LHR",
        "load write found", "loads 1, reads 2, writes 2", late=1),
    Row("who waited for an object fills the cache of his place", 1,
        "0 k@LHR, 0.5 k@SYD, 1.5 k@SYD",
        "load wait found",
        "loads 1, reads 3, writes 2, do_requests 2, do_loads 1, do_rows_read 1, do_rows_written 1",
        design={"far": "durable-object"}),
    Row("where all run in one place it is one for all", 0, "0 k@LHR, 1 k@FRA, 2 w k@SYD, 3 k@LHR",
        "load found write found", "loads 1, reads 3, writes 2", platform=IN_FRANKFURT),
)  # fmt: skip

IN_DISJOINT_CACHES = (
    Row("each of a place's caches loads for itself", 0,
        "0 k@LHR, 1 k@LHR, 2 k@LHR, 3 k@LHR, 4 k@LHR",
        "load found load found found", "loads 2, reads 5, writes 2", platform=TWO_CACHES),
    Row("and has what is written there alone", 0,
        "0 k@LHR, 1 k@LHR, 2 k@LHR, 3 w k@LHR, 4 k@LHR",
        "load found load write found", "loads 2, reads 4, writes 3", late=1, platform=TWO_CACHES),
    Row("a load lands where it was missed", 1, "0 k@LHR, 0.5 k@LHR, 1 k@LHR, 2 k@LHR",
        "load load load found", "loads 3, reads 4, writes 3", platform=TWO_CACHES),
)  # fmt: skip

LISTENING = (
    Row("who is told of a write keeps nothing older", 1,
        "0 k@LHR, 0.5 w k@LHR, 0.7 k@LHR, 1.5 k@LHR, 2 k@LHR",
        "load write found memory memory", "loads 1, reads 2, writes 1, redis_messages 1",
        platform=TWO),
    Row("who has not been asked since writes over it", 1, "0 k@LHR, 0.5 w k@LHR, 1.5 k@LHR",
        "load write found", "loads 1, reads 2, writes 2, redis_messages 2", late=1, platform=TWO),
)  # fmt: skip

FOR_TWO = {"redis_gb": 2_200e-9, "redis_entry_bytes": 100}
"""Bytes for two entries of a thousand, each with a hundred beside it."""

FAST = {"design": {"replicas": 1}, "platform": {"redis_lag_ms": 2_000}}
FROM_REPLICAS = (
    Row("a write is seen when the copies have heard of it", 0, "0 w k, 1.9 k, 2 k",
        "write load found", "loads 1, reads 2, writes 2", **FAST),
    Row("until then the old value is found, and counts as out of date", 0,
        "0 w k, 3 w k, 4 k, 5 k", "write write found found", "reads 2, writes 2", late=1, **FAST),
    Row("of several changes each is seen in its turn", 0,
        "0 w k, 3 w k, 4 w k, 5 k, 6 k", "write write write found found",
        "reads 2, writes 3", late=1, **FAST),
    Row("and a deleted value is still found", 0, "0 w k, 3 d k, 4 k, 5 k",
        "write write found load", "loads 1, reads 2, writes 2", late=1, **FAST),
    Row("who misses in vain loads, each one", 0, "0 k, 1 k, 1.5 k, 2 k",
        "load load load found", "loads 3, reads 4, writes 3", **FAST),
    Row("what has ended is found no more, whatever they have heard", 0, "0 w k, 99 k, 100 k",
        "write found load", "loads 1, reads 2, writes 2", **FAST),
    Row("memory hides from who wrote that they lag", 0, "0 w k, 1 k, 3 w k, 4 k",
        "write memory write memory", "writes 2",
        design={"replicas": 1, "near": "memory"}, platform={"redis_lag_ms": 2_000}),
    Row("and keeps the old value that a copy still had", 0,
        "0 w k, 0.5 j, 3 w k, 4 k, 5 j, 6 k, 7 j, 30 k",
        "write load write found found memory memory memory", "loads 1, reads 3, writes 3", late=3,
        design={"replicas": 1, "near": "memory"},
        platform={"redis_lag_ms": 2_000, "isolates_per_colo": 2}),
)  # fmt: skip

OF_A_NODE = (
    Row("what was asked for longest ago is pushed out", 0, "0 k, 1 j, 2 i, 3 j, 4 i, 5 k",
        "load load load found found load", "loads 4, reads 6, writes 4", platform=FOR_TWO),
    Row("what is asked for again stays", 0, "0 k, 1 j, 2 k, 3 i, 4 k, 5 j",
        "load load found load found load", "loads 4, reads 6, writes 4", platform=FOR_TWO),
    Row("what is written stays as what is asked for", 0, "0 k, 1 j, 2 w k, 3 i, 4 k, 5 j",
        "load load write load found load", "loads 4, reads 5, writes 5", platform=FOR_TWO),
    Row("what is deleted makes room", 0, "0 k, 1 j, 2 d j, 3 i, 4 k, 5 i",
        "load load write load found found", "loads 3, reads 5, writes 3", platform=FOR_TWO),
    Row("what has ended takes room until it is asked for", 0, "0 k, 50 j, 101 i, 102 j, 103 k",
        "load load load found load", "loads 4, reads 5, writes 4", platform=FOR_TWO),
    Row("what is larger than all the room is not kept", 0, "0 k, 1 k",
        "load load", "loads 2, reads 2, writes 2",
        platform={**FOR_TWO, "redis_entry_bytes": 2_000}),
    Row("memory before it hides what is asked for", 0, "0 k, 1 j, 2 k, 3 i, 31 k",
        "load load memory load load", "loads 4, reads 4, writes 4",
        design={"near": "memory"}, platform=FOR_TWO),
)  # fmt: skip

PLACES = {
    "KV in the colo": "colo", "KV in the region": "region", "KV central": "central",
    "object's memory": "object", "object's storage": "storage",
    "Workers Cache in the colo": "colo", "Workers Cache's upper tier": "upper",
    "CloudFront's point of presence": "edge", "CloudFront's regional edge cache": "region",
}  # fmt: skip
ENDS = {"L1": "memory", "origin": "load", "waited": "wait", "failed": "fail"}
OF_THEIR_OWN = {
    "memory": MEMORY, "kv": KV, "durable-object": DURABLE_OBJECT, "workers-cache": WORKERS_CACHE,
    "cloudfront": CLOUDFRONT,
}  # fmt: skip


def table(word: str) -> tuple[Row, ...]:
    if word in OF_THEIR_OWN:
        return OF_THEIR_OWN[word]
    told = LISTENING if word == "redis" else ()
    told += OF_A_NODE if ALL[word].room else ()
    told += FROM_REPLICAS if ALL[word].lag else ()
    told += IN_DISJOINT_CACHES if ALL[word].parted else ()
    return (SHARED_BY_ALL if ALL[word].scope == "world" else ONE_IN_EACH_PLACE) + told


def drawn_up(word: str, row: Row) -> Design:
    said = dict(row.design)
    tiers = [said.pop("near", None), word, said.pop("far", None)]
    if row in LISTENING:
        tiers, said = ["memory", word, None], {"listen": True}
    whole = {"tiers": tuple(filter(None, tiers)), "l1_ttl_s": 30.0, "l2_ttl_s": 100.0}
    return Design(name="x", **{**whole, **said})


def played(word: str, row: Row, engine: Any) -> Result:
    requests = [each if each.split()[1] in "wd" else " r ".join(each.split())
                for each in row.asked.split(", ")]  # fmt: skip
    slow = {"loads_take_time": True, "origin_ms": row.load_s * 1e3} if row.load_s else {}
    told = {"redis_message_ms": 100.0, "rtt_base_ms": 0.0, "redis_at": ("LHR",)}
    platform = Platform(**STEADY | slow | told | row.platform)
    placed = [each if "@" in each else f"{each}@LHR" for each in requests]
    return replay(trace(*placed), drawn_up(word, row), platform, engine=engine)


def ended(word: str, result: Result) -> str:
    words = []
    for tier, depth in zip(result.tier, result.depth, strict=True):
        here = DEPTHS[depth] in [place.words for place in ALL[word].places]
        found = PLACES.get(DEPTHS[depth], "found") if here else "far"
        found = "kv" if word == "workers-cache" and not here else found
        words.append(ENDS.get(TIERS[tier], found) if TIERS[tier] != "write" else "write")
    return " ".join(words)


def counted(word: str, row: Row) -> dict[str, int]:
    """What the row says, by the names of counts."""
    tier = ALL[word]
    names = {
        "loads": "origin_loads", "failures": "origin_failures",
        "hits": tier.in_front.hits if tier.in_front else "",
        "reads": tier.reads, "writes": tier.writes,
    }  # fmt: skip
    said = [each.split() for each in row.counted.split(", ") if each]
    numbers = {names.get(name, name): int(number) for name, number in said}
    if tier.deletes:  # as what a deletion is charged there
        numbers[tier.deletes] += row.asked.count(" d ")
    return numbers


@pytest.mark.parametrize("engine", ["compiled", "reference"])
@pytest.mark.parametrize(
    ("word", "row"),
    [pytest.param(word, row, id=f"{word}:{row}") for word in ALL for row in table(word)],
)
def test_counted_by_hand(word: str, row: Row, engine: str) -> None:
    result = played(word, row, engine)
    assert ended(word, result) == row.ended
    assert {name: n for name, n in result.counts.items() if n} == counted(word, row)
    assert result.delayed_hits == row.ended.split().count("wait")
    assert int(result.late.counts[0, 1:].sum()) == row.late


def test_every_tier_has_ten() -> None:
    assert not {word: len(table(word)) for word in ALL if len(table(word)) < 10}
    assert STORES.keys() < ALL.keys()


def test_a_wait_takes_what_is_left_of_the_load() -> None:
    result = played("memory", MEMORY[5], "compiled")
    assert result.latency_ms.tolist() == pytest.approx([1000.05, 600.05, 100.05, 0.05])
