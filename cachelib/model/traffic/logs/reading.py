"""Logs to traces: one query over rows of any shape, its answer coded as columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import duckdb
import pyarrow as pa

from cachelib.model.schema import budget
from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs.coding import Coder, joined
from cachelib.model.traffic.logs.columns import mentions
from cachelib.model.traffic.logs.database import connect
from cachelib.model.traffic.logs.formats import commonly
from cachelib.model.traffic.logs.nesting import leaves
from cachelib.model.traffic.logs.query import Query
from cachelib.model.traffic.logs.running import as_logged, by_time, sized
from cachelib.model.traffic.logs.shape import Shape
from cachelib.model.traffic.logs.source import DAMAGED, LogError, files, same_as_another
from cachelib.model.traffic.logs.telling import tell
from cachelib.model.traffic.made_whole import unsampled
from cachelib.model.traffic.trace import Trace, one_after_another

ROWS = 1 << 20
FEW = 1 << 18  # where a piece has names of its own
CODED = 1 << 16  # rows whose texts are in memory at once
Result = TypeVar("Result")


class Rows:
    """Rows as they are handed to the database, counted; and what went wrong on the way.

    DuckDB passes on no more of a producer's error than its text, so it is kept here.
    """

    def __init__(self) -> None:
        self.count = 0
        self.fault: BaseException | None = None

    def watch(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        try:
            for batch in batches:
                self.count += len(batch)
                yield batch
        except BaseException as error:
            self.fault = error
            raise


class LogStream:
    """A log in pieces of about `rows` requests, in memory that the log's length leaves alone.

    The pieces share `keys` and `colos`, which grow; `skipped`, `notes` and the account are whole
    when the last piece has come. `sort=True` has DuckDB order the requests by time, on disk if
    need be; otherwise they come as logged. `described=True` counts what `cachelib log` shows. With
    a folder for them, `names` of keys lie there, and each piece numbers its own: see `hashing`.
    """

    def __init__(
        self,
        paths: Path | Sequence[Path],
        reading: Reading | None = None,
        *,
        rows: int = ROWS,
        sort: bool = False,
        described: bool = False,
        names: Path | None = None,
    ) -> None:
        self.reading = reading or Reading()
        self.rows = rows if names is None else min(rows, FEW)
        self.sort, self.described = sort, described
        self._stack = ExitStack()
        self.files = files(paths, self._stack)
        self.coder = Coder(self.files, self.reading, names)
        self.shape: Shape | None = None
        self.sample: Trace | None = None
        """Of a log that is a sample, the requests in it, once `in_order` has read them."""
        self.mapping: dict[str, str] = {}

    def __iter__(self) -> Iterator[Trace]:
        with self._stack.pop_all():
            yield from self._pieces()

    def _pieces(self) -> Iterator[Trace]:
        shape = self.shape = told(self.files, self.reading)
        self.coder.own_places = shape.format is not None and shape.format.places == "own"
        if not (shape.format and shape.format.untimed):
            self._leave_out_copies()
        rows, kept = Rows(), list[Trace]()
        for batch in answers(self, shape, rows):
            kept.append(self.coder.take(batch))
            if sum(map(len, kept)) >= self.rows:
                yield self._piece(kept)
                kept = []
        if any(map(len, kept)):
            yield self._piece(kept)
        self.coder.hint = partial(shape.hint_of_time, self.mapping.get("time", ""))
        unread = 0 if shape.format else len(_unread(shape, self.mapping))
        self.coder.finish(rows.count, shape.name, shape.why, self.mapping, unread)

    def _piece(self, kept: list[Trace]) -> Trace:
        return replace(one_after_another(kept), hashes=self.coder.keys.hashes())

    def _leave_out_copies(self) -> None:
        """A request has its time: what stands in two files to the byte was made once."""
        for copy, first in same_as_another(self.files).items():
            if copy.stat().st_size:
                self.files.remove(copy)
                self.coder.notes.append(
                    f"{copy.name} is {first.name} once more, to the byte: it is left out"
                )


def told(found: list[Path], reading: Reading) -> Shape:
    """The shape of a log's files, which must be one; files that are empty have none."""
    shapes: dict[Path, Shape] = {}
    for path in found:
        try:
            shapes[path] = tell(path, reading, after=next(iter(shapes.values()), None))
        except LogError as error:
            if len(found) == 1 or not str(error).endswith("the file is empty"):
                raise
        except DAMAGED as error:
            raise LogError(f"{path}: {error}") from None
    if not shapes:
        raise LogError(f"{found[0]}: the file is empty")
    first = next(iter(shapes.values()))
    if len({(shape.name, shape.container) for shape in shapes.values()}) > 1:
        mixed = ", ".join(f"{path.name} is {shape.name}" for path, shape in shapes.items())
        raise LogError(f"several formats at once, read one at a time: {mixed[:400]}")
    if not reading.expressions:
        _named_alike(shapes)
    return first


