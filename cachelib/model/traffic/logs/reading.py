"""Logs to traces: one DuckDB query over any format, its rows coded as columns."""

# ruff: noqa: S608 - the user's expressions are the query; it runs where only the log can be read

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import duckdb

from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs.coding import Coder, joined
from cachelib.model.traffic.logs.formats import FORMATS, Format, tell
from cachelib.model.traffic.logs.relation import Relation, quoted, relation
from cachelib.model.traffic.logs.source import DAMAGED, LogError, files
from cachelib.model.traffic.trace import DELETE, READ, WRITE, Trace

ROWS = 1 << 20
MEMORY = "1GB"  # beyond it the database sorts on disk
Result = TypeVar("Result")
OPS = {
    READ: "read get gets get_lease head",
    WRITE: "write set set_lease put post patch add replace cas append prepend incr decr",
    DELETE: "delete purge",
}


class LogStream:
    """A log in pieces of about `rows` requests, in memory that the log's length leaves alone.

    The pieces share `keys` and `colos`, which grow; `skipped` and `notes` are whole when the last
    piece has come. `sort=True` has DuckDB order the requests by time, on disk if need be;
    otherwise they come as logged.
    """

    def __init__(
        self,
        paths: Path | Sequence[Path],
        reading: Reading | None = None,
        *,
        rows: int = ROWS,
        sort: bool = False,
    ) -> None:
        self.reading = reading or Reading()
        self.rows, self.sort = rows, sort
        self.files = files(paths)
        self._coder = Coder(self.files, self.reading.time_unit, self.reading.requests_per_s)

    def __iter__(self) -> Iterator[Trace]:
        with ExitStack() as stack:
            db = stack.enter_context(duckdb.connect())
            table = self._relation(db, stack)
            try:
                for batch in self._query(db, table).to_arrow_reader(self.rows):
                    if len(piece := self._coder.take(batch)):
                        yield piece
            except (duckdb.Error, *DAMAGED) as error:
                raise self._error(table.fault or error) from None
            self._coder.reject(table.rejects())
        self._coder.finish(filtered=self.reading.where is not None)

    @property
    def coder(self) -> Coder:
        return self._coder

    def _relation(self, db: duckdb.DuckDBPyConnection, stack: ExitStack) -> Relation:
        spill = stack.enter_context(TemporaryDirectory())
        db.execute(f"SET temp_directory = {quoted(spill)}; SET memory_limit = '{MEMORY}'")
        db.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        reading = self.reading
        wanted = " ".join([*reading.columns.values(), reading.key or "", reading.where or ""])
        try:
            made = relation(
                db,
                self._format(),
                self.files,
                header=reading.header,
                wanted=wanted,
                stack=stack,
            )
        except (duckdb.Error, *DAMAGED) as error:
            raise self._error(error) from None
        db.execute("SET enable_external_access = false")
        db.execute("SET lock_configuration = true")
        return made

    def _format(self) -> Format:
        if self.reading.format != "auto":
            return FORMATS[self.reading.format]
        formats = {path: tell(path) for path in self.files}
        if len({log.name for log in formats.values()}) > 1:
            mixed = ", ".join(f"{path.name} is {log.name}" for path, log in formats.items())
            raise LogError(f"several formats at once, read one at a time: {mixed[:400]}")
        return formats[self.files[0]]

    def _query(self, db: duckdb.DuckDBPyConnection, table: Relation) -> duckdb.DuckDBPyRelation:
        wanted: dict[str, str] = {**table.request}
        wanted.update((str(name), sql) for name, sql in self.reading.columns.items())
        if self.reading.key:
            wanted["key"] = self.reading.key
        if "key" not in wanted:
            names = ", ".join(table.columns)
            raise self._error(f"which column is the key? Say so with columns.key; it has {names}")
        for what, sql in {**wanted, "where": self.reading.where or "true"}.items():
            self._check(db, table, what, sql)
        wanted["time"] = self._seconds(db, table, wanted.get("time"))
        order = " ORDER BY time, _file, _line" if self.sort else ""
        return db.sql(_requests(table, wanted, self.reading.where or "true") + order)

    def _check(self, db: duckdb.DuckDBPyConnection, table: Relation, what: str, sql: str) -> None:
        try:
            db.sql(f"SELECT ({sql}) FROM {table.sql}")
        except duckdb.Error as error:
            raise self._error(
                f"{what}: {sql!r} is no expression over its columns: {error}"
            ) from None

    def _seconds(self, db: duckdb.DuckDBPyConnection, table: Relation, sql: str | None) -> str:
        if sql is None:
            return "NULL::DOUBLE"
        kind = str(db.sql(f"SELECT ({sql}) FROM {table.sql}").types[0])
        if kind == "VARCHAR":
            return f"coalesce(try_cast({sql} AS DOUBLE), epoch(try_cast({sql} AS TIMESTAMPTZ)))"
        return f"epoch({sql})" if "TIME" in kind or kind == "DATE" else f"CAST({sql} AS DOUBLE)"

    def _error(self, problem: object) -> LogError:
        text = " ".join(str(problem).split("\n\nLINE")[0].split())
        return LogError(f"{self.files[0]}: {text}")


