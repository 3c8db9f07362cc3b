"""A log as DuckDB sees it: a relation with `_file`, `_line`, `_bad` and the columns of the log."""

# ruff: noqa: S608 - what is put into the SQL are this package's own constants and quoted names

from __future__ import annotations

import csv
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfileobj

import duckdb
import pyarrow as pa

from cachelib.model.traffic.logs.formats import BINARY, JSON, TABLE_NAMES, TEXT, Format
from cachelib.model.traffic.logs.source import (
    DAMAGED,
    LINES,
    first_line,
    line_batches,
    open_stream,
    record_batches,
)

Rejects = Callable[[], list[tuple[int, int, str]]]


@dataclass
class Relation:
    """SQL to select from, the names it offers, and what a request is by default."""

    sql: str
    columns: list[str]
    request: Mapping[str, str]
    check: str = "NULL"
    rejects: Rejects = list
    fault: BaseException | None = None
    """What a producer of rows raised; DuckDB passes on no more than its text."""

    def watch(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        try:
            yield from batches
        except DAMAGED as error:
            self.fault = error
            raise


def relation(
    db: duckdb.DuckDBPyConnection,
    log: Format,
    found: list[Path],
    *,
    header: bool,
    wanted: str,
    stack: ExitStack,
) -> Relation:
    """`wanted` is the text of all expressions: of a JSON log, only what they name is extracted."""
    if isinstance(log, BINARY):
        return _records(db, log, found)
    if isinstance(log, JSON | TEXT):
        return _lines(db, log, found, wanted)
    plain = [_plain(path, stack) for path in found]
    return _parquet(db, plain) if log.name == "parquet" else _csv(db, plain, log.delimiter, header)


def _lines(
    db: duckdb.DuckDBPyConnection, log: TEXT | JSON, found: list[Path], wanted: str
) -> Relation:
    source, columns = "lines", log.columns
    if isinstance(log, JSON):
        source, columns = _extracted(log, f"{wanted} {log.check} {' '.join(log.request.values())}")
    elif log.pattern:
        groups = ", ".join(f"'{name}'" for name in log.groups)
        source = f"(SELECT *, regexp_extract(text, '{log.pattern}', [{groups}]) AS r FROM lines)"
    named = "".join(f', {sql} AS "{name}"' for name, sql in columns.items())
    made = Relation(f"(SELECT *{named} FROM {source})", list(log.columns), log.request, log.check)
    reader = pa.RecordBatchReader.from_batches(LINES, made.watch(line_batches(found)))
    db.register("lines", reader)
    return made


def _extracted(log: JSON, wanted: str) -> tuple[str, dict[str, str]]:
    used = [name for name in log.columns if re.search(rf"\b{name}\b", wanted, re.I)]
    paths = [log.paths.get(name, f"$.{name}") for name in used]
    columns = {name: log.columns[name].format(f"r[{i}]") for i, name in enumerate(used, 1)}
    extract = f"try(json_extract_string(text, {paths}))"
    return f"(SELECT *, {extract} AS r FROM lines)", columns


def _records(db: duckdb.DuckDBPyConnection, log: BINARY, found: list[Path]) -> Relation:
    names = list(log.dtype.names or ())
    made = Relation("(SELECT *, NULL AS _bad FROM records)", names, log.request)
    fields = [(n, pa.from_numpy_dtype(log.dtype[n].newbyteorder("="))) for n in names]
    schema = pa.schema([("_file", pa.int32()), ("_line", pa.int64()), *fields])
    batches = made.watch(record_batches(found, log.dtype))
    db.register("records", pa.RecordBatchReader.from_batches(schema, batches))
    return made


def _parquet(db: duckdb.DuckDBPyConnection, paths: list[str]) -> Relation:
    source = f"read_parquet({_listed(paths)}, filename = true, file_row_number = true)"
    return _table(db, paths, source, "file_row_number + 1")


def _csv(db: duckdb.DuckDBPyConnection, paths: list[str], delimiter: str, header: bool) -> Relation:
    names = _header(Path(paths[0]), delimiter, header)
    columns = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in names)
    source = (
        f"read_csv({_listed(paths)}, auto_detect = false, compression = 'none',"
        f" columns = {{{columns}}},"
        f" delim = '{delimiter}', quote = '\"', escape = '\"', header = {header},"
        " filename = true, store_rejects = true)"
    )
    made = _table(db, paths, source, f"row_number() OVER () + {int(header)}")

    def rejects() -> list[tuple[int, int, str]]:
        found = db.execute(
            "SELECT file_path, line, any_value(error_message) FROM reject_errors"
            " JOIN reject_scans USING (scan_id, file_id) GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        return [(paths.index(path), line, reason) for path, line, reason in found]

    made.rejects = rejects
    return made


def _header(path: Path, delimiter: str, header: bool) -> list[str]:
    first = next(csv.reader([first_line(path).decode(errors="replace")], delimiter=delimiter), [])
    names = first if header else [""] * len(first)
    return [
        name if name and name not in names[:i] else f"{name or 'column'}{i}"
        for i, name in enumerate(names)
    ]


def quoted(text: str) -> str:
    """As a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def _listed(texts: list[str]) -> str:
    return "[" + ", ".join(map(quoted, texts)) + "]"


def _table(db: duckdb.DuckDBPyConnection, paths: list[str], source: str, line: str) -> Relation:
    db.execute(f"SET allowed_paths = {_listed(paths)}")
    columns = [
        c
        for c in db.sql(f"SELECT * FROM {source} LIMIT 0").columns
        if c not in ("filename", "file_row_number")
    ]
    place = f"list_position({_listed(paths)}, filename) - 1 AS _file, {line} AS _line, NULL AS _bad"
    return Relation(f"(SELECT *, {place} FROM {source})", columns, _known(columns))


def _known(columns: list[str]) -> dict[str, str]:
    """The columns of a table that are recognised by their names."""
    present = {c.lower(): c for c in columns}
    return {
        what: '"' + present[name].replace('"', '""') + '"'
        for what, names in TABLE_NAMES.items()
        for name in reversed(names)
        if name in present
    }


def _plain(path: Path, stack: ExitStack) -> str:
    """A file DuckDB may read: decompressed here, for it takes a cut zstd file for a whole one."""
    stream = stack.enter_context(open_stream(path))
    if type(stream).__name__ == "BufferedReader":
        return str(path.resolve())
    copy = stack.enter_context(tempfile.NamedTemporaryFile())  # noqa: SIM115
    copyfileobj(stream, copy)
    copy.flush()
    return copy.name
