"""Lines of pairs: name=value (logfmt, brandur.org/logfmt), and with tabs name:value (ltsv.org)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cachelib.model.traffic.logs.requests import quoted

FEWEST = 3
"""Pairs below which a line is rather a sentence with an equals sign in it."""


@dataclass(frozen=True)
class Pairs:
    """`before` a pair, `between` name and value, and a `value`, as RE2 has it."""

    title: str
    before: str
    between: str
    value: str

    def of(self, line: str) -> dict[str, str]:
        """The pairs of a line; the first of a name counts."""
        found: dict[str, str] = {}
        pattern = rf"(?:^|{self.before})([A-Za-z_][\w.\-]*){self.between}{self.value}"
        for name, value in re.findall(pattern, line):
            found.setdefault(name, value.strip('"'))
        return found

    def sql(self, name: str) -> str:
        """SQL for the value of a name in `_inner`, NULL where it is not there or empty."""
        pattern = f"(?:^|{self.before})" + re.escape(name) + self.between + self.value
        return f"nullif(trim(regexp_extract(_inner, {quoted(pattern)}, 1), '\"'), '')"


LOGFMT = Pairs("name=value", " ", "=", r'("(?:[^"\\]|\\.)*"|[^ "\t\r\n]*)')
KINDS = (
    Pairs("name:value with tabs (LTSV)", r"\t", ":", r"([^\t\r\n]*)"),
    Pairs("name=value with tabs (TSKV)", r"\t", "=", r"([^\t\r\n]*)"),
    LOGFMT,
)
