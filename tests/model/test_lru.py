"""The fast single LRU against a plain one and the golden counts."""

from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachelib.model.engines.lru import lru_hits, lru_hits_of_file


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-3, 40), max_size=300), st.integers(1, 50))
def test_it_hits_what_a_plain_lru_hits(ids, entries):
    held, hits = OrderedDict(), 0
    for number in ids:
        hits += number in held
        held[number] = True
        held.move_to_end(number)
        if len(held) > entries:
            held.popitem(last=False)
    assert lru_hits(np.array(ids, np.int64), entries) == hits


@pytest.mark.parametrize(("entries", "hits"), [(100, 13_657), (1_000, 19_049), (10_000, 34_434)])
def test_golden_hits(traces, entries, hits):
    assert lru_hits_of_file(traces / "cloudphysics.oracleGeneral.bin", entries) == hits


def test_no_room_is_an_error():
    with pytest.raises(ValueError, match="entries"):
        lru_hits(np.array([1]), 0)
