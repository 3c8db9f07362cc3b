"""Rows of text whose fields a delimiter parts: CSV, TSV, W3C extended logs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from cachelib.model.traffic.logs.framing import (
    PLACE,
    Integers,
    blank,
    counting,
    is_text,
    places_of,
)
from cachelib.model.traffic.logs.source import MAX_LINE, LogError, blocks, text_of

QUOTED_LINES = 200  # over how many lines a quoted field may go
OPENING = 200  # lines among which the header is
SEPARATOR = re.compile(r'"?sep=(.)"?', re.I)
"""The line from which Excel takes a table's delimiter; what is in it is no row."""
ALIGNED = "  "
"""Two blanks or more, as of tables whose columns are made to stand below each other."""
RULE = re.compile(r"[+|\-=:\s]*-{3}[+|\-=:\s]*|\(\d+ rows?\)")
MAY_BE_BLANK = re.compile(rb"(?:^|\n)\s")
COLOUR = re.compile(rb"\x1b\[[\d;]*[A-Za-z]")
DATUM = re.compile(r"[-+]?\d+([.,]\d+)?|\d{4}-\d\d-\d\d[T ].*|/.*|https?://.*")


@dataclass(frozen=True)
class Delimited:
    """How rows of text are cut into named columns.

    `names` are those of the first file; each file with a header of its own may have them in
    another order. `directives`: lines with # are the header (W3C, Zeek), or comments. `spaced`:
    blanks around a cell are none of it. `coloured`: it has a terminal's colours.
    """

    delimiter: str
    names: tuple[str, ...]
    header: bool = True
    quote: str = '"'
    directives: bool = False
    spaced: bool = False
    coloured: bool = False

    def cells(self, row: str) -> list[str]:
        """What stands in the columns of one line, as far as it can be told from it alone."""
        if self.quote and (found := _cells(row, self.delimiter, self.quote, spaced=self.spaced)):
            return found
        return [cell.strip('"') for cell in parts(row, self.delimiter)]

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([*PLACE, *((name, pa.string()) for name in self.names)])


def delimited(files: list[Path], shape: Delimited) -> Iterator[pa.RecordBatch]:
    """Rows of CSV, TSV and the like; a stray quote costs its own row and no other."""
    for number, path in enumerate(files):
        yield from _Rows(number, shape).read(path)


def parts(text: str, delimiter: str) -> list[str]:
    """What stands between the delimiters, whatever is in quotes."""
    if delimiter == " ":
        return _words(text)
    return re.split(" {2,}", text.strip()) if delimiter == ALIGNED else text.split(delimiter)


def quote_of(lines: Sequence[str], delimiter: str) -> str:
    """What cells are put in: single quotes where most rows have a cell in such, and none other."""
    if delimiter in ("\t", ALIGNED):
        return ""
    between = re.escape(delimiter)
    single = re.compile(rf"(^|{between})'([^']|'')*'({between}|$)")
    double = re.compile(rf'(^|{between})"')
    rows = lines[1:] or lines  # a header may be bare
    in_single = sum(bool(single.search(row)) and not double.search(row) for row in rows)
    return "'" if 2 * in_single > len(rows) else '"'


def header_of(line: str, delimiter: str, *, quote: str) -> list[str]:
    """The names in a header, each once: a second `a` is `a3` where it is the fourth column."""
    line = line.lstrip("\ufeff").rstrip("\r\n")
    if line.startswith("#"):
        line = line[1:].lstrip()
    if delimiter == " ":
        names = line.split()
    else:
        names = (_cells(line, delimiter, quote) if quote else None) or parts(line, delimiter)
    return numbered([name.strip() for name in names])


def header_at(lines: Sequence[str], delimiter: str) -> int:
    """Which of a table's first lines names its columns: comments may stand before it.

    Where rows follow the comments at once, the last of these is the header.
    """
    at = next((n for n, line in enumerate(lines) if not is_comment(line)), 0)
    before = lines[at - 1] if at else ""
    if before.startswith("#") and is_data(cells := header_of(lines[at], delimiter, quote='"')):
        named = header_of(before, delimiter, quote='"')
        return at - 1 if len(named) == len(cells) else at
    return at


def is_comment(line: str) -> bool:
    """Whether a line before a table is none of its own."""
    plain = line.lstrip("\ufeff").strip()
    return (
        not plain
        or plain.startswith("#")
        or is_rule(plain)
        or SEPARATOR.fullmatch(plain) is not None
    )


def is_rule(line: str) -> bool:
    """Whether a line is drawn, as below the header of a table that is meant for people."""
    return RULE.fullmatch(line.strip()) is not None


def is_spaced(header: str, delimiter: str) -> bool:
    """Whether a blank follows each delimiter of a header."""
    if delimiter in ("\t", ALIGNED):
        return delimiter == ALIGNED
    return all(not cell or cell[0] == " " for cell in header.rstrip().split(delimiter)[1:])


