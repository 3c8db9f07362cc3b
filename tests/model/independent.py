"""Logs read a second time, by other means: plain Python, from what vendors document.

Nothing here knows the reader under test or its table of formats. A sample's name says what it is;
each kind has a few lines of its own, as its documentation describes it. What a request is, is said
in docs/logs.md: reads GET and HEAD, writes PUT and PATCH, deletes DELETE and PURGE, of statuses
that may be kept; other methods, other statuses and failed writes are none of a cache's business.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import lzma
import re
import shlex
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

READS, WRITES, DELETES = {"GET", "HEAD", "POST"}, {"PUT", "PATCH"}, {"DELETE", "PURGE"}
KEPT = {
    200, 203, 204, 206, 300, 301, 302, 303, 304, 308, 404, 405, 410, 414, 501,
}  # fmt: skip


class Event(NamedTuple):
    time: float
    key: str
    what: str = "read"
    host: str = ""


class Counts(NamedTuple):
    """What two readers must agree on."""

    requests: int
    keys: int
    reads: int
    writes: int
    deletes: int
    span_s: float


Kinds = list[tuple[str, Callable[[bytes], Iterator["Event | None"]]]]


def counts(path: Path, kinds: Kinds | None = None) -> Counts:
    """Of a sample, by its name."""
    read = next(read for pattern, read in kinds or KINDS if re.search(pattern, path.name))
    events = [event for event in read(content(path)) if event is not None]
    hosts = {event.host for event in events}
    keys = {(event.host if len(hosts) > 1 else "", event.key) for event in events}
    kinds = [event.what for event in events]
    times = [event.time for event in events]
    return Counts(
        len(events), len(keys), *(kinds.count(kind) for kind in ("read", "write", "delete")),
        round(max(times) - min(times), 3),
    )  # fmt: skip


def content(path: Path) -> bytes:
    raw = path.read_bytes()
    unpack = {".gz": gzip.decompress, ".bz2": bz2.decompress, ".xz": lzma.decompress}
    return unpack[path.suffix](raw) if path.suffix in unpack else raw


def http(
    time: float, method: str, key: str, status: Any = None, host: str | None = None
) -> Event | None:
    """A request as a cache sees it; None for one that it does not."""
    said = re.fullmatch(r"-?\d+", str("" if status is None else status))
    code = int(said[0]) if said else None  # 0 and -1: no answer began
    method = method.upper()
    what = "read" if method in READS else "write" if method in WRITES else "delete"
    if method not in READS | WRITES | DELETES:
        return None
    in_question = method == "POST" and 200 <= (code or 0) < 300
    if code is not None and what == "read" and code not in KEPT and not in_question:
        return None
    if code is not None and code >= 400 and what != "read":
        return None
    return Event(time, key, what, (host or "").lower())


# -- times and rows ------------------------------------------------------------------------


def iso(text: str) -> float:
    text = re.sub(r"(\.\d{6})\d+", r"\1", text.replace("Z", "+00:00"))
    text = re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", text)
    when = datetime.fromisoformat(text)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def clf_time(text: str) -> float:
    form = "%d/%b/%Y:%H:%M:%S %z" if " " in text else "%d/%b/%Y:%H:%M:%S.%f"
    when = datetime.strptime(text, form)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def any_time(value: Any) -> float:
    """RFC 3339, or a number of seconds, ms, µs or ns since 1970."""
    try:
        number = float(value)
    except ValueError:
        return clf_time(value) if "/" in value else iso(value)
    while abs(number) >= 1e11:
        number /= 1_000
    return number


def lines(raw: bytes) -> list[str]:
    return [line for line in raw.decode().splitlines() if line.strip()]


def objects(raw: bytes) -> Iterator[dict[str, Any]]:
    """Every JSON object of a text, whether one a line, indented, or in lists and envelopes."""
    text, at, decoder = raw.decode("utf-8-sig"), 0, json.JSONDecoder()
    while at < len(text):
        while at < len(text) and text[at] in " \r\n\t,":
            at += 1
        if at < len(text):
            value, at = decoder.raw_decode(text, at)
            yield from _rows(value)


def _rows(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for each in value:
            yield from _rows(each)
        return
    inner = [value.get(name) for name in ("records", "result", "events")]
    found = next((each for each in inner if isinstance(each, list | dict)), None)
    if found is None:
        yield value
    else:
        yield from _rows(found)


def dug(event: Any, *path: str) -> Any:
    for step in path:
        event = event.get(step) if isinstance(event, dict) else None
    return event


# -- kinds ---------------------------------------------------------------------------------

Found = Iterator[Event | None]
REQUEST = r'"(?P<method>[A-Z]+) (?P<url>\S+) HTTP/[\d.]+"'


def common(raw: bytes) -> Found:
    """Apache's common and combined: [time] "request" status bytes."""
    for line in lines(raw):
        found = re.search(rf"\[([^\]]+)\] +{REQUEST} (\d{{3}}) ", line + " ")
        if found:
            yield http(clf_time(found[1]), found["method"], found["url"], found[4])


