"""Logs read a second time in plain Python: of other CDNs and stores, of databases and collectors.

As in `independent.py`, whose helpers these use: nothing here knows the reader under test.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.model import independent, independent_vendors
from tests.model.independent import (
    REQUEST,
    Found,
    any_time,
    clf_time,
    common,
    dug,
    http,
    iso,
    lines,
    objects,
)
from tests.model.independent_vendors import asked, each, when

ASKED = r'"(?P<method>[A-Z]+) (?P<url>\S+?)(?: HTTP/[\d.]+)?"'
CALLS = {"Get": "GET", "Put": "PUT", "Delete": "DELETE"}


def counts(path: Path) -> independent.Counts:
    """Of any sample of the corpus, by its name."""
    return independent.counts(path, [*KINDS, *independent_vendors.KINDS, *independent.KINDS])


def matched(pattern: str, time: Callable[[str], float]) -> Callable[[bytes], Found]:
    """Lines that have time, method, url, status and perhaps host where a pattern finds them."""

    def read(raw: bytes) -> Found:
        for line in lines(raw):
            if found := re.search(pattern, line):
                said = found.groupdict()
                yield http(
                    time(said["time"]), said["method"], said["url"], said.get("status"),
                    said.get("host"),
                )  # fmt: skip

    return read


def fields(
    time: str, method: str, key: str, status: str, host: str = "", query: str = ""
) -> Callable[[bytes], Found]:
    """JSON with fields at these dotted places."""

    def read(raw: bytes) -> Found:
        for row in objects(raw):
            at, verb, url, code = (dug(row, *p.split(".")) for p in (time, method, key, status))
            extra = (dug(row, query) or "").lstrip("?") if query else ""
            known = dug(row, host) if host else None
            yield http(any_time(str(at).strip("[]")), verb, asked(url, extra), code, known)

    return read


def in_china(text: str) -> float:
    return when(text, "%Y%m%d%H%M%S") - 8 * 3_600


def table(delimiter: str, *, drawn: bool = False) -> Callable[[bytes], Found]:
    """Tables that say time, method, url and status; blanks, rules and second headers are none."""

    def read(raw: bytes) -> Found:
        text = [line.strip("| ") for line in lines(raw) if not drawn or re.search(r"\w", line)]
        rows = list(csv.reader(text, delimiter=delimiter, skipinitialspace=True))
        names = [name.strip() for name in rows[0]]
        for cells in rows[1:]:
            row = dict(zip(names, [cell.strip() for cell in cells], strict=True))
            if row["time"] != "time":
                yield http(iso(row["time"]), row["method"], row["url"], row["status"])

    return read


def listed(*path: str) -> Callable[[bytes], Found]:
    """Lists of time, method, url, status and bytes; the first may name them, the second type."""

    def read(raw: bytes) -> Found:
        text = raw.decode()
        rows: Any = json.loads(text) if path or text[:2] == "[[" else list(each(raw))
        for step in path:
            rows = rows[int(step) if step.isdigit() else step]
        for row in rows:
            if str(row[0]).startswith("20"):
                yield http(iso(row[0]), row[1], row[2], row[3])

    return read


def named(raw: bytes) -> Found:
    for row in json.loads(raw)["data"]:
        yield http(iso(row["time"]), row["method"], row["url"], row["status"])


def streams(raw: bytes) -> Found:
    for stream in json.loads(raw)["data"]["result"]:
        for time, line in stream["values"]:
            if line.startswith("{"):
                said = json.loads(line)
                yield http(int(time) / 1e9, said["method"], said["path"], said["status"])
            else:
                yield from common(line.encode())


def colourless(read: Callable[[bytes], Found]) -> Callable[[bytes], Found]:
    return lambda raw: read(re.sub(rb"\x1b\[[0-9;]*m", b"", raw))


def single_quotes(raw: bytes) -> Found:
    for row in csv.DictReader(lines(raw), quotechar="'"):
        yield http(iso(row["time"]), row["method"], row["url"], row["status"])


def dicts(raw: bytes) -> Found:
    """Python's own notation, field by field: a text is in the quotes that it does not hold."""
    for line in lines(raw):
        said = {name: a or b or c for name, a, b, c in re.findall(
            r"""'(\w+)': (?:'([^']*)'|"([^"]*)"|(\w+))""", line)}  # fmt: skip
        if "url" in said:
            yield http(iso(said["time"]), said["method"], said["url"], said["status"])