def is_data(cells: Sequence[str]) -> bool:
    """Whether cells are values, and so no names of columns."""
    return any(DATUM.fullmatch(cell) for cell in cells)


def asked_for_names(path: Path, cells: Sequence[str]) -> None:
    """A first line of data is no header: somebody has to say what the columns are."""
    if is_data(cells):
        raise LogError(
            f"{path}: its first line is no header ({', '.join(cells)[:120]}). Name the"
            f" {len(cells)} columns with --fields (log.fields), as in --fields"
            " EdgeStartTimestamp,ClientRequestURI,EdgeColoCode"
        )


def numbered(names: list[str]) -> list[str]:
    seen = [name.lower() for name in names]
    return [
        name if name and name.lower() not in seen[:i] else f"{name or 'column'}{i}"
        for i, name in enumerate(names)
    ]


class _Rows:
    def __init__(self, number: int, shape: Delimited) -> None:
        self.number, self.shape = number, shape
        self.names = list(shape.names)
        self.is_begun = shape.directives
        self.rest: list[bytes] = []  # lines of a quoted field that has not ended
        self.line = 1

    def read(self, path: Path) -> Iterator[pa.RecordBatch]:
        for block in blocks(path):
            yield from self._block(COLOUR.sub(b"", block) if self.shape.coloured else block)
        if self.rest:
            yield from self._slow(b"", last=True)

    def _block(self, block: bytes) -> Iterator[pa.RecordBatch]:
        if not self.is_begun:
            self.is_begun = True
            block = self._begun(block)
            if not block:
                return
        batch = None if self.rest else self._fast(block)
        if batch is None:
            yield from self._slow(block)
        else:
            self.line += block.count(b"\n")
            yield batch

    def _begun(self, block: bytes) -> bytes:
        """What follows the header of a file, which need not have one if an earlier file does."""
        shape = self.shape
        *whole, rest = block.split(b"\n", OPENING)
        lines = [text_of(line).rstrip("\r") for line in whole]
        if not shape.header:
            at = int(SEPARATOR.fullmatch(lines[0].lstrip("\ufeff")) is not None)
        else:
            at = header_at(lines, shape.delimiter)
            names = header_of(lines[at], shape.delimiter, quote=shape.quote)
            if not (is_data(names) and len(names) == len(shape.names)):
                self.names = names
                at += 1
        self.line += at
        return b"\n".join([*whole[at:], rest])

    def _fast(self, block: bytes) -> pa.RecordBatch | None:
        """By the database's fast reader, if every line is a whole row of the right length."""
        shape = self.shape
        if shape.directives or shape.spaced or len(self.names) < 2 or not is_text(block):
            return None
        if shape.quote and not _balanced(block, shape.quote):
            return None
        try:
            table = pyarrow.csv.read_csv(
                pa.BufferReader(block),
                read_options=pyarrow.csv.ReadOptions(
                    column_names=self.names, use_threads=False, block_size=len(block) + 1
                ),
                parse_options=pyarrow.csv.ParseOptions(
                    delimiter=shape.delimiter,
                    quote_char=shape.quote or False,
                    ignore_empty_lines=False,
                ),
                convert_options=pyarrow.csv.ConvertOptions(
                    column_types=dict.fromkeys(self.names, pa.string()),
                    strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid:
            return None
        if len(table) != block.count(b"\n"):
            return None
        columns = {
            name: table[name].combine_chunks() if len(table) else pa.array([], pa.string())
            for name in table.column_names
        }
        heads = pa.array([mark + name for name in self.names for mark in ("", "\ufeff")])
        if pc.any(pc.is_in(columns[self.names[0]], heads)).as_py():
            return None  # where tables were put one after another, each has its header
        batch = self._batch(counting(self.line, len(table)), None, columns)
        return batch.filter(pa.array(~_blank(block))) if MAY_BE_BLANK.search(block) else batch

    def _slow(self, block: bytes, *, last: bool = False) -> Iterator[pa.RecordBatch]:
        """Row by row: a quoted field may go over lines, what does not fit is a bad row."""
        raw = self.rest + (block[:-1].split(b"\n") if block else [])
        self.rest = []
        rows: list[tuple[int, list[str], str | None]] = []
        at = 0
        while at < len(raw):
            text = text_of(raw[at]).rstrip("\r")
            if self.shape.directives and text.startswith("#"):
                if text[:8].lower() in ("#fields:", "#fields\t"):
                    if rows:
                        yield self._of(rows)
                        rows = []
                    self.names = header_of(text[8:].strip(), " ", quote="")
                at += 1
                self.line += 1
                continue
            if not text.strip() or (self.shape.spaced and is_rule(text)):
                at += 1
                self.line += 1
                continue
            fields, taken = self._row(raw, at, last)
            if not taken:
                self.rest = raw[at:]
                break
            if fields is not None and self._is_header_again(fields):
                if rows:
                    yield self._of(rows)
                    rows = []
                self.names = numbered([name.lstrip("\ufeff").strip() for name in fields])
                at += taken
                self.line += taken
                continue
            reason = None
            if fields is None:
                reason = "a quote that is not closed"
            elif len(fields) == len(self.names) + 1 and not fields[-1]:
                fields = fields[:-1]  # a delimiter at the end of each row, and none in the header
            elif len(fields) != len(self.names):
                reason = f"{len(fields)} fields where the header has {len(self.names)}"
            rows.append((self.line, fields or [], reason))
            at += taken
            self.line += taken
        if rows:
            yield self._of(rows)

    def _is_header_again(self, fields: list[str]) -> bool:
        """Whether a row has the columns' names, in whatever order."""
        if not self.shape.header or self.shape.directives or len(fields) != len(self.names):
            return False
        own = sorted(name.lower() for name in self.names)
        return sorted(cell.lstrip("\ufeff").strip().lower() for cell in fields) == own

    def _row(self, raw: list[bytes], at: int, last: bool) -> tuple[list[str] | None, int]:
        """The fields of the row that begins at a line, and how many lines it takes; 0: unknown."""
        shape = self.shape
        text = text_of(raw[at]).rstrip("\r")
        if not shape.quote:
            return parts(text, shape.delimiter), 1
        joined = text
        for taken in range(1, QUOTED_LINES + 1):
            fields = _cells(joined, shape.delimiter, shape.quote, spaced=shape.spaced)
            if fields is not None and (taken == 1 or len(fields) == len(self.names)):
                return fields, taken
            if fields is not None or len(joined) > MAX_LINE:
                return None, 1
            if at + taken >= len(raw):
                return (None, 1) if last else (None, 0)
            joined += "\n" + text_of(raw[at + taken]).rstrip("\r")
        return None, 1

    def _of(self, rows: list[tuple[int, list[str], str | None]]) -> pa.RecordBatch:
        good = [fields if reason is None else [""] * len(self.names) for _, fields, reason in rows]
        columns = {
            name: pa.array([fields[i] for fields in good], pa.string())
            for i, name in enumerate(self.names)
        }
        places = np.array([line for line, _, _ in rows], np.int64)
        return self._batch(places, [reason for _, _, reason in rows], columns)

    def _batch(
        self, places: Integers, bad: list[str | None] | None, columns: dict[str, pa.Array]
    ) -> pa.RecordBatch:
        known = {name.lower(): column for name, column in columns.items()}
        missing = pa.nulls(len(places), pa.string())
        ordered = [known.get(name.lower(), missing) for name in self.shape.names]
        return pa.RecordBatch.from_arrays(
            [*places_of(self.number, places, bad), *ordered], schema=self.shape.schema
        )


def _blank(block: bytes) -> npt.NDArray[np.bool_]:
    """Which of the lines have nothing in them."""
    raw = np.frombuffer(block, np.uint8)
    return blank(raw, np.concatenate([[0], np.flatnonzero(raw == ord("\n")) + 1]))


def _balanced(block: bytes, quote: str) -> bool:
    """Whether every line has an even number of quotes."""
    raw = np.frombuffer(block, np.uint8)
    quotes = np.flatnonzero(raw == ord(quote))
    if not len(quotes):
        return True
    ends = np.flatnonzero(raw == ord("\n"))
    return not (np.searchsorted(quotes, ends) % 2).any()


def _words(text: str) -> list[str]:
    """What blanks part, but for those within quotes (W3C, 1996)."""
    if '"' not in text:
        return text.split()
    return [word.strip('"') for word in re.findall(r'(?:^|(?<=\s))"[^"]*"(?=\s|$)|\S+', text)]


def _cells(text: str, delimiter: str, quote: str, *, spaced: bool = False) -> list[str] | None:
    """The fields of one row, or None where a quoted field does not end."""
    cells: list[str] = []
    at, n = 0, len(text)
    while True:
        while spaced and at < n and text[at] == " ":
            at += 1
        if at < n and text[at] == quote:
            cell, at = _quoted(text, at + 1, quote)
            if cell is None:
                return None
            stop = text.find(delimiter, at)
            stop = n if stop < 0 else stop
            cells.append(cell + (text[at:stop].rstrip() if spaced else text[at:stop]))
        else:
            stop = text.find(delimiter, at)
            stop = n if stop < 0 else stop
            cells.append(text[at:stop].rstrip() if spaced else text[at:stop])
        if stop >= n:
            return cells
        at = stop + 1


def _quoted(text: str, at: int, quote: str) -> tuple[str | None, int]:
    pieces: list[str] = []
    while True:
        stop = text.find(quote, at)
        if stop < 0:
            return None, at
        pieces.append(text[at:stop])
        if text[stop + 1 : stop + 2] != quote:
            return "".join(pieces), stop + 1
        pieces.append(quote)
        at = stop + 2
