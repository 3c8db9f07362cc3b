"""More logs read a second time in plain Python: routers, clouds, containers, tables from elsewhere.

As in `independent.py`, whose helpers these use: nothing here knows the reader under test.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.model import independent
from tests.model.independent import (
    REQUEST,
    Event,
    Found,
    clf_time,
    common,
    dug,
    http,
    iso,
    lines,
)


def counts(path: Path) -> independent.Counts:
    """Of any sample of the corpus, by its name."""
    return independent.counts(path, [*KINDS, *independent.KINDS])


def each(raw: bytes) -> Iterator[dict[str, Any]]:
    return (json.loads(line) for line in lines(raw))


def when(text: str, form: str) -> float:
    return datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()


def asked(path: str, query: str | None) -> str:
    return path if query in (None, "", "-") else f"{path}?{query}"


def table(delimiter: str, time: Callable[[str], float]) -> Callable[[bytes], Found]:
    """A table that says time, method, url, status; before it comments, or Excel's `sep=`."""

    def read(raw: bytes) -> Found:
        rows = raw.decode("utf-8-sig").splitlines()
        while not re.match(r"#?time", rows[0]):
            del rows[0]
        rows[0] = rows[0].removeprefix("#")
        for row in csv.DictReader(rows, delimiter=delimiter):
            at = time(row.get("time") or row["timestamp"])
            yield http(at, row["method"], row["url"], row["status"])

    return read


def kubernetes_parts(raw: bytes) -> Found:
    """P is a part, F the last one; each of the two streams has its own."""
    said: dict[str, str] = {}
    whole = []
    for line in lines(raw):
        _, stream, flag, text = line.split(" ", 3)
        said[stream] = said.get(stream, "") + text
        if flag == "F":
            whole.append(said.pop(stream))
    yield from common("\n".join(whole).encode())


def docker_parts(raw: bytes) -> Found:
    yield from common("".join(event["log"] for event in each(raw)).encode())


def bunny(raw: bytes) -> Found:
    for line in lines(raw):
        _, status, time, _, _, _, _, url, *_ = line.split("|")
        yield http(int(time) / 1_000, "GET", url, status)


def real_time(raw: bytes) -> Found:
    for line in lines(raw):
        cells = line.split("\t")
        yield http(float(cells[0]), cells[5], asked(cells[8], cells[19]), cells[3])


def second_version(raw: bytes) -> Found:
    for row in each(raw):
        key = asked(row["cs-uri-stem"], row["cs-uri-query"])
        yield http(int(row["timestamp(ms)"]) / 1_000, row["cs-method"], key, row["sc-status"])


def kong(raw: bytes) -> Found:
    for row in each(raw):
        request, status = row["request"], row["response"]["status"]
        yield http(row["started_at"] / 1_000, request["method"], request["uri"], status)


def waf(raw: bytes) -> Found:
    for row in each(raw):
        if row["action"] == "ALLOW":
            request = row["httpRequest"]
            (host,) = (h["value"] for h in request["headers"] if h["name"].lower() == "host")
            key = asked(request["uri"], request["args"])
            yield http(row["timestamp"] / 1_000, request["httpMethod"], key, None, host)


def portal(raw: bytes) -> Found:
    for row in csv.DictReader(raw.decode().splitlines()):
        time = when(row["TimeGenerated [UTC]"], "%m/%d/%Y, %I:%M:%S.%f %p")
        key = asked(row["CsUriStem"], row["CsUriQuery"])
        yield http(time, row["CsMethod"], key, row["ScStatus"])


def service(raw: bytes) -> Found:
    for row in each(raw):
        said = json.loads(row["properties"])
        key = asked(said["CsUriStem"], said["CsUriQuery"])
        yield http(iso(row["time"]), said["CsMethod"], key, said["ScStatus"])


def gateway(raw: bytes) -> Found:
    for row in each(raw):
        said = row["properties"]
        key = asked(said["requestUri"], said["requestQuery"])
        yield http(iso(row["timeStamp"]), said["httpMethod"], key, said["httpStatus"])


def words(time: str, form: str = "") -> Callable[[bytes], Found]:
    """Lines with method=, path= and status= in them; the time stands where `time` finds it."""

    def read(raw: bytes) -> Found:
        for line in lines(raw):
            pairs = dict(re.findall(r'(\w+)="?([^ "]+)', line))
            found = re.search(time, line)
            if found:
                at = when(found[1], form) if form else iso(found[1])
                yield http(at, pairs["method"], pairs["path"], pairs["status"])

    return read


