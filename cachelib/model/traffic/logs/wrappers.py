"""What log collectors put around a line: Docker, Kubernetes, syslog, journald, Loki."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

SYSLOG_HOST = r"\S+ [\w.@/-]+(?:\[\d+\])?: +"


@dataclass(frozen=True)
class Wrapper:
    """`prefix` (RE2) is cut off; a wrapper without one is a JSON object with `field` inside.

    `beside`: the fields that show that it is one. `time`: when the line was collected, for lines
    that have no time of their own: a group of `prefix`, or a field. `anywhere`: it may stand more
    than once, and within the line.
    """

    name: str
    prefix: str = ""
    field: str = ""
    beside: frozenset[str] = frozenset()
    time: str = ""
    anywhere: bool = False

    def inner(self, line: str) -> str | None:
        """What is inside of a line, or None where the line is not wrapped so."""
        if self.anywhere:
            return re.sub(self.prefix, "", line)
        if self.prefix:
            found = re.match(self.prefix, line)
            return line[found.end() :] if found else None
        event = as_object(line)
        if event is None or not self.beside <= event.keys():
            return None
        inside = event.get(self.field)
        return inside if isinstance(inside, str) else None

    def sql(self, text: str) -> str:
        if self.prefix:
            how = ", 'g'" if self.anywhere else ""
            return f"regexp_replace({text}, '{self.prefix}', ''{how})"
        return f"try(json_extract_string({text}, '{_path(self.field)}'))"

    def time_sql(self, text: str) -> str:
        """When a line was collected, NULL where nothing says so; empty where none ever does."""
        if not self.time:
            return ""
        if self.prefix:
            return f"nullif(regexp_extract({text}, '{self.prefix}', 1), '')"
        return f"try(json_extract_string({text}, '{_path(self.time)}'))"


def _path(field: str) -> str:
    return field if field.startswith("$") else f"$.{field}"


COLLECTED = "(time of collection)"
"""The column of the time that a wrapper has."""
STAMP = r"\d{4}-\d\d-\d\dT\S+"
WRAPPERS = (
    Wrapper("Docker", field="log", beside=frozenset({"stream", "time"}), time="time"),
    Wrapper("Fluent Bit", field="log", beside=frozenset({"kubernetes"})),
    Wrapper(
        "journald", field="MESSAGE", beside=frozenset({"__REALTIME_TIMESTAMP"}),
        time="__REALTIME_TIMESTAMP",
    ),
    Wrapper("Loki", field="line", beside=frozenset({"labels", "timestamp"}), time="timestamp"),
    Wrapper("Kubernetes", rf"^({STAMP}) (?:stdout|stderr) [FP](?::\S+)? ", time="before it"),
    Wrapper(  # without structured data as Heroku writes it
        "syslog (RFC 5424)",
        r"^(?:\d+ )?<\d+>1 (\S+) \S+ \S+ \S+ \S+ (?:(?:-|(?:\[[^\]]*\])+) )?",
        time="before it",
    ),
    Wrapper(  # whose times have no year
        "syslog", r"^(?:<\d+>)?[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)? " + SYSLOG_HOST
    ),
    Wrapper("syslog (ISO times)", rf"^(?:<\d+>)?({STAMP}) " + SYSLOG_HOST, time="before it"),
    Wrapper("kubectl", r"^\[pod/\S+\] "),
    Wrapper(
        "Ruby", rf"^[DIWEFA], \[({STAMP}) #\d+\] +[A-Z]+ -- [^:]*: (?:\[[^\]]*\] )*",
        time="before it",
    ),
)  # fmt: skip
COLOURS = Wrapper("a terminal's colours", r"\x1b\[[\d;]*[A-Za-z]", anywhere=True)
DATE = r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[-+]\d\d:?\d\d)?"
BEFORE_LINES = Wrapper("a time before each line", rf"^({DATE}):? +", time="before it")
"""For lines that are nothing else: as pm2, `docker logs -t` and GitHub's runners write it."""
BEFORE_PAIRS = Wrapper("a time before pairs", rf"^({DATE}) ", time="before it")
BEFORE_JSON = Wrapper("text before JSON", rf"^(?:({DATE})\b)?[^{{]*", time="before it")
"""For lines that are nothing else: as Go's zap writes them to a terminal, or with a prefix that a
job of Logpush was given."""

HOLDING = (
    "message",
    "@message",
    "log",
    "textpayload",
    "_raw",
    "original",
    "msg",
    "body",
    "stringvalue",
    "line",
    "short_message",
    "full_message",
)
"""Fields in which collectors keep a line as it was: Filebeat and Logstash, CloudWatch Logs, Google
Cloud Logging, Splunk, Elastic's event.original, OpenTelemetry, Loki, Graylog."""


def unwrap(lines: list[str]) -> tuple[list[str], tuple[Wrapper, ...]]:
    """The lines as they were before they were collected, and by what they were wrapped."""
    lines, used = _colourless(lines, [])
    while len(used) < 3:
        for wrapper in WRAPPERS:
            inner = [text for line in lines if (text := wrapper.inner(line)) is not None]
            if lines and 2 * len(inner) > len(lines):
                lines, used = _colourless([t.rstrip("\r\n") for t in inner], [*used, wrapper])
                break
        else:
            break
    return lines, tuple(used)


def _colourless(lines: list[str], used: list[Wrapper]) -> tuple[list[str], list[Wrapper]]:
    if 2 * sum("\x1b[" in line for line in lines) <= len(lines):
        return lines, used  # one that stands in a URL is a part of it
    return [re.sub(COLOURS.prefix, "", line) for line in lines], [*used, COLOURS]


def as_object(line: str) -> dict[str, Any] | None:
    """A line as a JSON object."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None