def cells(raw: bytes) -> Found:
    told = json.loads(raw)
    names = [field["name"] for field in told["schema"]["fields"]]
    for each_row in told["rows"]:
        row = dict(zip(names, (cell["v"] for cell in each_row["f"]), strict=True))
        yield http(float(row["ts"]), row["method"], row["url"], row["status"])


def insights(raw: bytes) -> Found:
    for result in json.loads(raw)["results"]:
        row = {cell["field"]: cell["value"] for cell in result}
        if "@message" in row:
            yield from common(row["@message"].encode())
        else:
            yield http(iso(row["@timestamp"]), row["method"], row["path"], row["status"])


def untyped(value: Any) -> Any:
    """Without what says the kind of a value: {"$date": ...}, {"S": ...}."""
    if isinstance(value, dict) and len(value) == 1:
        ((kind, inside),) = value.items()
        if kind.startswith("$") or kind in ("S", "N"):
            return untyped(inside)
    return value


def documents(time: str, *around: str) -> Callable[[bytes], Found]:
    def read(raw: bytes) -> Found:
        for found in objects(raw):
            row = {name: untyped(value) for name, value in dug(found, *around).items()}
            url = row.get("url") or row["path"]
            yield http(any_time(row[time]), row["method"], url, row["status"])

    return read


def blobs(raw: bytes) -> Found:
    for line in lines(raw):
        cells = next(csv.reader([line], delimiter=";"))
        verb = next((CALLS[name] for name in CALLS if cells[2].startswith(name)), "OPTIONS")
        yield http(iso(cells[1]), verb, cells[11], cells[4])


def calls(raw: bytes) -> Found:
    for row in json.loads(raw)["Records"]:
        verb = next((CALLS[name] for name in CALLS if row["eventName"] == name + "Object"), "NONE")
        yield http(iso(row["eventTime"]), verb, row["requestParameters"]["key"])


def minio(raw: bytes) -> Found:
    for row in each(raw):
        said = row["api"]
        verb = next((CALLS[name] for name in CALLS if said["name"].startswith(name)), "LIST")
        host = row["requestHost"]
        yield http(iso(row["time"]), verb, row["requestPath"], said["statusCode"], host)


def ceph(raw: bytes) -> Found:
    for row in each(raw):
        verb, url, _ = row["uri"].split(" ")
        yield http(iso(row["time"]), verb, url, row["http_status"])


def archive(raw: bytes) -> Found:
    for row in json.loads(raw)["log"]["entries"]:
        request, status = row["request"], row["response"]["status"]
        yield http(iso(row["startedDateTime"]), request["method"], request["url"], status)


def edgio(raw: bytes) -> Found:
    for line in lines(raw):
        if not line.startswith("#"):
            cells = line.split(" ")
            yield http(float(cells[0]), cells[8], cells[9], cells[6].split("/")[1])


def micros(raw: bytes) -> Found:
    for row in csv.DictReader(raw.decode().splitlines()):
        yield http(
            int(row["time_micros"]) / 1e6, row["cs_method"], row["cs_uri"], row["sc_status"],
            row["cs_host"],
        )  # fmt: skip


def tabbed(mark: str) -> Callable[[bytes], Found]:
    """Pairs with tabs between them."""

    def read(raw: bytes) -> Found:
        for line in lines(raw):
            row = dict(pair.split(mark, 1) for pair in line.split("\t") if mark in pair)
            verb, url = (row.get("req") or f"{row.get('method')} {row.get('request')}").split()[:2]
            yield http(
                any_time(row["time"].strip("[]")), verb, url, row["status"], row.get("vhost")
            )

    return read


def zeek(raw: bytes) -> Found:
    names: list[str] = []
    for line in lines(raw):
        cells = line.split("\t")
        if line.startswith("#"):
            names = cells[1:] if cells[0] == "#fields" else names
            continue
        row = dict(zip(names, cells, strict=True))
        yield http(float(row["ts"]), row["method"], row["uri"], row["status_code"], row["host"])