class OutOfOrderError(Exception):
    """A request is earlier than the one before it."""


def in_order(
    paths: Path | Sequence[Path],
    reading: Reading | None,
    consume: Callable[[Iterator[Trace]], Result],
) -> tuple[LogStream, Result]:
    """The stream, and what `consume` makes of its pieces in order of time.

    A log that proves to be out of order is read once more, sorted, and `consume` called again.
    """
    stream = LogStream(paths, reading)
    try:
        return stream, consume(_ordered(stream))
    except OutOfOrderError:
        stream = LogStream(paths, reading, sort=True)
        done = consume(iter(stream))
        stream.coder.notes.append("requests were out of order: sorted by time")
        return stream, done


def _ordered(stream: LogStream) -> Iterator[Trace]:
    for piece in stream:
        if stream.coder.unordered:
            raise OutOfOrderError
        yield piece


def read_log(paths: Path | Sequence[Path], reading: Reading | None = None) -> Trace:
    """The requests of a log, sorted by time; rows that are none are counted in `skipped`.

    Every request is a read of the key that is its URL as logged, unless `reading` says otherwise.
    """
    stream = LogStream(paths, reading)
    return joined(list(stream), stream.coder)


def _requests(table: Relation, wanted: dict[str, str], where: str) -> str:
    ops = " ".join(
        f"WHEN lower(op) IN ({', '.join(repr(n) for n in names.split())}) THEN {code}"
        for code, names in OPS.items()
    )
    value = {name: f"CASE WHEN _reason IS NULL THEN ({sql}) END" for name, sql in wanted.items()}
    no_time = "coalesce(abs(time), 1e20) >= 1e20" if wanted["time"] != "NULL::DOUBLE" else "false"
    return f"""
        SELECT * REPLACE (
            coalesce(
                _reason,
                CASE WHEN key IS NULL THEN 'no key'
                     WHEN {no_time} THEN 'no time'
                     WHEN op IS NULL THEN 'an operation that is neither read, write nor delete'
                     WHEN size < 0 THEN 'a negative size' END) AS _reason)
        FROM (
            SELECT _file, _line, _reason, {value["time"]} AS time, {value["key"]} AS key,
                   {value.get("colo", "''")} AS colo,
                   {f"CASE {ops} END" if "op" in wanted else READ} AS op,
                   least(coalesce(try_cast({value.get("size", "0")} AS BIGINT), 0), 2147483647)
                       AS size,
                   coalesce(try_cast({value.get("ttl", "0")} AS DOUBLE), 0) AS ttl
            FROM (SELECT *, coalesce(_bad, {table.check}) AS _reason FROM {table.sql})
            WHERE _reason IS NOT NULL OR ({where}))"""
