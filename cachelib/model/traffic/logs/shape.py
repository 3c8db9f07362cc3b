"""What a log is, as its beginning tells: how its rows are had, and what their columns mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa

from cachelib.model.traffic.logs import framing
from cachelib.model.traffic.logs.dating import proposed
from cachelib.model.traffic.logs.delimited import Delimited, header_of, is_data
from cachelib.model.traffic.logs.formats import Format, commonly
from cachelib.model.traffic.logs.nesting import leaves
from cachelib.model.traffic.logs.pairs import LOGFMT, Pairs
from cachelib.model.traffic.logs.wrappers import Wrapper

TOGETHER = " || ' ' || "  # how two columns make a time
SEEN = 50  # values that show how times are written
Batches = Callable[[list[Path]], Iterator[pa.RecordBatch]]


@dataclass(frozen=True)
class Shape:
    """What a file is, and how its rows are had.

    `container` is how it is cut into rows; `format` what the fields mean, None where only common
    names tell. `columns` are the names seen, with examples; `paths` where they lie in JSON.
    """

    name: str
    why: str
    container: str
    format: Format | None
    schema: pa.Schema
    batches: Batches
    columns: Mapping[str, list[str]]
    paths: Mapping[str, str] = field(default_factory=dict)
    wrapped: tuple[Wrapper, ...] = ()
    cut: Delimited | None = None
    pairs: Pairs = LOGFMT

    def goes_on(self, line: str) -> bool:
        """Whether the first line of a further file is a row of this table, and no header."""
        if self.cut is None or not self.cut.header:
            return False
        cells = header_of(line, self.cut.delimiter, quote=self.cut.quote)
        return is_data(cells) and len(cells) == len(self.cut.names)

    def hint_of_time(self, column: str) -> str:
        """How to say what the values of a column mean that are no times that are known."""
        parts = [self.columns.get(part, []) for part in column.split(TOGETHER)]
        rows = (" ".join(filter(None, cells)) for cells in zip(*parts, strict=False))
        seen = [value for value in rows if value]
        return proposed(column, seen[:SEEN]) if seen else ""


def within(outer: Shape, name: str, inner: Shape) -> Shape:
    """The shape of lines that stand in a field of others."""
    why = f"in {name} of {outer.why.partition(';')[0]}: {inner.why}"
    if outer.container == "delimited":
        return replace(
            inner, why=why, batches=lambda files: framing.only(outer.batches(files), name)
        )
    time = outer.paths.get(commonly(leaves(outer.columns)).get("time", ""), "")
    around = Wrapper(name, field=outer.paths[name].removeprefix("$."), time=time.removeprefix("$."))
    return replace(
        inner, why=why, batches=outer.batches, wrapped=(*outer.wrapped, around, *inner.wrapped)
    )