def virtual_hosts(raw: bytes) -> Found:
    for line in lines(raw):
        found = re.match(rf"(\S+):\d+ .*?\[([^\]]+)\] {REQUEST} (\d{{3}}) ", line)
        if found:
            yield http(clf_time(found[2]), found["method"], found["url"], found[5], found[1])


def docker(raw: bytes) -> Found:
    inner = "".join(event["log"] for event in objects(raw)).encode()
    yield from nginx(inner) if inner.startswith(b"{") else common(inner)


def kubernetes(raw: bytes) -> Found:
    inner = "\n".join(line.split(" ", 3)[3] for line in lines(raw)).encode()
    yield from caddy(inner) if inner.startswith(b"{") else common(inner)


def logpush(raw: bytes) -> Found:
    rows: Any = objects(raw) if raw.lstrip()[:1] in (b"{", b"[") else table(raw, ",")
    for row in rows:
        if row.get("ClientRequestSource", "eyeball") != "eyeball":
            continue
        if dug(row, "RequestHeaders", "authorization") or dug(row, "ResponseHeaders", "set-cookie"):
            continue
        yield http(
            any_time(row["EdgeStartTimestamp"]), row.get("ClientRequestMethod", "GET"),
            row.get("ClientRequestURI") or row["ClientRequestPath"], row.get("EdgeResponseStatus"),
            row.get("ClientRequestHost"),
        )  # fmt: skip


def trace_events(raw: bytes) -> Found:
    rows: Any = objects(raw) if raw.lstrip()[:1] == b"{" else table(raw, ",")
    for row in rows:
        event = row["Event"] if isinstance(row["Event"], dict) else json.loads(row["Event"])
        if row["EventType"] == "fetch":
            request = event["Request"]
            status = dug(event, "Response", "Status")
            yield http(any_time(row["EventTimestampMs"]), request["Method"], request["URL"], status)


def tail(raw: bytes) -> Found:
    for row in objects(raw):
        request = dug(row, "event", "request")
        if request:
            status = dug(row, "event", "response", "status")
            yield http(any_time(row["eventTimestamp"]), request["method"], request["url"], status)


def workers(raw: bytes) -> Found:
    for row in objects(raw):
        event = row["$workers"]["event"]
        yield http(
            any_time(row["timestamp"]), event["request"]["method"], event["request"]["url"],
            dug(event, "response", "status"),
        )  # fmt: skip


def w3c(raw: bytes) -> Found:
    names: list[str] = []
    for line in lines(raw):
        if line.startswith("#"):
            names = line.split()[1:] if line.startswith("#Fields") else names
            continue
        row = dict(zip(names, line.split(), strict=True))
        query = row.get("cs-uri-query", "-")
        key = row["cs-uri-stem"] + ("" if query == "-" else "?" + query)
        time = iso(f"{row['date']}T{row['time']}Z")
        yield http(time, row["cs-method"], key, row["sc-status"])


def s3(raw: bytes) -> Found:
    for line in lines(raw):
        found = re.match(
            r"\S+ \S+ \[([^\]]+)\] \S+ \S+ \S+ REST\.(\w+)\.OBJECT (\S+) .*?\" (\d+)", line
        )
        if found:
            yield http(clf_time(found[1]), found[2], found[3], found[4])


def balancer(raw: bytes) -> Found:
    """ALB and ELB: the time stands first or second, the request between quotes, status before."""
    for line in lines(raw):
        time = re.search(r"\d{4}-\d\d-\d\dT\S+Z", line)
        request = re.search(REQUEST, line)
        if time and request:
            status = line[: request.start()].split()[-4]
            yield http(iso(time[0]), request["method"], request["url"], status)


def json_rows(
    time: str, method: str, key: str, status: str, host: str = ""
) -> Callable[[bytes], Found]:
    """JSON with fields at these dotted places."""

    def read(raw: bytes) -> Found:
        for row in objects(raw):
            url = dug(row, *key.split("."))
            if url is None:
                continue
            verb = dug(row, *method.split("."))
            at, code = dug(row, *time.split(".")), dug(row, *status.split("."))
            yield http(any_time(at), verb, url, code, dug(row, *host.split(".")) if host else None)

    return read


caddy = json_rows("ts", "request.method", "request.uri", "status", "request.host")


def nginx(raw: bytes) -> Found:
    for row in objects(raw):
        request = row.get("request", "").split(" ")
        method = row.get("request_method") or request[0]
        key = row.get("request_uri") or request[1]
        time = row.get("msec") or row.get("time_iso8601") or row.get("time_local")
        yield http(any_time(time or row["@timestamp"]), method, key, row["status"])


