"""How many requests a log may hold, told before it is read: from its size and its start."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

import pyarrow.parquet

from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs.reading import told
from cachelib.model.traffic.logs.source import DAMAGED, open_stream

START = 1 << 22
STEP = 1 << 16


def expected_requests(found: Sequence[Path], reading: Reading, worth: float = 0) -> float:
    """About how many, as if the files were like the start of the largest, and all rows requests.

    Fewer than `worth` are not looked at: then there are no more than there are bytes. Raises
    `LogError` for what is no log.
    """
    sizes = {path: path.stat().st_size for path in found}
    whole = sum(sizes.values()) / _kept(reading)
    if whole <= worth:
        return whole
    shape = told(list(found), reading)
    if shape.container == "parquet":
        rows = sum(int(pyarrow.parquet.read_metadata(path).num_rows) for path in found)
        return rows / _kept(reading)
    largest = max(found, key=lambda path: sizes[path])
    content = _start(largest)
    rows = content.count(b"\n")
    if shape.container == "binary" and shape.format is not None:
        rows = len(content) // shape.format.dtype.itemsize
    return whole * rows / min(START, sizes[largest])


def _kept(reading: Reading) -> float:
    """A sample by request is made whole; one by key is replayed as it is."""
    return reading.rate if reading.sampled_by == "request" else 1.0


def _start(path: Path) -> bytes:
    """What is in the first bytes of a file."""
    content = b""
    with NamedTemporaryFile(prefix="cachelib-start-") as cut, path.open("rb") as whole:
        cut.write(whole.read(START))
        cut.flush()
        with suppress(*DAMAGED), open_stream(Path(cut.name)) as stream:
            while step := stream.read(STEP):
                content += step
    return content
