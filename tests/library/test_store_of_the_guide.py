"""The store that docs/how-to-add.md writes keeps the contract of all stores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_stores import *  # noqa: F403 - the contract itself, for one more store

from cachelib import MemoryCache, TieredCache
from tests.guide import run


@pytest.fixture
def store(tmp_path: Path) -> Any:
    return run("A store back end")["FolderStore"](tmp_path / "cache")


def test_two_caches_share_a_value_through_it(store: Any) -> None:
    one, other = (TieredCache(MemoryCache(), store, l2_ttl=60) for _ in range(2))
    one.set("k", {"a": (1, 2)})
    assert other.get("k") == {"a": (1, 2)}
    other.delete("k")
    assert store.get("k", 0.0) is None