def akamai(raw: bytes) -> Found:
    for row in objects(raw):
        query = row.get("queryStr", "-")
        key = "/" + row["reqPath"] + ("" if query in ("", "-") else "?" + query)
        yield http(float(row["reqTimeSec"]), row["reqMethod"], key, row["statusCode"])


def haproxy(raw: bytes) -> Found:
    for line in lines(raw):
        found = re.search(rf"\[([^\]]+)\] \S+ \S+ \S+ (-?\d+) .*{REQUEST}", line)
        if found:
            yield http(clf_time(found[1]), found["method"], found["url"], found[2])


def squid(raw: bytes) -> Found:
    for line in lines(raw):
        time, _, _, result, _, method, url, *_ = line.split()
        yield http(float(time), method, url, result.split("/")[1])


def envoy(raw: bytes) -> Found:
    for line in lines(raw):
        found = re.match(rf"\[([^\]]+)\] {REQUEST} (\d+)", line)
        if found:
            host = re.findall(r'"((?:[^"\\]|\\.)*)"', line)[-2]
            yield http(iso(found[1]), found["method"], found["url"], found[4], host)


def table(raw: bytes, delimiter: str) -> Iterator[dict[str, str]]:
    text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    rows = text.splitlines()
    if delimiter == "\t":  # tab-separated values know no quotes
        names = rows[0].split("\t")
        yield from (dict(zip(names, row.split("\t"), strict=True)) for row in rows[1:])
    else:
        yield from csv.DictReader(rows, delimiter=delimiter)


def columns(
    time: str, key: str, delimiter: str = ",", method: str = "", status: str = ""
) -> Callable[[bytes], Found]:
    def read(raw: bytes) -> Found:
        for row in table(raw, delimiter):
            verb = row[method] if method else "GET"
            yield http(any_time(row[time]), verb, row[key], row.get(status))

    return read


def operations(time: str, key: str, op: str) -> Callable[[bytes], Found]:
    """Cache traces with a word for what was done."""

    def read(raw: bytes) -> Found:
        for row in table(raw, ","):
            yield Event(float(row[time]), row[key], _word(row[op]))

    return read


def _word(op: str) -> str:
    word = op.lower().split("_")[0]
    if word in ("delete", "del"):
        return "delete"
    return "read" if word in ("get", "gets", "read", "r", "1", "2", "3") else "write"


def twitter(raw: bytes) -> Found:
    for line in lines(raw):
        time, key, _, _, _, op, _ = line.split(",")
        yield Event(float(time), key, _word(op))


def msr(raw: bytes) -> Found:
    for line in lines(raw):
        ticks, machine, disk, op, offset, *_ = line.split(",")
        yield Event(int(ticks) / 1e7, f"{machine}{disk}/{offset}", _word(op))


def spc(raw: bytes) -> Found:
    for line in lines(raw):
        unit, block, _, op, time = line.split(",")
        yield Event(float(time), f"{unit}/{block}", _word(op))


def wikibench(raw: bytes) -> Found:
    for line in lines(raw):
        _, time, url, saved = line.split()
        yield Event(float(time), url, "write" if saved == "save" else "read")


def runs(raw: bytes) -> Found:
    at = 0
    for line in lines(raw):
        first, n = map(int, line.split()[:2])
        for key in range(first, first + n):
            yield Event(at, str(key))
            at += 1


def records(form: str, key: int, time: int | None, skip: int = 0) -> Callable[[bytes], Found]:
    def read(raw: bytes) -> Found:
        for nth, fields in enumerate(struct.iter_unpack(form, raw[skip:])):
            yield Event(nth if time is None else fields[time], str(fields[key]))

    return read


def vscsi(form: str, key: int, time: int) -> Callable[[bytes], Found]:
    def read(raw: bytes) -> Found:
        for fields in struct.iter_unpack(form, raw):
            yield Event(fields[time] / 1e6, str(fields[key]))

    return read


def plain(raw: bytes) -> Found:
    for nth, line in enumerate(raw.decode().splitlines()):
        yield Event(nth, line)


def logfmt(raw: bytes) -> Found:
    """Pairs as a shell splits them; Heroku writes the time before them."""
    for line in lines(raw):
        pairs = dict(word.split("=", 1) for word in shlex.split(line) if "=" in word)
        time = pairs.get("time") or line.split()[0]
        yield http(
            iso(time), pairs["method"], pairs["path"], pairs["status"], pairs.get("host")
        )  # fmt: skip


def inside(*path: str) -> Callable[[bytes], Found]:
    """Lines of Common Log Format that a collector keeps in a field."""

    def read(raw: bytes) -> Found:
        yield from common("\n".join(dug(event, *path) for event in objects(raw)).encode())

    return read


