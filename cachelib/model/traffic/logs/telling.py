"""Which format a log has, told from what is in it; a refusal says what comes nearest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs import framing, pairs
from cachelib.model.traffic.logs.delimited import (
    Delimited,
    asked_for_names,
    delimited,
    header_of,
    is_rule,
    is_spaced,
    numbered,
    quote_of,
)
from cachelib.model.traffic.logs.formats import Format, commonly, formats, seen
from cachelib.model.traffic.logs.json_lists import lists
from cachelib.model.traffic.logs.json_values import values
from cachelib.model.traffic.logs.matching import fitting, groups_of
from cachelib.model.traffic.logs.nesting import envelope, flattened, leaves, nested
from cachelib.model.traffic.logs.partials import runtime_of
from cachelib.model.traffic.logs.parting import TITLES, Parting
from cachelib.model.traffic.logs.patterns import CONTAINERS, named_format
from cachelib.model.traffic.logs.refusing import refusal
from cachelib.model.traffic.logs.rewriting import rewriting
from cachelib.model.traffic.logs.shape import Batches, Shape, within
from cachelib.model.traffic.logs.source import LogError, head, head_lines, text_of
from cachelib.model.traffic.logs.wrappers import (
    BEFORE_JSON,
    BEFORE_LINES,
    BEFORE_PAIRS,
    COLOURS,
    HOLDING,
    Wrapper,
    as_object,
    unwrap,
)

EMPTY_JSON = re.compile(r"\ufeff?\s*(\[\s*(\{\s*\})?\s*\]|\{\s*\})\s*")
COMPRESSED = re.compile(r"\.(gz|xz|zst|zstd|bz2)$", re.I)


def tell(path: Path, reading: Reading, after: Shape | None = None) -> Shape:
    """The shape of a file; raises `LogError` where nothing known fits.

    `after`: the shape of the file before it, whose header may be that of this file, too.
    """
    return _Teller(path, reading, after).shape()


class _Teller:
    def __init__(self, path: Path, reading: Reading, after: Shape | None) -> None:
        self.path, self.reading, self.after = path, reading, after
        self.name = COMPRESSED.sub("", path.name)
        self.lines: list[str] = []
        self.wrapped: tuple[Wrapper, ...] = ()
        self.batches: Batches = framing.lines

    @property
    def wanted(self) -> Format | None:
        """The format that the user named."""
        return named_format(self.reading)

    def shape(self) -> Shape:
        start, wanted = head(self.path), self.wanted
        if not start:
            raise LogError(f"{self.path}: the file is empty")
        if EMPTY_JSON.fullmatch(text_of(start)):
            raise LogError(f"{self.path}: a JSON list or object with nothing in it: it has no row")
        if start.startswith(b"PAR1") or self.reading.format == "parquet":
            return self._parquet()
        binary = wanted if wanted and wanted.kind == "binary" else self._binary(start)
        if binary is not None and (wanted is None or wanted.kind == "binary"):
            return self._records(binary)
        self.lines, self.wrapped = unwrap(self._whole(head_lines(self.path)))
        if not self.lines:
            raise LogError(f"{self.path}: the file is empty")
        if wanted is not None and wanted.kind in ("line", "extents"):
            return self._by_lines(wanted, "as the format given says")
        if self.after is not None and self.after.goes_on(self.lines[0]):
            return self.after
        found = self._fields()
        if found is None and wanted is None:
            found = self._known_lines()
        if found is None:
            found = self._pairs()
        if found is None:
            found = self._table()
        if found is None and wanted is None:
            found = self._by_name() or self._after_a_prefix()
        if found is None:
            raise LogError(refusal(self.path, self.lines))
        return self._inside(found) or found

    def _whole(self, lines: list[str]) -> list[str]:
        """The lines as they were before a container's runtime cut them."""
        runtime = runtime_of(lines)
        if runtime is None:
            return lines
        self.batches = lambda files: runtime.batches(framing.lines(files))
        return runtime.joined(lines)

    def _inside(self, outer: Shape) -> Shape | None:
        """What a field of rows that mean nothing by themselves holds, if it is a log's lines."""
        if outer.format is not None or self.reading.format != "auto" or self.reading.expressions:
            return None
        if outer.container == "parquet":
            return None
        own = self.lines
        for name in leaves(outer.columns):
            values = [value for value in outer.columns[name] if value]
            if name.rpartition(".")[2].lower() not in HOLDING or not values:
                continue
            self.lines, wrapped = unwrap([value.rstrip("\r\n") for value in values])
            objects = [event for line in self.lines if (event := as_object(line)) is not None]
            if len(objects) == len(self.lines):
                inner: Shape | None = self._json(objects, "json", self.batches, "an object a line")
            else:
                inner = self._known_lines()
            if inner is not None and (inner.format or "key" in commonly(leaves(inner.columns))):
                return within(outer, name, replace(inner, wrapped=wrapped))
        self.lines = own
        return None

    # Binary and Parquet

    def _binary(self, start: bytes) -> Format | None:
        for known in formats().values():
            by_name = known.file and re.search(known.file, self.name, re.I)
            by_magic = known.magic and start.hex().startswith(known.magic)
            if known.kind == "binary" and (by_name or by_magic):
                return known
        return None

    def _records(self, known: Format) -> Shape:
        dtype, skip = known.dtype, known.skip
        return Shape(
            known.name, "by its name" if known.file else "by its first bytes", "binary", known,
            framing.record_schema(dtype), lambda files: framing.records(files, dtype, skip),
            {name: [] for name in dtype.names or ()},
        )  # fmt: skip

    def _parquet(self) -> Shape:
        try:
            schema, _ = framing.parquet([self.path])
            columns = framing.parquet_examples(self.path)
        except pa.ArrowException as error:
            raise LogError(f"{self.path}: {error}") from None
        known, why = self._meaning(columns)
        return Shape(
            known.name if known else "parquet", why, "parquet", known, schema,
            lambda files: framing.parquet(files)[1], columns,
        )  # fmt: skip

    # Named fields: JSON, W3C

    def _fields(self) -> Shape | None:
        if self.reading.format in ("csv", "tsv"):
            return None
        if self._comments("#Fields:") or self._comments("#fields\t"):
            return self._w3c()
        start = text_of(head(self.path)).lstrip("\ufeff \t\r\n")
        if not self.wrapped and (anew := rewriting(self.lines, start)) is not None:
            return self._json(anew.objects, "json", anew.batches, anew.title)
        objects = [event for line in self.lines if (event := as_object(line)) is not None]
        indented = any(line[:1] in " \t]}" for line in self.lines)
        if (len(objects) < 2 or indented) and (lists := self._lists(start)) is not None:
            return lists
        enveloped = len(objects) == len(self.lines) and envelope(objects[0]) is not None
        if objects and not enveloped and (2 * len(objects) > len(self.lines) or not indented):
            return self._json(objects, "json", self.batches, "an object a line")
        at = -1 if self.wrapped else start.find("{")
        if at < 0 or (start[0] not in "[{" and self.name.lower()[-5:] != ".json"):
            return None
        nesting, objects = nested(start[at if start[0] not in "[{" else 0 :])
        if not objects:
            return None
        how = "an array" if nesting.brackets else "objects one after another"
        return self._json(objects, "json-values", lambda files: values(files, nesting), how)

    def _json(
        self, objects: list[dict[str, Any]], container: str, batches: Batches, how: str
    ) -> Shape:
        columns: dict[str, list[str]] = {}
        paths: dict[str, str] = {}
        for event in objects:
            for name, path, value in flattened(event):
                columns.setdefault(name, []).append(value)
                paths.setdefault(name, path)
        known, why = self._meaning(columns)
        return Shape(
            known.name if known else "json", f"JSON, {how}; {why}", container, known,
            framing.TEXT, batches, columns, paths, self.wrapped if container == "json" else (),
        )  # fmt: skip

    def _lists(self, start: str) -> Shape | None:
        """Rows that are lists of values."""
        if self.wrapped or start[:1] not in ("[", "{") or not (found := lists(self.lines, start)):
            return None
        known, why = self._meaning(found.columns)
        shape = Shape(
            known.name if known else "json", f"JSON, lists of cells; {why}", found.container, known,
            framing.TEXT, found.batches, found.columns, found.paths,
        )  # fmt: skip
        is_log = known or "key" in commonly(found.names) or self._inside(shape) is not None
        return shape if is_log else None

    def _after_a_prefix(self) -> Shape | None:
        """Lines that end with a JSON object, or have a time before what is no log by itself."""
        inner = [line[line.find("{") :] for line in self.lines if "{" in line]
        objects = [event for line in inner if (event := as_object(line)) is not None]
        if 2 * len(objects) <= len(self.lines):
            return self._after_a_time()
        self.wrapped = (*self.wrapped, BEFORE_JSON)
        return self._json(objects, "json", self.batches, "an object at the end of each line")

    def _after_a_time(self) -> Shape | None:
        inner = [text for line in self.lines if (text := BEFORE_LINES.inner(line)) is not None]
        if 2 * len(inner) <= len(self.lines):
            return None
        own, self.lines, self.wrapped = self.lines, inner, (*self.wrapped, BEFORE_LINES)
        found = self._known_lines()
        self.lines = own  # for a refusal
        return found

    def _comments(self, start: str) -> str | None:
        return next((line for line in self.lines if line.startswith(start)), None)

    def _w3c(self) -> Shape:
        told = self._comments("#Fields:") or str(self._comments("#fields\t"))
        header = told[len("#Fields:") :].strip()
        rows = [line for line in self.lines if not line.startswith("#")]
        delimiter = "\t" if any("\t" in row for row in rows) else " "
        names = header_of(header, " ", quote="")
        shape = Delimited(delimiter, tuple(names), quote="", directives=True)
        return self._delimited(shape, rows, "W3C #Fields")

    def _delimited(self, shape: Delimited, rows: list[str], how: str) -> Shape:
        columns: dict[str, list[str]] = {name: [] for name in shape.names}
        for row in rows:
            for name, cell in zip(shape.names, shape.cells(row), strict=False):
                columns[name].append(cell)
        known, why = self._meaning(columns)
        generic = "tsv" if shape.delimiter == "\t" else "csv"
        return Shape(
            known.name if known else generic, f"{how}; {why}", "delimited", known, shape.schema,
            lambda files: delimited(files, shape), columns, cut=shape,
        )  # fmt: skip

    def _meaning(self, columns: Mapping[str, Any]) -> tuple[Format | None, str]:
        """The named format whose fields are there, the one that needs most first."""
        wanted = self.wanted
        present = set(leaves(columns))
        if wanted is not None and wanted.kind == "fields":
            return wanted, "as the format given says"
        if self.reading.format in CONTAINERS:
            return None, "as the format given says"
        fitting = [
            known
            for known in formats().values()
            if known.kind == "fields" and not known.missing(present)
        ]
        if not fitting:
            return None, "its columns by their common names"
        best = max(fitting, key=lambda known: len(known.needs))
        return best, "it has " + ", ".join(seen(need, present) for need in best.needs)

    # Lines and tables

    def _pairs(self) -> Shape | None:
        """Lines of pairs, such as name=value."""
        if self.reading.format in ("csv", "tsv"):
            return None
        for kind in pairs.KINDS:
            rows = [kind.of(line) for line in self.lines]
            if 2 * sum(len(row) >= pairs.FEWEST for row in rows) > len(rows):
                return self._paired(rows, kind)
        return None

    def _paired(self, rows: list[dict[str, str]], kind: pairs.Pairs) -> Shape:
        columns: dict[str, list[str]] = {}
        for row in rows:
            for name, value in row.items():
                columns.setdefault(name, []).append(value)
        if "time" not in commonly(list(columns)) and BEFORE_PAIRS.inner(self.lines[0]) is not None:
            self.wrapped = (*self.wrapped, BEFORE_PAIRS)
        known, why = self._meaning(columns)
        return Shape(
            known.name if known else "logfmt", f"lines of {kind.title}; {why}", "pairs", known,
            framing.TEXT, self.batches, columns, wrapped=self.wrapped, pairs=kind,
        )  # fmt: skip

    def _known_lines(self) -> Shape | None:
        best, share = None, 0.5
        for known in formats().values():
            if known.kind not in ("line", "extents") or (known.untimed and known.kind == "line"):
                continue
            if known.file and not re.search(known.file, self.name, re.I):
                continue
            matches = sum(fitting(known.regex, self.lines))
            strict = known.regex.endswith("$") or self.name.lower().endswith((".csv", ".tsv"))
            if strict and matches < len(self.lines):
                continue
            if matches / len(self.lines) > share:
                best, share = known, matches / len(self.lines)
        return self._by_lines(best, f"{share:.0%} of its first lines fit") if best else None

    def _by_lines(self, known: Format, why: str) -> Shape:
        if known.kind == "extents":
            return Shape(
                known.name, why, "extents", known, framing.EXTENTS, framing.extents, {"key": []}
            )
        columns: dict[str, list[str]] = {
            name: [] for name in re.findall(r"\(\?P<(\w+)>", known.regex)
        }
        for found in groups_of(known.regex, self.lines) if columns else []:
            for name, value in found.items():
                columns[name].append(value or "")
        return Shape(
            known.name, why, "lines", known, framing.TEXT, self.batches,
            columns | {name: [] for name in known.columns if name not in columns},
            wrapped=self.wrapped,
        )  # fmt: skip

    def _table(self) -> Shape | None:
        parting = Parting(self.lines, self.reading, Path(self.name).suffix.lower(), self._are_known)
        delimiter = parting.delimiter()
        if delimiter is None:
            return None
        lines = parting.table_lines(delimiter)
        quote = quote_of(lines, delimiter)
        first = header_of(lines[0], delimiter, quote=quote)
        if self.reading.fields:
            names = numbered(list(self.reading.fields))
        elif self.reading.header:
            asked_for_names(self.path, first)
            names = first
        else:
            names = [f"column{i}" for i in range(len(first))]
        header = self.reading.header and not self.reading.fields
        shape = Delimited(
            delimiter,
            tuple(names),
            header=header,
            quote=quote,
            spaced=is_spaced(lines[0], delimiter),
            coloured=COLOURS in self.wrapped,
        )
        what = TITLES.get(delimiter, delimiter)
        rows = [line for line in lines[header:] if not is_rule(line)]
        return self._delimited(shape, rows, f"a table with {what}")

    def _are_known(self, names: list[str]) -> bool:
        return bool(commonly(names) or self._meaning({name: [] for name in names})[0])

    def _by_name(self) -> Shape | None:
        keys = formats()["keys"]
        plain = all(len(line.split()) == 1 for line in self.lines)
        if keys.file and re.search(keys.file, self.name, re.I) and plain:
            return self._by_lines(keys, "by its name")
        return None
