"""Requests kept in files come back as they were, to the bit and the kind."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachelib.model.engines.shards.packing import read_part, read_trace, write_part, write_trace
from cachelib.model.engines.shards.parting import Columns, Part
from cachelib.model.traffic.trace import Trace

NAMES, COLOS = ["/a", "/b"], ["LHR", "SJC"]
KINDS = ("f8", "i4", "i2", "u1", "i4", "f4", "i4", "i4", "i8")
"""Of a part's columns, in their order."""


def drawn(rng: np.random.Generator, kind: str, n: int) -> np.ndarray:
    """Sometimes one number all along, sometimes from end to end of what the kind holds."""
    if rng.random() < 0.2:
        return np.full(n, 7, kind)
    if kind.startswith("f"):
        return rng.random(n).astype(kind)
    info = np.iinfo(kind)
    low, high = (0, 200) if rng.random() < 0.5 else (info.min // 2, info.max // 2)
    return rng.integers(low, high, n).astype(kind)


def part(rng: np.random.Generator, n: int, kinds: tuple[str, ...] = KINDS) -> Part:
    columns = [drawn(rng, kind, n) for kind in kinds]
    if rng.random() < 0.3:  # no request has a life of its own
        columns[5] = columns[5][:0]
    return Part.of(tuple(columns), NAMES, COLOS)


def same(found: Columns, given: Columns) -> bool:
    return all(
        a.dtype == b.dtype and np.array_equal(a, b) for a, b in zip(found, given, strict=True)
    )


@given(st.integers(0, 10_000), st.lists(st.integers(1, 300), min_size=1, max_size=4))
def test_parts_come_back_one_after_the_other(seed: int, sizes: list[int]) -> None:
    rng, file = np.random.default_rng(seed), BytesIO()
    kinds = ("f8", rng.choice(["i4", "u8"]), *KINDS[2:])  # numbers of keys, or their hashes
    given = [part(rng, n, kinds) for n in sizes]
    for each in given:
        write_part(file, each)
    file.seek(0)
    for each in given:
        found = read_part(file, NAMES, COLOS)
        assert found is not None
        assert same(found.columns, each.columns)
        assert all(column.flags.writeable for column in found.columns)
    assert read_part(file, NAMES, COLOS) is None


def test_a_part_that_is_every_second_request_of_another_comes_back() -> None:
    file, whole = BytesIO(), part(np.random.default_rng(1), 100)
    some = whole.only(slice(None, None, 2))
    write_part(file, some)
    file.seek(0)
    found = read_part(file, NAMES, COLOS)
    assert found is not None
    assert same(found.columns, some.columns)


def test_a_trace_comes_back_with_its_names() -> None:
    file = BytesIO()
    given = part(np.random.default_rng(2), 50).trace
    write_trace(file, given)
    file.seek(0)
    found = read_trace(file)
    assert (found.keys, found.colos) == (NAMES, COLOS)
    assert np.array_equal(found.time_s, given.time_s)
    assert np.array_equal(found.size, given.size)


@pytest.mark.parametrize("missing", [1, 200, -30])
def test_a_file_that_is_cut_short_is_no_shorter_part(missing: int) -> None:
    """`missing` bytes at the end, or all but so many."""
    file = BytesIO()
    write_part(file, part(np.random.default_rng(3), 100))
    whole = file.getvalue()
    with pytest.raises(EOFError, match="cut short"):
        read_part(BytesIO(whole[:-missing]), NAMES, COLOS)


def test_nothing_is_no_trace() -> None:
    with pytest.raises(EOFError):
        read_trace(BytesIO())


def test_what_says_one_thing_takes_no_room() -> None:
    n = 10_000
    trace = Trace(
        time_s=np.arange(n) / 7, key=np.arange(n, dtype=np.int32) % 200,
        colo=np.zeros(n, np.int16), op=np.zeros(n, np.uint8), size=np.full(n, 900, np.int32),
        keys=NAMES, colos=COLOS,
    )  # fmt: skip
    file = BytesIO()
    write_trace(file, trace)
    assert len(file.getvalue()) < n * (8 + 1) + 1_000  # times and keys
