"""One more place of storage, or many, changes no count: in a copy of the package, as one would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from tests.conftest import ROOT

COUNTED = """
import json
from cachelib.model.engines.replay import replay
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.built_in import built_in
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


def counted_here() -> dict[str, object]:
    said = StringIO()
    with redirect_stdout(said):
        exec(COUNTED, {})  # noqa: S102
    found: dict[str, object] = json.loads(said.getvalue())
    return found


def counted(package: Path, **environment: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", COUNTED],
        cwd=package,
        env=os.environ | {"PYTHONPATH": str(package)} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


TAPE = """
from cachelib.model.tiers.tier import Place, Tier

TAPE = Tier(
    word="tape", label="Tape", phrase="tape", scope="world", writing=("rtt_base_ms",),
    places=tuple(Place(f"reel {nth}", ("rtt_base_ms", "to_bucket")) for nth in range(60)),
    counts={"tape_turns": "turns of a reel"}, numbers={}, prefixes=("tape_",),
)
"""


@pytest.mark.timeout(400)
def test_another_tier_is_a_file_and_a_line_and_changes_no_count_of_the_others(
    tmp_path: Path,
) -> None:
    """Of 60 places, so that a code no longer fits into a byte."""
    left_out = shutil.ignore_patterns("__pycache__", "node_modules")
    shutil.copytree(ROOT / "cachelib", tmp_path / "cachelib", ignore=left_out)
    tiers = tmp_path / "cachelib" / "model" / "tiers"
    (tiers / "tape.py").write_text(TAPE)
    registry = tiers / "registry.py"
    text = registry.read_text("utf-8")
    assert "MEMORY, KV," in text
    text = text.replace("MEMORY, KV,", "MEMORY, TAPE, KV,")
    line = "from cachelib.model.tiers.r2 import R2\n"
    assert line in text
    registry.write_text(text.replace(line, f"{line}from cachelib.model.tiers.tape import TAPE\n"))
    as_shipped = counted_here()
    code = str(tmp_path / "code")
    changed = counted(tmp_path, NUMBA_CACHE_DIR=code, NUMBA_OPT="0")
    assert changed.pop("places") == as_shipped.pop("places") + 60  # type: ignore[operator]
    assert changed == as_shipped
    for name, result in as_shipped.items():
        design, _, engine = name.partition(", ")
        assert result == as_shipped[f"{design}, compiled"], engine
