"""By which delimiter a table is cut: the one under which there are columns that somebody named."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs.delimited import (
    ALIGNED,
    SEPARATOR,
    header_at,
    header_of,
    is_rule,
    parts,
    quote_of,
)

DELIMITERS = ("\t", ",", ";", "|", "^", "\x01", ALIGNED)
TITLES = {"\t": "tabs", ",": "commas", ";": "semicolons", ALIGNED: "blanks"}


@dataclass(frozen=True)
class Parting:
    """The first lines of a table, and what is known of it besides."""

    lines: Sequence[str]
    reading: Reading
    suffix: str
    is_known: Callable[[list[str]], bool]
    """Whether some of these names mean something to us."""

    def delimiter(self) -> str | None:
        if self.reading.format == "tsv":
            return "\t"
        if said := SEPARATOR.fullmatch(self.lines[0].lstrip("\ufeff")):
            return said[1]
        return self._by_the_users_names() or self._by_what_it_is_called() or self._by_known_names()

    def table_lines(self, delimiter: str) -> Sequence[str]:
        """The lines from the header on."""
        return self.lines[header_at(self.lines, delimiter) :]

    @property
    def _is_csv(self) -> bool:
        return self.reading.format == "csv" or self.suffix == ".csv"

    def _by_the_users_names(self) -> str | None:
        """What gives most of the user's expressions a column; of several, what cuts lines alike."""
        own = self.reading.expressions.values()

        def named(delimiter: str) -> tuple[int, bool]:
            names = self._names(delimiter)
            found = [any(is_named(name, sql) for name in names) for sql in own]
            return sum(found) if len(names) > 1 else 0, self._is_alike(delimiter)

        best = max(DELIMITERS, key=named)
        return best if named(best)[0] else None

    def _by_what_it_is_called(self) -> str | None:
        """Most of what is called CSV has commas; a spreadsheet in many languages has others."""
        if self.suffix == ".tsv":
            return "\t"
        if not self._is_csv:
            return None
        if "," in self.table_lines(",")[0]:
            return ","
        return self._by_known_names() or next(filter(self._is_alike, DELIMITERS), ",")

    def _by_known_names(self) -> str | None:
        for delimiter in filter(self._is_alike, DELIMITERS):
            if self.reading.fields or self.is_known(self._names(delimiter)):
                return delimiter
        return None

    def _names(self, delimiter: str) -> list[str]:
        lines = self._rows(delimiter)
        return header_of(lines[0], delimiter, quote=quote_of(lines, delimiter))

    def _rows(self, delimiter: str) -> list[str]:
        lines = list(self.table_lines(delimiter))
        return [line for line in lines if not is_rule(line)] or lines

    def _is_alike(self, delimiter: str) -> bool:
        """Whether it parts each of the first lines, into as many cells as the header has."""
        counts = {len(parts(line, delimiter)) for line in self._rows(delimiter)[:20]}
        return min(counts) > 1 and (len(counts) == 1 or bool(self.reading.fields))


def is_named(name: str, sql: str) -> bool:
    """Whether an expression names a column, and not only one whose name this is a part of."""
    return bool(name) and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", sql, re.I) is not None


def parted_otherwise(columns: Sequence[str], name: str) -> str:
    """What a refusal adds where a column is there if another delimiter parts the header."""
    for delimiter in DELIMITERS:
        if any(name.lower() in _cells(column, delimiter) for column in columns):
            what = TITLES.get(delimiter, delimiter)
            return (
                f" Parted by {what} its first line has it: read it without --format (log.format),"
                f" or with the line sep={delimiter.strip(' ')} before all others."
            )
    return ""


def _cells(column: str, delimiter: str) -> list[str]:
    cells = [cell.strip(" \"'").lower() for cell in parts(column, delimiter)]
    return cells if len(cells) > 1 else []