def splunk(raw: bytes) -> Found:
    yield from common("\n".join(row["_raw"] for row in table(raw, ",")).encode())


def host_before_request(raw: bytes) -> Found:
    for line in lines(raw):
        found = re.search(rf"\[([^\]]+)\] (\S+) {REQUEST} (\d{{3}}) ", line)
        if found:
            yield http(clf_time(found[1]), found["method"], found["url"], found[5], found[2])


def day_and_hour(raw: bytes) -> Found:
    for row in table(raw, ","):
        time = iso(f"{row['date']}T{row['time']}Z")
        yield http(time, row["method"], row["url"], row["status"])


def commas(raw: bytes) -> Found:
    for row in table(raw, ";"):
        time = iso(row["timestamp"].replace(",", "."))
        yield http(time, row["method"], row["url"], row["status"])


def path_and_query(raw: bytes) -> Found:
    for row in objects(raw):
        key = "?".join(filter(None, (row["url"]["path"], row["url"].get("query"))))
        yield http(
            iso(row["@timestamp"]), row["http"]["request"]["method"], key,
            row["http"]["response"]["status_code"],
        )  # fmt: skip


ECS = json_rows("@timestamp", "http.request.method", "url.full", "http.response.status_code")
KINDS: Kinds = [
    (r"^(logpush|logpull)", logpush),
    (r"^trace-events", trace_events),
    (r"^wrangler-tail", tail),
    (r"^workers-logs", workers),
    (r"^(cloudfront|iis)", w3c),
    (r"^s3", s3),
    (r"^(alb|elb)\b", balancer),
    (r"^apache-vhost", virtual_hosts),
    (r"^docker", docker),
    (r"^kubernetes", kubernetes),
    (r"^(clf-host|combined-host)", host_before_request),
    (r"^(clf|combined|common|varnish|syslog|traefik-common)", common),
    (r"^caddy", caddy),
    (r"^nginx", nginx),
    (r"^traefik", json_rows("StartUTC", "RequestMethod", "RequestPath", "DownstreamStatus")),
    (r"^haproxy", haproxy),
    (r"^squid", squid),
    (r"^envoy.*ndjson$", json_rows("start_time", "method", "path", "response_code")),
    (r"^(envoy|istio)", envoy),
    (r"^fastly", json_rows("timestamp", "request_method", "url", "response_status", "host")),
    (r"^akamai", akamai),
    (r"^google-text", inside("textPayload")),
    (r"^google", json_rows("timestamp", "httpRequest.requestMethod", "httpRequest.requestUrl",
                           "httpRequest.status")),
    (r"^azure", json_rows("time", "properties.httpMethod", "properties.requestUri",
                          "properties.httpStatusCode")),
    (r"^vercel", json_rows("proxy.timestamp", "proxy.method", "proxy.path", "proxy.statusCode")),
    (r"^netlify", json_rows("timestamp", "method", "url", "status_code")),
    (r"^api-gateway", json_rows("requestTime", "httpMethod", "path", "status")),
    (r"^pino", json_rows("time", "req.method", "req.url", "res.statusCode")),
    (r"^elastic-path", path_and_query),
    (r"^(elastic|ecs)", ECS),
    (r"^(logfmt|heroku)", logfmt),
    (r"^journald", inside("MESSAGE")),
    (r"^(filebeat|cloudwatch)", inside("message")),
    (r"^splunk", splunk),
    (r"^day-and-hour", day_and_hour),
    (r"^comma-before-ms", commas),
    (r"^semicolons", columns("time", "url", ";", "method", "status")),
    (r"^utf-16", columns("time", "url", method="method")),
    (r"^stray-quotes", columns("time", "key", "\t")),
    (r"^wikimedia", columns("relative_unix", "hashed_path_query", "\t")),
    (r"^libcachesim", columns("time", "obj_id")),
    (r"^meta-kv", operations("op_time", "key", "op")),
    (r"^meta-cdn", operations("timestamp", "cacheKey", "OpType")),
    (r"^twitter", twitter),
    (r"^msr", msr),
    (r"^spc", spc),
    (r"^wikibench", wikibench),
    (r"\.lis$", runs),
    (r"oracleGeneral", records("<IQIq", 1, 0)),
    (r"^lcs\.", records("<IQIq", 1, 0, 8192)),
    (r"^lcs2", records("<IQIIq", 1, 0, 8192)),
    (r"^lcs3", records("<IQqIIq", 1, 0, 8192)),
    (r"^vscsi1", vscsi("<IIIHHQQ", 5, 6)),
    (r"^vscsi", vscsi("<HHIIIQQQ", 5, 6)),
    (r"int32be$", records(">i", 0, None)),
    (r"int32le$", records("<i", 0, None)),
    (r"int64be$", records(">q", 0, None)),
    (r"int64le$", records("<q", 0, None)),
    (r"^keys", plain),
]  # fmt: skip
