"""A log that holds some of the keys, each with all its requests: what is said is of all of them."""

from __future__ import annotations

import csv
import zlib
from pathlib import Path
from typing import Any

import pytest

from cachelib.model.judgement.study import Study
from cachelib.model.traffic.generator import generate
from cachelib.model.traffic.workload import Workload
from tests.model.cases import small

MONTH = Workload(
    requests_per_month=400_000, keys=3_000, zipf=0.4, value_bytes=1_000, colos={"FRA": 1},
    reads_per_write=50,
)  # fmt: skip
ONE_IN = 5


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """All of a month, and what of it one key in five has."""
    trace = generate(MONTH, seed=5)
    taken = {key for key in trace.keys if zlib.crc32(key.encode()) % ONE_IN == 0}
    folder = tmp_path_factory.mktemp("logs")
    for name in ("all", "some"):
        with (folder / f"{name}.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["time", "key", "op", "bytes"])
            for time_s, key, op in zip(trace.time_s, trace.key, trace.op, strict=True):
                if name == "all" or trace.keys[key] in taken:
                    operation = "write" if op else "read"
                    rows.writerow([f"{time_s:.3f}", trace.keys[key], operation, 1_000])
    return {name: folder / f"{name}.csv" for name in ("all", "some")}


def study(logs: dict[str, Path], name: str, **changes: Any) -> Study:
    reading = {"sample_rate": 1 / ONE_IN, "sampled_by": "key"} if name == "some" else {}
    return small(log=logs[name], reading=reading, workload={"colos": {"FRA": 1}}, **changes)


@pytest.mark.parametrize("design", ["l1-only", "l1-kv", "kv-only"])
def test_formulas_ask_for_each_key_as_often_as_the_log_does(
    logs: dict[str, Path], design: str
) -> None:
    here = study(logs, "some")
    found = here.estimate(design).hit_ratio[0]
    assert found == pytest.approx(here.replay(design).hit_ratio, abs=0.01)
    assert found == pytest.approx(study(logs, "all").estimate(design).hit_ratio[0], abs=0.02)


def test_what_all_keys_share_is_shared_by_those_that_the_log_lacks_too(
    logs: dict[str, Path],
) -> None:
    found = {}
    for name in ("all", "some"):
        here = study(logs, name, platform={"kv_writes_a_day": 3_000, "isolate_memory_mb": 0.3})
        assert here.estimate("l1-only").hit_ratio[0] == pytest.approx(
            here.replay("l1-only").hit_ratio, abs=0.01
        )
        written = here.replay("kv-only").counts["kv_writes"]
        found[name] = (here.replay("l1-only").hit_ratio, written / here.span_s)
    assert found["some"] == pytest.approx(found["all"], rel=0.1)