def console(raw: bytes) -> Found:
    for line in lines(raw):
        row = json.loads(line.split("\t")[-1])
        time = when(line.split("\t")[0], "%Y/%m/%d %H:%M:%S.%f")
        yield http(time, row["request"]["method"], row["request"]["uri"], row["status"])


def prefixed(raw: bytes) -> Found:
    for line in lines(raw):
        row = json.loads(line.removeprefix("cf: "))
        yield http(
            iso(row["EdgeStartTimestamp"]), row["ClientRequestMethod"], row["ClientRequestURI"],
            row["EdgeResponseStatus"],
        )  # fmt: skip


def hits(raw: bytes) -> Found:
    for row in json.loads(raw)["hits"]["hits"]:
        said = row["_source"]
        verb, status = dug(said, "http", "request", "method"), said["http"]["response"]
        yield http(iso(said["@timestamp"]), verb, said["url"]["path"], status["status_code"])


def redis(raw: bytes) -> Found:
    kinds = {"GET": "read", "HGETALL": "read", "SET": "write", "SETEX": "write", "DEL": "delete"}
    for line in lines(raw):
        found = re.match(r'(\d+\.\d+) \[[^\]]*\] "(\w+)" "([^"]*)"', line)
        if found and found[2] in kinds:
            yield Event(float(found[1]), found[3], kinds[found[2]])


def gin(raw: bytes) -> Found:
    for line in lines(raw):
        if line.startswith("[GIN] "):
            time, status, _, _, request = map(str.strip, line[6:].split("|"))
            verb, url = request.split()
            yield http(when(time, "%Y/%m/%d - %H:%M:%S"), verb, url.strip('"'), status)


def milliseconds(raw: bytes) -> Found:
    for line in lines(raw):
        found = re.search(rf"\[(\S+)\.(\d{{3}}) (\S+)\] {REQUEST} (\d{{3}})", line)
        if found:
            time = clf_time(f"{found[1]} {found[3]}") + int(found[2]) / 1_000
            yield http(time, found["method"], found["url"], found[6])


def uvicorn(raw: bytes) -> Found:
    for event in each(raw):
        found = re.search(rf"{REQUEST} (\d{{3}})", event["log"])
        if found:
            yield http(iso(event["time"]), found["method"], found["url"], found[3])


def https(raw: bytes) -> Found:
    for line in lines(raw):
        found = re.search(rf"\[([^\]]+)\] \S+ \S+ \S+ (\d+) .*{REQUEST}", line)
        if found:
            yield http(clf_time(found[1]), found["method"], found["url"], found[2])


KINDS: list[tuple[str, Callable[[bytes], Found]]] = [
    (r"^excel-separator", table(";", iso)),
    (r"^comments-above", table(",", iso)),
    (r"^header-in-comment", table("\t", iso)),
    (r"^decimal-commas", table(";", lambda text: float(text.replace(",", ".")))),
    (r"^kubernetes-partial", kubernetes_parts),
    (r"^docker-partial", docker_parts),
    (r"^bunny", bunny),
    (r"^cloudfront-real-time", real_time),
    (r"^cloudfront-second", second_version),
    (r"^(nginx-ingress|compose)", common),
    (r"^haproxy-https", https),
    (r"^kong", kong),
    (r"^aws-waf", waf),
    (r"^azure-portal", portal),
    (r"^azure-(app-)?service", service),
    (r"^azure-(application-)?gateway", gateway),
    (r"^heroku-drain", words(r">1 (\S+) ")),
    (r"^lograge", words(r"\[(\S+) #")),
    (r"^zap-console", console),
    (r"^logpush-record-prefix", prefixed),
    (r"^elasticsearch-hits", hits),
    (r"^redis", redis),
    (r"^gin", gin),
    (r"^milliseconds", milliseconds),
    (r"^uvicorn-container", uvicorn),
    (r"^uvicorn", lambda raw: uvicorn("\n".join(
        json.dumps({"log": line.split(" ", 3)[3], "time": line.split()[0]}) for line in lines(raw)
    ).encode())),
]  # fmt: skip
