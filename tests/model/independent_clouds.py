"""Logs read a second time in plain Python: of clouds, meshes, proxies and of what delivers lines.

As in `independent.py`, whose helpers these use: nothing here knows the reader under test.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from tests.model import independent, independent_exports, independent_vendors
from tests.model.independent import Event, Found, any_time, common, dug, http, iso, lines, objects
from tests.model.independent_exports import ASKED, EDGE, REQUEST, fields, matched
from tests.model.independent_vendors import asked, each, when

BLOBS = {"GetBlob": "GET", "GetBlobProperties": "GET", "PutBlob": "PUT", "DeleteBlob": "DELETE"}
ENDED = fields(
    "EdgeEndTimestamp", "ClientRequestMethod", "ClientRequestURI", "EdgeResponseStatus",
    "ClientRequestHost",
)  # fmt: skip
PLAIN = ("EdgeStartTimestamp", "ClientRequestMethod", "ClientRequestURI", "EdgeResponseStatus")


def counts(path: Path) -> independent.Counts:
    """Of any sample of the corpus, by its name."""
    kinds = [independent_exports.KINDS, independent_vendors.KINDS, independent.KINDS]
    return independent.counts(path, [*KINDS, *(kind for each in kinds for kind in each)])


def balancer(raw: bytes) -> Found:
    for row in each(raw):
        said = row["logContent"]["data"]
        method, url, _ = said["request"].split()
        yield http(iso(said["timestamp"]), method, url, said["lbStatusCode"])


def blobs(raw: bytes) -> Found:
    for row in each(raw):
        yield http(iso(row["time"]), BLOBS[row["operationName"]], row["uri"], row["statusCode"])


def pomerium(raw: bytes) -> Found:
    for row in each(raw):
        url, host = asked(row["path"], row["query"]), row["authority"]
        yield http(iso(row["time"]), row["method"], url, row["response-code"], host)


def tabbed(raw: bytes) -> Found:
    """W3C: the columns are named in a comment."""
    names: list[str] = []
    for line in lines(raw):
        if line.startswith("#Fields:"):
            names = line.split("\t")[1:]
        elif not line.startswith("#"):
            row = dict(zip(names, line.split("\t"), strict=True))
            at = when(f"{row['date']} {row['time']}", "%Y-%m-%d %H:%M:%S")
            yield http(at, row["cs-method"], row["cs-uri"], row["sc-status"])


def stored(raw: bytes) -> Found:
    """IBM's: milliseconds since the first, what was done, of which object, its bytes."""
    for line in lines(raw):
        at, done, key = line.split()[:3]
        yield http(int(at) / 1_000, done.split(".")[1], key)


def numbered(raw: bytes) -> Found:
    for line in lines(raw):
        at, key = line.split()[:2]
        yield Event(float(at), key)


def subscription(raw: bytes) -> Found:
    for envelope in objects(raw):
        for event in envelope["logEvents"]:
            yield from common(event["message"].encode())


def twice(raw: bytes) -> Found:
    for line in lines(raw):
        row = json.loads(json.loads(line))
        yield http(*(convert(row[name]) for convert, name in zip(TO, PLAIN, strict=True)))


TO: tuple[Callable[..., object], ...] = (any_time, str, str, str)


def graphql(raw: bytes) -> Found:
    for zone in json.loads(raw)["data"]["viewer"]["zones"]:
        for row in zone["httpRequestsAdaptive"]:
            yield http(
                iso(row["datetime"]), row["clientRequestHTTPMethodName"], row["clientRequestPath"],
                row["edgeResponseStatus"], row["clientRequestHTTPHost"],
            )  # fmt: skip


def hub(raw: bytes) -> Found:
    for row in objects(raw):
        said = row["properties"]
        yield http(iso(row["time"]), said["httpMethod"], said["requestUri"], said["httpStatusCode"])


def flows(raw: bytes) -> Found:
    for row in each(raw):
        said = dug(row, "flow", "l7", "http")
        yield http(iso(row["time"]), said["method"], said["url"], said["code"])


def runner(raw: bytes) -> Found:
    for line in lines(raw):
        if found := re.search(rf"^(\S+) .*{REQUEST} (\d+)", line):
            yield http(iso(found[1]), found["method"], found["url"], found[4])


KINDS: independent.Kinds = [
    (r"^logpush-ended", ENDED),
    (r"^w3c", tabbed),
    (r"^oci-load-balancer", balancer),
    (r"^azure-blob", blobs),
    (r"^pomerium", pomerium),
    (r"^nginx-proxy-manager", matched(
        rf'{EDGE} .*(?P<status>\d{{3}}) - (?P<method>[A-Z]+) \S+ (?P<host>\S+) "(?P<url>[^"]+)"',
        any_time)),
    (r"^oauth2-proxy", matched(
        r'\[(?P<time>[^\]]+)\] (?P<host>\S+) (?P<method>[A-Z]+) \S+ "(?P<url>[^"]+)" \S+ "[^"]*"'
        r" (?P<status>\d+)", lambda text: when(text, "%Y/%m/%d %H:%M:%S"))),
    (r"^lighttpd", matched(
        rf"^\S+ (?P<host>\S+) \S+ {EDGE} {ASKED} (?P<status>\d+)", any_time)),
    (r"^morgan", matched(
        r"^(?P<time>\S+): (?P<method>[A-Z]+) (?P<url>\S+) (?P<status>\d+)", iso)),
    (r"^ibm-object-store", stored),
    (r"^webcachesim", numbered),
    (r"^cdn77", fields("timestamp", "clientRequestMethod", "clientRequestURI", "responseStatus",
                       "clientRequestHost")),
    (r"^vpc-lattice", fields("startTime", "requestMethod", "requestPath", "responseCode",
                             "hostHeader")),
    (r"^app-engine", fields("timestamp", "protoPayload.method", "protoPayload.resource",
                            "protoPayload.status", "protoPayload.host")),
    (r"^hubble", flows),
    (r"^linkerd", fields("timestamp", "method", "uri", "status", "host")),
    (r"^cloudwatch-subscription", subscription),
    (r"^string-lines", twice),
    (r"^github-actions", runner),
    (r"^firehose", fields(*PLAIN)),
    (r"^cloudflare-graphql", graphql),
    (r"^event-hub", hub),
]  # fmt: skip
