"""Names as numbers: each name its own, in order of first use, whatever their hashes are."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs import numbering, read_log
from cachelib.model.traffic.logs.coding import HOST_END, Coder
from cachelib.model.traffic.logs.numbering import Codes


@pytest.mark.parametrize("hashes", [None, 1, 7, 1_000])
def test_every_name_has_its_own_number_in_order_of_first_use(
    monkeypatch: pytest.MonkeyPatch, hashes: int | None
) -> None:
    if hashes is not None:  # many names of one hash
        monkeypatch.setattr(numbering, "hash", lambda name: hash(name) % hashes, raising=False)
    draw = random.Random(3)
    codes, expected = Codes(), dict[str, int]()
    for _ in range(60):
        batch = [f"/{draw.randrange(400)}" for _ in range(draw.randrange(1, 200))]
        for name in batch:
            expected.setdefault(name, len(expected))
        assert codes.of(pa.array(batch)).tolist() == [expected[name] for name in batch]
    assert codes.names == list(expected)


@pytest.mark.parametrize("hashes", [1, 7, 100_000])
@pytest.mark.parametrize(("slots", "most"), [(1 << 21, 1 << 20), (16, 1 << 20), (64, 20)])
def test_the_database_s_hashes_help_and_decide_nothing(
    monkeypatch: pytest.MonkeyPatch, hashes: int, slots: int, most: int
) -> None:
    """Whatever they are, and however few places there are for those that are known."""
    monkeypatch.setattr(numbering, "SLOTS", slots)
    monkeypatch.setattr(numbering, "MOST_KNOWN", most)
    monkeypatch.setattr(numbering, "FEW", 8)
    draw = random.Random(hashes + slots)
    of = {f"/{n}": draw.randrange(hashes) << 32 | draw.randrange(hashes) for n in range(400)}
    codes, expected = Codes(), dict[str, int]()
    for _ in range(60):
        batch = [f"/{draw.randrange(400)}" for _ in range(draw.randrange(1, 200))]
        for name in batch:
            expected.setdefault(name, len(expected))
        given = np.array([of[name] for name in batch], np.uint64)
        assert codes.of(pa.array(batch), given).tolist() == [expected[name] for name in batch]
    assert codes.names == list(expected)


def test_of_what_is_known_no_object_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    codes, made = Codes(), list[int]()
    numbers = codes.numbers
    monkeypatch.setattr(
        codes, "numbers", lambda values: made.append(len(values)) or numbers(values)
    )
    names = pa.array([f"/{n}" for n in range(10_000)])
    hashes = np.random.default_rng(1).integers(0, 2**63, 10_000).astype(np.uint64)
    for _ in range(4):
        assert codes.of(names, hashes).tolist() == list(range(10_000))
    assert made[:2] == [10_000, 10_000]
    assert sum(made[2:]) < 100, "but for those whose places others have"


def test_the_numbers_of_a_log_in_parquet_are_in_order_of_first_use(tmp_path: Path) -> None:
    draw = np.random.default_rng(4)
    for kind in (pa.string(), pa.int64()):
        drawn = (100 * draw.random(300_000) ** 3 * 200).astype(int)
        table = pa.table({"time": np.arange(300_000) / 10.0, "key": pa.array(drawn).cast(kind)})
        pq.write_table(table, tmp_path / "log.parquet", row_group_size=50_000)
        trace = read_log(tmp_path / "log.parquet")
        expected = list(dict.fromkeys(map(str, drawn.tolist())))
        assert trace.keys == expected
        assert [expected[n] for n in trace.key.tolist()] == [str(n) for n in drawn.tolist()]


def test_nothing_has_no_numbers() -> None:
    codes = Codes()
    assert codes.of(pa.array([], pa.string())).tolist() == []
    assert codes.names == []


def test_keys_of_several_hosts_are_numbered_by_their_pairs_in_order_of_first_use() -> None:
    """Of a host that is seen late, or not in every request, too; the same in pieces."""
    draw = random.Random(5)
    rows = [(draw.choice(["a.com", "b.com", None]), f"/{draw.randrange(30)}") for _ in range(500)]
    rows[0] = ("a.com", "/0")
    expected = list(dict.fromkeys((host or "") + HOST_END + key for host, key in rows))
    for size in (500, 7, 1):
        coder, found = Coder([Path("x")], Reading()), list[int]()
        for at in range(0, len(rows), size):
            hosts, keys = zip(*rows[at : at + size], strict=True)
            batch = pa.record_batch(
                {"host": pa.array(hosts, pa.string()), "key": pa.array(keys, pa.string())}
            )
            found += coder._keys(batch).tolist()
        assert coder.keys.names == expected
        assert [expected[n] for n in found] == [(h or "") + HOST_END + key for h, key in rows]
