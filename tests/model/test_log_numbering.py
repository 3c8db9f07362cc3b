"""Names as numbers: each name its own, in order of first use, whatever their hashes are."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest

from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs import numbering
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
