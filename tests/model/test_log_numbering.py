"""Names as numbers: each name its own, in order of first use, whatever their hashes are."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from cachelib.model.traffic.logs import numbering
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
