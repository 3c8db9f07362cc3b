"""One more place of storage, or many, changes no count: in a copy of the package, as one would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

COUNTED = """
import json
from cachelib.model.engines.replay import replay
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import built_in
from cachelib.model.tiers.outcomes import DEPTHS
from cachelib.model.traffic.generator import generate
from cachelib.model.traffic.workload import Workload

month = Workload(
    requests_per_month=3_000, keys=20, zipf=0.8, value_bytes=100, colos={"LHR": 1, "SJC": 2},
    reads_per_write=10,
)
trace = generate(month, seed=1)
found = {"places": len(DEPTHS)}
for name in ("l1-kv", "durable-object", "l1-cache-api", "l1-r2"):
    design = built_in(name, l1_ttl_s=60.0, l2_ttl_s=300.0)
    for engine in ("compiled", "reference"):
        result = replay(trace, design, Platform(isolates_per_colo=2), engine=engine)
        found[f"{name}, {engine}"] = result.as_dict() | {"writes": result.writes}
print(json.dumps(found))
"""


def counted(package: Path, **environment: str) -> dict[str, object]:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", COUNTED],
        cwd=package,
        env=os.environ | {"PYTHONPATH": str(package)} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.mark.timeout(400)
def test_more_places_change_no_count(tmp_path: Path) -> None:
    more = 60  # so that a code no longer fits into a byte
    left_out = shutil.ignore_patterns("__pycache__", "node_modules")
    shutil.copytree(ROOT / "cachelib", tmp_path / "cachelib", ignore=left_out)
    outcomes = tmp_path / "cachelib" / "model" / "tiers" / "outcomes.py"
    text = outcomes.read_text("utf-8")
    there = '"", "KV in the colo"'
    assert there in text
    new = ", ".join(f'"a new place {nth}"' for nth in range(more))
    text = text.replace(there, f'"", {new}, "KV in the colo"')
    outcomes.write_text(text.replace("= range(8)", f"= (0, *range({more + 1}, {more + 8}))"))
    as_shipped = counted(ROOT)
    changed = counted(tmp_path, NUMBA_CACHE_DIR=str(tmp_path / "code"))
    assert changed.pop("places") == as_shipped.pop("places") + more  # type: ignore[operator]
    assert changed == as_shipped
    for name, result in as_shipped.items():
        design, _, engine = name.partition(", ")
        assert result == as_shipped[f"{design}, compiled"], engine
