"""Request logs as traces: Common/Combined Log Format and Cloudflare Logpush, plain or gzipped."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from cachelib.edge.trace import READ, Skipped, Trace

MAX_LINE = 1 << 20
CLF = re.compile(
    r'\S+ \S+ [^\[]{0,256}\[(?P<time>[^\]]{20,32})\] "[A-Z]{1,16} (?P<url>[^"]*?)'
    r'(?: HTTP/[\d.]+)?" \d{3} (?P<size>\d+|-)'
)

Row = tuple[float, str, str, int]
"""Time in seconds, key, colo, bytes."""


class LogError(ValueError):
    """A log that cannot be used, with the file and the reason."""


def read_log(path: Path) -> Trace:
    """The requests of a log, sorted by time; lines that are none are counted in `skipped`.

    Every request is a read of the key that is its URL as logged, whatever its HTTP method.
    """
    rows, lines, bad, first, reason = [], 0, 0, None, ""
    parse: Callable[[str], Row] | None = None
    try:
        for lines, line in enumerate(_lines(path), 1):
            parse = parse or _parser(line)
            try:
                rows.append(parse(line))
            except (ValueError, KeyError, TypeError) as error:
                bad += 1
                if first is None:
                    first, reason = lines, str(error)
    except (OSError, EOFError) as error:
        raise LogError(f"{path}: {error}") from error
    if not rows:
        what = f"none of its {lines} lines is a request" if lines else "the file is empty"
        raise LogError(f"{path}: {what}; expected a Common/Combined Log or Logpush NDJSON")
    return _trace(rows, Skipped(bad, first, reason))


def _lines(path: Path) -> Iterator[str]:
    with path.open("rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        with gzip.open(raw) if zipped else raw as source:
            while line := source.readline(MAX_LINE):
                if len(line) == MAX_LINE and not line.endswith(b"\n"):
                    while (rest := source.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                        pass
                    yield ""
                else:
                    yield line.decode("utf-8", "replace")


def _parser(line: str) -> Callable[[str], Row]:
    return _logpush if line.lstrip().startswith("{") else _common


def _common(line: str) -> Row:
    match = CLF.match(line)
    if match is None:
        raise ValueError("not a line of Common Log Format")
    time, url, size = match.group("time", "url", "size")
    when = datetime.strptime(time, "%d/%b/%Y:%H:%M:%S %z").timestamp()
    return when, url, "", int(size) if size != "-" else 0


def _logpush(line: str) -> Row:
    event: dict[str, Any] = json.loads(line)
    return (
        _logpush_time(event["EdgeStartTimestamp"]),
        str(event["ClientRequestURI"]),
        str(event.get("EdgeColoCode", "")),
        int(event.get("EdgeResponseBytes", 0)),
    )


def _logpush_time(stamp: str | int) -> float:
    """Logpush writes RFC 3339, Unix seconds or Unix nanoseconds, as its job is configured."""
    if isinstance(stamp, str):
        return datetime.fromisoformat(stamp).astimezone(UTC).timestamp()
    return stamp / 1e9 if stamp > 1e14 else float(stamp)


def _trace(rows: list[Row], skipped: Skipped) -> Trace:
    rows.sort(key=lambda row: row[0])
    times, urls, places, sizes = zip(*rows, strict=True)
    keys, colos = list(dict.fromkeys(urls)), list(dict.fromkeys(places))
    key_code = {key: code for code, key in enumerate(keys)}
    colo_code = {colo: code for code, colo in enumerate(colos)}
    return Trace(
        time_s=np.array(times),
        key=np.array([key_code[url] for url in urls], np.int32),
        colo=np.array([colo_code[place] for place in places], np.int16),
        op=np.full(len(rows), READ, np.uint8),
        size=np.array(sizes, np.int32),
        keys=keys,
        colos=colos,
        skipped=skipped,
    )