def telemetry(raw: bytes) -> Found:
    for resource in json.loads(raw)["resourceLogs"]:
        for scope in resource["scopeLogs"]:
            for record in scope["logRecords"]:
                yield from common(record["body"]["stringValue"].encode())


def bulk(raw: bytes) -> Found:
    for row in each(raw):
        if "index" not in row:
            said = row["http"]
            code = said["response"]["status_code"]
            yield http(
                iso(row["@timestamp"]), said["request"]["method"], row["url"]["original"], code
            )


def sequence(raw: bytes) -> Found:
    """RFC 7464: each text after a record separator."""
    for text in raw.decode().split("\x1e")[1:]:
        row = json.loads(text)
        yield http(iso(row["time"]), row["method"], row["url"], row["status"])


def rows_of_lines(raw: bytes) -> Found:
    yield from common("\n".join(row["line"] for row in json.loads(raw)).encode())


def datadog(raw: bytes) -> Found:
    whole = json.loads(raw)["data"] if raw.startswith(b'{"data"') else each(raw)
    rows: Iterator[Any] = iter(whole)
    for row in rows:
        said = row["attributes"]
        asked_for = said["attributes"]["http"]
        code = asked_for["status_code"]
        yield http(iso(said["timestamp"]), asked_for["method"], asked_for["url"], code)


def rails(raw: bytes) -> Found:
    """The answer stands in another line, which has no name of its request."""
    for line in lines(raw):
        if found := re.match(r'Started (\w+) "([^"]+)" for \S+ at (\S+ \S+) \+0000', line):
            yield http(iso(found[3]), found[1], found[2])


def cef(raw: bytes) -> Found:
    for line in lines(raw):
        said = dict(re.findall(r"(\w+)=(\S+)", line))
        yield http(int(said["start"]) / 1e3, said["requestMethod"], said["request"], said["cn1"])


