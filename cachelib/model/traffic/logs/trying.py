"""What a recipe for keys would make of a log, before anybody decides on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa

from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs.database import connect
from cachelib.model.traffic.logs.reading import read_log
from cachelib.model.traffic.logs.recipes import RECIPES, applied

EXAMPLES = 3


def recipes_tried(
    paths: Path | Sequence[Path], reading: Reading | None = None
) -> dict[str, dict[str, Any]]:
    """For each recipe: keys before and after, requests that change, and what it would merge."""
    trace = read_log(paths, (reading or Reading()).model_copy(update={"normalise": ()}))
    asked = np.bincount(trace.key, minlength=len(trace.keys))
    found: dict[str, dict[str, Any]] = {}
    with TemporaryDirectory(prefix="cachelib-log-") as spill, connect(Path(spill)) as db:
        db.register("names", pa.RecordBatch.from_arrays([pa.array(trace.keys)], names=["key"]))
        for recipe in RECIPES:
            sql = f"SELECT {applied((recipe,), 'key')} AS name FROM names"  # noqa: S608
            made = db.sql(sql).to_arrow_table()["name"].to_pylist()
            merged: dict[str, list[str]] = defaultdict(list)
            for before, after in zip(trace.keys, made, strict=True):
                merged[after].append(before)
            changed = np.array([b != a for b, a in zip(trace.keys, made, strict=True)], bool)
            several = {a: b for a, b in merged.items() if len(b) > 1}
            most = sorted(several, key=lambda name: -len(several[name]))[:EXAMPLES]
            found[recipe] = {
                "keys_before": len(trace.keys),
                "keys_after": len(merged),
                "requests_changed": int(asked[changed].sum()),
                "examples": "; ".join(_merged(several[name], name) for name in most),
            }
    return found


def _merged(before: list[str], after: str) -> str:
    more = " + …" if len(before) > EXAMPLES else ""
    return f"{' + '.join(before[:EXAMPLES])}{more} → {after}"
