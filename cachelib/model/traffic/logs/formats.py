"""The log formats: for each, the columns that expressions may name, and what a request is.

A request is SQL over those columns for time (seconds since 1970, or ms, µs, ns), key, colo, op,
size and ttl. `check` is SQL for the reason why a row is no request, or NULL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cachelib.model.traffic.logs.source import first_line


@dataclass(frozen=True)
class TEXT:
    """Lines of text; `columns` are SQL over `text` and over `r`, the groups of `pattern`."""

    name: str
    columns: Mapping[str, str]
    request: Mapping[str, str]
    check: str = "NULL"
    pattern: str = ""
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class JSON:
    """One JSON object a line; `columns` are SQL templates over the text found at the path."""

    name: str
    columns: Mapping[str, str]
    request: Mapping[str, str]
    check: str
    paths: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BINARY:
    """Records of one fixed layout."""

    name: str
    dtype: np.dtype[Any]
    request: Mapping[str, str]


@dataclass(frozen=True)
class TABLE:
    """A file that names its own columns."""

    name: str
    delimiter: str = ""


Format = TEXT | JSON | BINARY | TABLE

AFTER_METHOD = "nullif(substr(r.request, nullif(strpos(r.request, ' '), 0) + 1), '')"
CLF = TEXT(
    "clf",
    columns={
        "host": "split_part(text, ' ', 1)",
        "ident": "split_part(text, ' ', 2)",
        "user": "split_part(text, ' ', 3)",
        "time": "epoch(try_strptime(r.time, '%d/%b/%Y:%H:%M:%S %z'))",
        "request": "r.request",
        "method": "split_part(r.request, ' ', 1)",
        "url": f"split_part({AFTER_METHOD}, ' HTTP/', 1)",
        "status": "try_cast(r.status AS INTEGER)",
        "bytes": "coalesce(try_cast(r.bytes AS BIGINT), 0)",
        "referer": "split_part(text, '\"', 4)",
        "agent": "split_part(text, '\"', 6)",
    },
    request={"time": "time", "key": "url", "size": "bytes"},
    check="CASE WHEN status IS NULL THEN 'not a line of Common Log Format'"
    " WHEN url IS NULL THEN 'its request holds no URL' END",
    # RE2 matches in one pass, which is twice as fast, only up to four groups.
    pattern=r'^[^\[]*\[([^\]]+)\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-)',
    groups=("time", "request", "status", "bytes"),
)

# Cloudflare Logpush, data set http_requests:
# developers.cloudflare.com/logs/logpush/logpush-job/datasets/zone/http_requests
LOGPUSH_TEXT = (
    "EdgeStartTimestamp EdgeEndTimestamp EdgeColoCode ClientRequestURI ClientRequestPath"
    " ClientRequestHost ClientRequestMethod ClientRequestScheme ClientRequestSource ZoneName RayID"
    " ParentRayID ClientIP ClientCountry ClientCity ClientRegionCode CacheCacheStatus EdgeServerIP"
    " WorkerScriptName WorkerStatus WorkerSubrequest CacheTieredFill CacheReserveUsed"
)
LOGPUSH_NUMBERS = (
    "EdgeTimeToFirstByteMs EdgeColoID UpperTierColoID SmartRouteColoID ClientASN ClientLatitude"
    " ClientLongitude ClientTCPRTTMs CacheResponseBytes EdgeResponseStatus EdgeResponseBytes"
    " EdgeResponseBodyBytes OriginResponseDurationMs OriginResponseStatus WorkerCPUTime"
    " WorkerWallTimeUs WorkerSubrequestCount"
)
NUMBER = "try_cast({} AS DOUBLE)"
LOGPUSH = JSON(
    "logpush",
    columns=dict.fromkeys(LOGPUSH_TEXT.split(), "{}")
    | dict.fromkeys(LOGPUSH_NUMBERS.split(), NUMBER),
    request={
        "time": "EdgeStartTimestamp",
        "key": "ClientRequestURI",
        "colo": "EdgeColoCode",
        "size": "EdgeResponseBytes",
    },
    check="CASE WHEN r IS NULL THEN 'not JSON'"
    " WHEN EdgeStartTimestamp IS NULL THEN 'no EdgeStartTimestamp'"
    " WHEN ClientRequestURI IS NULL THEN 'no ClientRequestURI' END",
)

# .../datasets/account/workers_trace_events; that page does not describe what is inside `Event`.
TRACE_EVENT_TEXT = "EventType Event ScriptName Entrypoint Outcome url method status"
TRACE_EVENTS = JSON(
    "trace-events",
    columns=dict.fromkeys(
        ["EventType", "Event", "ScriptName", "Entrypoint", "Outcome", "url", "method", "status"],
        "{}",
    )
    | dict.fromkeys(["EventTimestampMs", "CPUTimeMs", "WallTimeMs"], NUMBER),
    request={"time": "EventTimestampMs / 1000", "key": "url"},
    check="CASE WHEN r IS NULL THEN 'not JSON'"
    " WHEN EventTimestampMs IS NULL THEN 'no EventTimestampMs' END",
    paths={
        "url": "$.Event.Request.URL",
        "method": "$.Event.Request.Method",
        "status": "$.Event.Response.Status",
    },
)

KEYS = TEXT("keys", {"key": "rtrim(text, E'\\r\\n')"}, {"key": "nullif(key, '')"})
ORACLE_GENERAL = BINARY(
    "oracle-general",
    np.dtype([("time", "<u4"), ("id", "<u8"), ("size", "<u4"), ("next_access", "<i8")]),
    {"time": "time", "key": "id", "size": "size"},
)
INT32BE = BINARY("int32be", np.dtype([("id", ">i4")]), {"key": "id"})
CSV, TSV, PARQUET = TABLE("csv", ","), TABLE("tsv", "\t"), TABLE("parquet")
FORMATS: dict[str, Format] = {
    log.name: log
    for log in (CLF, LOGPUSH, TRACE_EVENTS, CSV, TSV, PARQUET, ORACLE_GENERAL, INT32BE, KEYS)
}

COMPRESSED = re.compile(r"\.(gz|xz|zst|zstd)$", re.I)
BY_NAME: tuple[tuple[str, Format], ...] = (
    (r"\.(parquet|pq)$", PARQUET),
    (r"\.tsv$", TSV),
    (r"\.csv$", CSV),
    (r"oracleGeneral(\.bin)?$", ORACLE_GENERAL),
    (r"\.int32be$", INT32BE),
    (r"\.keys$", KEYS),
)
# The names by which a table's columns are known when nothing maps them, the best first;
# those of Meta's key-value traces among them.
TABLE_NAMES = {
    "time": ("time_s", "time", "timestamp", "ts", "op_time"),
    "key": ("key", "url", "id", "obj_id", "path"),
    "colo": ("colo", "edgecolocode"),
    "op": ("op", "operation"),
    "size": ("size", "bytes", "obj_size"),
    "ttl": ("ttl", "ttl_s"),
}


def tell(path: Path) -> Format:
    """The format of a file, by its name or else by its first line; Common Log Format in doubt."""
    name = COMPRESSED.sub("", path.name)
    for pattern, known in BY_NAME:
        if re.search(pattern, name, re.I):
            return known
    line = first_line(path)
    if not line.lstrip().startswith(b"{"):
        return CLF
    return TRACE_EVENTS if b'"EventTimestampMs"' in line else LOGPUSH
