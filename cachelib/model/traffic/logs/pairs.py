"""Lines of name=value, as many Go programs and Heroku write them (logfmt, brandur.org/logfmt)."""

from __future__ import annotations

import re

from cachelib.model.traffic.logs.requests import quoted

FEWEST = 3
"""Pairs below which a line is rather a sentence with an equals sign in it."""
VALUE = r'("(?:[^"\\]|\\.)*"|[^ "]*)'
PAIR = re.compile(r"(?:^| )([A-Za-z_][\w.\-]*)=" + VALUE)


def of(line: str) -> dict[str, str]:
    """The pairs of a line; the first of a name counts."""
    found: dict[str, str] = {}
    for name, value in PAIR.findall(line):
        found.setdefault(name, value.strip('"'))
    return found


def sql(name: str) -> str:
    """SQL for the value of a name in `_inner`, NULL where it is not there or empty."""
    pattern = "(?:^| )" + re.escape(name) + "=" + VALUE
    return f"nullif(trim(regexp_extract(_inner, {quoted(pattern)}, 1), '\"'), '')"
