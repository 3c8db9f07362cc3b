"""What cases said before a design was a list of tiers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cachelib.model.tiers.memory import MEMORY
from cachelib.model.tiers.registry import STORES

FORMER: dict[str, dict[str, Any]] = {
    "l1": {"type": "boolean", "description": "formerly, for memory among the tiers"},
    "l2": {"enum": [*STORES, None], "description": "formerly, for the tier behind memory"},
}


def described(schema: dict[str, Any]) -> None:
    """Say in a schema that these words are understood still."""
    schema["properties"] |= {name: {**what, "deprecated": True} for name, what in FORMER.items()}


def as_tiers(given: Any) -> Any:
    """`l1: false` and `l2: kv` as the tiers that they mean."""
    if not isinstance(given, Mapping) or not FORMER.keys() & given.keys():
        return given
    if "tiers" in given:
        raise ValueError("tiers: l1 and l2 are an older way to say the same; say it once")
    memory, store = given.get("l1", True), given.get("l2")
    if not isinstance(memory, bool):
        raise ValueError("l1: must be true or false")
    if store not in [*STORES, None]:
        raise ValueError(f"l2: {store!r} is unknown; there are {', '.join(STORES)}")
    tiers = [word for word, there in ((MEMORY.word, memory), (store, store)) if there]
    rest = {name: value for name, value in given.items() if name not in FORMER}
    return rest | {"tiers": tiers}
