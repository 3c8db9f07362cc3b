"""The query run over batches of rows: in the order of the log, or sorted by time."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import duckdb
import pyarrow as pa

from cachelib.model.schema import budget
from cachelib.model.traffic.logs.shape import Shape
from cachelib.model.traffic.logs.steps import Asked

AHEAD = 2  # batches for each worker: the one at work, and the next


def as_logged(
    asked: Asked, shape: Shape, batches: Iterator[pa.RecordBatch], db: duckdb.DuckDBPyConnection
) -> Iterator[pa.RecordBatch]:
    """Answers batch by batch, so that they come as the rows do.

    Each worker has a connection to a database of one thread: DuckDB's own threads do not keep the
    order of a stream of Arrow batches, and a query over one batch ends soon when it is interrupted.
    """
    workers = _Workers(asked, db)
    pending: deque[Future[pa.Table]] = deque()
    try:
        for batch in batches:
            pending.append(workers.answer(batch))
            while len(pending) > AHEAD * workers.count:
                yield from pending.popleft().result().to_batches()
        while pending:
            yield from pending.popleft().result().to_batches()
    finally:
        workers.stop(pending)


class _Hand:
    """The batch at hand, as a relation whose rows change."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.batch = batch

    def __arrow_c_stream__(self, schema: object = None) -> object:
        rows = pa.RecordBatchReader.from_batches(self.batch.schema, [self.batch])
        return rows.__arrow_c_stream__(schema)


class _Workers:
    def __init__(self, asked: Asked, db: duckdb.DuckDBPyConnection) -> None:
        self.asked, self.db = asked, db
        there = len(os.sched_getaffinity(0)) if _LINUX else budget.processors()
        self.count = budget.allowed(min(8, there))
        self._pool = ThreadPoolExecutor(self.count, thread_name_prefix="log")
        self._own = threading.local()
        self._connections: list[duckdb.DuckDBPyConnection] = []

    def answer(self, batch: pa.RecordBatch) -> Future[pa.Table]:
        return self._pool.submit(self._answer, batch)

    def _answer(self, batch: pa.RecordBatch) -> pa.Table:
        if not hasattr(self._own, "db"):
            self._own.rows = _Hand(batch)
            self._own.db = self._prepared(self._own.rows)
        self._own.rows.batch = batch
        try:
            return self._own.db.sql(f"EXECUTE {self._own.form}").to_arrow_table()
        except duckdb.InvalidInputException:
            if self._own.form == "careful":
                raise
            self._own.form = "careful"  # where one row is not JSON, others will be
            self._own.db.execute(f"PREPARE careful AS {self.asked.careful}")
            return self._own.db.sql("EXECUTE careful").to_arrow_table()

    def _prepared(self, rows: _Hand) -> duckdb.DuckDBPyConnection:
        """A connection that knows the query: to plan it takes as long as to answer for a batch."""
        db = self.db.cursor()
        self._connections.append(db)
        db.register("rows", rows)
        db.execute(f"PREPARE hasty AS {self.asked.hasty}")
        self._own.form = "hasty"
        return db

    def stop(self, pending: deque[Future[pa.Table]]) -> None:
        for future in pending:
            future.cancel()
        for db in self._connections:
            db.interrupt()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for db in self._connections:
            db.close()


_LINUX = hasattr(os, "sched_getaffinity")


def by_time(
    asked: Asked, shape: Shape, batches: Iterator[pa.RecordBatch], db: duckdb.DuckDBPyConnection
) -> Iterator[pa.RecordBatch]:
    """All answers in order of time, sorted on disk where memory does not hold them."""
    db.register("rows", pa.RecordBatchReader.from_batches(shape.schema, batches))
    reader = db.sql(f"{asked.careful} ORDER BY time, _file, _line").to_arrow_reader(1 << 17)
    with ThreadPoolExecutor(1, thread_name_prefix="log") as pool:
        try:
            while (batch := pool.submit(next, reader, None).result()) is not None:
                yield batch
        finally:
            db.interrupt()


def sized(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of at most `rows`, without copying any."""
    for batch in batches:
        for start in range(0, len(batch), rows):
            yield batch.slice(start, rows)