EDGE = r"\[(?P<time>[^\]]+)\]"
KINDS: list[tuple[str, Callable[[bytes], Found]]] = [
    (r"^(aliyun-cdn-real|huawei-real)", lambda raw: (
        http(any_time(r.get("unixtime") or r["request_time"]), r["method"],
             asked(r["uri"], r["uri_param"]), r.get("return_code") or r["http_code"], r["domain"])
        for r in each(raw)
    )),
    (r"^aliyun-slb", fields("time", "request_method", "request_uri", "status", "http_host")),
    (r"^aliyun-oss", common),
    (r"^aliyun-cdn", matched(rf"{EDGE} .*{ASKED} (?P<status>\d+)", clf_time)),
    (r"^tencent-cdn-real", fields("time", "method", "url", "http_code", "host", "param")),
    (r"^tencent-edgeone", fields("RequestTime", "RequestMethod", "RequestUrl",
                                 "EdgeResponseStatusCode", "RequestHost", "RequestUrlQueryString")),
    (r"^tencent-cdn", matched(
        r"^(?P<time>\d{14}) \S+ (?P<host>\S+) (?P<url>\S+) \d+ \S+ \S+ (?P<status>\d+)"
        r".* (?P<method>[A-Z]+) HTTP", in_china)),
    (r"^keycdn", matched(
        r"^(?P<time>[\d.]+)\|[^|]*\|[^|]*\|(?P<status>\d+)\|(?:[^|]*\|){3}(?P<host>[^|]*)\|[^|]*\|"
        + ASKED, float)),
    (r"^huawei-cdn", matched(
        rf'{EDGE} .*"(?P<method>[A-Z]+)" "(?P<host>[^"]+)" "(?P<url>[^"]+)" (?P<status>\d+)',
        clf_time)),
    (r"^baidu-cdn", matched(rf"- (?P<host>\S+) {EDGE} \d+ {REQUEST} (?P<status>\d+)", clf_time)),
    (r"^azure-storage", blobs),
    (r"^edgio", edgio),
    (r"^google-storage", micros),
    (r"^cloudtrail", calls),
    (r"^minio", minio),
    (r"^ceph", ceph),
    (r"^serilog-file", fields("Timestamp", "Properties.RequestMethod", "Properties.RequestPath",
                              "Properties.StatusCode")),
    (r"^serilog", fields("@t", "RequestMethod", "RequestPath", "StatusCode")),
    (r"^suricata", lambda raw: (
        http(iso(r["timestamp"]), r["http"]["http_method"], r["http"]["url"], r["http"]["status"],
             r["http"]["hostname"]) for r in each(raw)
    )),
    (r"^har", archive),
    (r"^cef", cef),
    (r"^apache-json", fields("time", "method", "request", "status", "host", "query")),
    (r"^actix", matched(rf"\[(?P<time>\S+) .*{REQUEST} (?P<status>\d+)", iso)),
    (r"^chi", matched(rf"^(?P<time>\S+ \S+) {REQUEST} from \S+ - (?P<status>\d+)",
                      lambda text: when(text, "%Y/%m/%d %H:%M:%S"))),
    (r"^fastly-text", matched(
        r"(?P<time>\d\d \w{3} \d{4} [\d:]+) GMT (?P<method>\w+) (?P<url>\S+) (?P<status>\d+)",
        lambda text: when(text, "%d %b %Y %H:%M:%S"))),
    (r"^quoted-combined", matched(rf'{EDGE}" {REQUEST} "(?P<status>\d+)"', clf_time)),
    (r"^rails", rails),
    (r"^ltsv", tabbed(":")),
    (r"^tskv", tabbed("=")),
    (r"^loki-query", streams),
    (r"^loki-grafana", rows_of_lines),
    (r"^arrays", listed()),
    (r"^clickhouse-compact", listed("data")),
    (r"^clickhouse-names", listed()),
    (r"^clickhouse", named),
    (r"^columns-and-rows", listed("rows")),
    (r"^kusto", listed("tables", "0", "rows")),
    (r"^mongo-export-millis", documents("timestamp")),
    (r"^mongo", documents("ts")),
    (r"^dynamodb", documents("time", "Item")),
    (r"^ansi-gin", colourless(matched(
        r'(?P<time>\d{4}/\d\d/\d\d - [\d:]+) \| +(?P<status>\d+) .*\| +(?P<method>[A-Z]+) +"'
        r'(?P<url>[^"]+)', lambda text: when(text, "%Y/%m/%d - %H:%M:%S")))),
    (r"^ansi-logfmt", colourless(matched(
        r"time=(?P<time>\S+) method=(?P<method>\w+) path=(?P<url>\S+) status=(?P<status>\d+)",
        iso))),
    (r"^ansi", colourless(common)),
    (r"^django", matched(rf"{EDGE} {REQUEST} (?P<status>\d+)",
                         lambda text: when(text, "%d/%b/%Y %H:%M:%S"))),
    (r"^zeek.*ndjson", fields("ts", "method", "uri", "status_code", "host")),
    (r"^zeek", zeek),
    (r"^datadog", datadog),
    (r"^otlp", telemetry),
    (r"^papertrail", common),
    (r"^railway", fields("timestamp", "method", "path", "httpStatus", "host")),
    (r"^echo", fields("time", "method", "uri", "status", "host")),
    (r"^spaces-after", table(",")),
    (r"^(markdown|mysql)", table("|", drawn=True)),
    (r"^repeated", table(",")),
    (r"^single-quotes", single_quotes),
    (r"^python-dicts", dicts),
    (r"^bigquery", cells),
    (r"^insights", insights),
    (r"^psql", matched(
        r"^ (?P<time>2\S+ \S+) +\| (?P<method>[A-Z]+) +\| (?P<url>\S+) +\| +(?P<status>\d+)", iso)),
    (r"^aligned", matched(
        r"^(?P<time>2\d+-\d+-\d+[T ]\S+) +(?P<method>[A-Z]+) +(?P<url>\S+) +(?P<status>\d+)", iso)),
    (r"^coloured", colourless(table(","))),
    (r"^bulk", bulk),
    (r"^json-seq", sequence),
]  # fmt: skip