def _unread(shape: Shape, mapping: Mapping[str, str]) -> list[str]:
    """The columns that nothing is taken from, of those whose values recur, as a method does."""
    taken, seen = " ".join(mapping.values()), shape.columns
    recur = [name for name in leaves(seen) if len(set(seen[name])) < len(seen[name])]
    return [name for name in recur if not mentions(taken, name)]


def _named_alike(shapes: dict[Path, Shape]) -> None:
    """A file whose time or key is called otherwise would have no request, and none would know."""
    (path, first), *others = shapes.items()
    own = {name.lower() for name in first.columns}
    common = commonly(leaves(first.columns))
    for other, shape in others:
        if shape.format is not None:
            continue
        theirs = commonly(leaves(shape.columns))
        for role in ("time", "key"):
            name, named = common.get(role), theirs.get(role)
            seen = {column.lower() for column in shape.columns}
            if name and named and name.lower() not in seen and named.lower() not in own:
                raise LogError(
                    f"the {role} is called {name} in {path.name}, and {named} in {other.name}:"
                    " read the two one at a time, or give both the same names"
                )


def answers(stream: LogStream, shape: Shape, rows: Rows) -> Iterator[pa.RecordBatch]:
    """The query's answer, batch by batch; an expression of the user's runs in a process apart."""
    if stream.reading.expressions:
        from cachelib.model.traffic.logs.apart import answers_from_apart

        yield from answers_from_apart(stream, rows)
        return
    yield from answers_here(stream, shape, rows)


def answers_here(stream: LogStream, shape: Shape, rows: Rows) -> Iterator[pa.RecordBatch]:
    """The answer by databases in this process."""
    with TemporaryDirectory(prefix="cachelib-log-") as spill:
        try:
            threads = budget.allowed(budget.processors()) if stream.sort else 1
            with connect(Path(spill), threads=threads) as db:
                query = Query(db, shape, stream.reading, where=str(stream.files[0]))
                stream.mapping = query.described_mapping()
                asked = query.asked(described=stream.described)
                batches = rows.watch(shape.batches(stream.files))
                answer = by_time if stream.sort else as_logged
                yield from sized(answer(asked, shape, batches, db), min(stream.rows, CODED))
        except (duckdb.Error, *DAMAGED) as error:
            if isinstance(rows.fault, LogError):
                raise rows.fault from None
            problem = " ".join(str(rows.fault or error).split("\n\nLINE")[0].split())
            raise LogError(f"{stream.files[0]}: {problem}") from None


class OutOfOrderError(Exception):
    """A request is earlier than the one before it."""


def in_order(
    paths: Path | Sequence[Path],
    reading: Reading | None,
    consume: Callable[[Iterator[Trace]], Result],
    names: Path | None = None,
) -> tuple[LogStream, Result]:
    """The stream, and what `consume` makes of its pieces in order of time.

    A log that proves to be out of order is read once more, sorted, and `consume` called again. One
    that is a sample by request is read whole and made whole: see `made_whole`. `names`: see
    `LogStream`.
    """
    with ExitStack() as stack:
        found = files(paths, stack)
        if reading is not None and reading.rate < 1:
            stream = LogStream(found, reading)
            return stream, consume(iter([_whole(stream)]))
        stream = LogStream(found, reading, names=names)
        try:
            return stream, consume(_ordered(stream))
        except OutOfOrderError:
            as_written = stream.coder.put_back
            stream = LogStream(found, reading, sort=True, names=names)
            stream.coder.put_back = as_written
            done = consume(iter(stream))
            stream.coder.notes.append("requests were out of order: sorted by time")
            return stream, done


def begin(paths: Path | Sequence[Path], reading: Reading) -> None:
    """Read the beginning of a log; raises `LogError` where it cannot be read as is asked."""
    next(iter(LogStream(paths, reading, rows=FEW)), None)


def _whole(stream: LogStream) -> Trace:
    trace, reading = joined(list(stream), stream.coder), stream.reading
    stream.sample = trace
    share = f"{100 * reading.rate:g} per cent"
    if reading.sampled_by == "key":
        stream.coder.notes.append(f"a sample of {share} of the keys: the counts are the sample's")
        return trace
    stream.coder.notes.append(f"a sample of {share} of the requests: the others are drawn")
    return unsampled(trace, reading.rate, seed=1)


def _ordered(stream: LogStream) -> Iterator[Trace]:
    for piece in stream:
        if stream.coder.unordered:
            raise OutOfOrderError
        yield piece


def read_log(
    paths: Path | Sequence[Path], reading: Reading | None = None, *, compared: bool = False
) -> Trace:
    """The requests of a log, sorted by time; `account` says what became of every row.

    `compared`: also how many rows say what another says.
    """
    stream = LogStream(paths, reading, described=compared)
    return joined(list(stream), stream.coder)
