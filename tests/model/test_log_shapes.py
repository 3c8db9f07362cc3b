"""One day in every shape that logs have: the same requests, and the same answers."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cachelib.model.judgement.decision import Decision
from cachelib.model.judgement.intervals import resolution
from cachelib.model.judgement.log_replay import replay_log
from cachelib.model.judgement.metrics import measure
from cachelib.model.judgement.options import options, simulate
from cachelib.model.judgement.study import Study
from cachelib.model.traffic.from_log import from_log
from cachelib.model.traffic.generator import DAY_S, generate
from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.workload import Workload
from tests.model.cases import small

START_S = 1_760_000_000
KEYS, PLACE = 1_500, "FRA"
Row = tuple[int, str, str, int]  # second, method, path, bytes


def rows_of_a_day() -> list[Row]:
    """To the second, as Common Log Format has it; one request in fifty writes."""
    made = generate(
        Workload(
            requests_per_month=360_000, keys=KEYS, zipf=0.7, value_bytes=10, colos={PLACE: 1},
            reads_per_write=50, daily_swing=0.5,
        ),
        seed=3,
        span_s=DAY_S,
    )  # fmt: skip
    return [
        (START_S + int(t), "PUT" if op else "GET", f"/item/{k}?lang=en", 100 + int(k))
        for t, op, k in zip(made.time_s, made.op, made.key, strict=True)
    ]


DAY = rows_of_a_day()


def clf(rows: list[Row]) -> str:
    return "".join(
        f"192.0.2.1 - - [{datetime.fromtimestamp(t, UTC):%d/%b/%Y:%H:%M:%S +0000}]"
        f' "{method} {path} HTTP/1.1" 200 {size}\n'
        for t, method, path, size in rows
    )


def logpush(rows: list[Row]) -> Iterator[dict[str, Any]]:
    for t, method, path, size in rows:
        yield {
            "EdgeStartTimestamp": f"{datetime.fromtimestamp(t, UTC):%Y-%m-%dT%H:%M:%SZ}",
            "ClientRequestMethod": method, "ClientRequestURI": path, "EdgeColoCode": PLACE,
            "EdgeResponseStatus": 200, "EdgeResponseBytes": size,
        }  # fmt: skip


def nested(rows: list[Row]) -> Iterator[dict[str, Any]]:
    for t, method, path, size in rows:
        request = {"method": method, "url": path}
        yield {"ts": t * 1_000, "request": request, "response": {"status": 200}, "bytes": size}


def lines(objects: Iterator[dict[str, Any]]) -> str:
    return "".join(json.dumps(each) + "\n" for each in objects)


def as_csv(rows: list[Row]) -> str:
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(["timestamp", "method", "url", "size", "colo"])
    writer.writerows([t * 10**6, method, path, size, PLACE] for t, method, path, size in rows)
    return table.getvalue()


SHAPES: dict[str, Callable[[list[Row]], str]] = {
    "access.log": clf,
    "logpush.ndjson": lambda rows: lines(logpush(rows)),
    "array.json": lambda rows: json.dumps(list(logpush(rows))),
    "indented.json": lambda rows: "\n".join(json.dumps(o, indent=2) for o in nested(rows)),
    "envelope.json": lambda rows: json.dumps({"result": {"events": list(nested(rows))}}),
    "table.csv": as_csv,
}


def written(folder: Path, name: str) -> Path:
    if name != "24 files":
        path = folder / name
        path.write_text(SHAPES[name](DAY))
        return path
    hours = folder / "hours"
    hours.mkdir(exist_ok=True)
    for hour in range(24):
        part = [row for row in DAY if (row[0] - START_S) // 3_600 == hour]
        packed = gzip.compress(lines(logpush(part)).encode())
        (hours / f"{hour:02d}.ndjson.gz").write_bytes(packed)
    return hours


def answers(path: Path) -> dict[str, Any]:
    found = replay_log(
        path, isolates=3, routing="round-robin", l1_ttl=60.0, l2_ttl=600.0, expiry="inherited",
        engine="compiled", by_colo=False,
    )  # fmt: skip
    return {name: found[name] for name in ("requests", "keys", "l1_hits", "l2_hits", "designs")}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Counted without the reader: the requests as they were made."""
    by_hand = tmp_path_factory.mktemp("by-hand") / "day.csv"
    by_hand.write_text("time,key,op,size\n" + "".join(
        f"{t},{path},{'write' if method == 'PUT' else 'read'},{size}\n"
        for t, method, path, size in DAY
    ))  # fmt: skip
    return answers(by_hand)


@pytest.mark.parametrize("name", [*SHAPES, "24 files"])
def test_every_shape_has_the_same_requests_and_the_same_answers(
    tmp_path: Path, name: str, expected: dict[str, Any]
) -> None:
    path = written(tmp_path, name)
    assert answers(path) == expected
    trace = from_log(path, Reading(), places={PLACE: 1}, seed=1)
    assert trace.time_s.tolist() == [row[0] for row in DAY]
    assert [trace.keys[k] for k in trace.key] == [row[2] for row in DAY]
    assert trace.size.tolist() == [row[3] for row in DAY]
    assert trace.colos == [PLACE]


def test_a_log_with_places_and_one_without_make_the_same_decision(tmp_path: Path) -> None:
    found = [
        Decision(small(log=written(tmp_path, name), workload={"colos": {PLACE: 1}}), 100)
        for name in ("access.log", "envelope.json")
    ]
    first, second = (repr(decision.measured) for decision in found)  # hours not stated are NaN
    assert first == second
    assert found[0].chosen == found[1].chosen


def test_a_tenth_of_the_keys_says_the_same_within_its_stated_error(tmp_path: Path) -> None:
    names = ["hit_ratio", "origin_loads_per_month"]
    whole = small(log=written(tmp_path, "access.log"), designs=["l1-kv"])
    (option,) = options(whole)
    truth = measure(whole, option, simulate(whole, option), names)
    within: dict[str, list[bool]] = {name: [] for name in names}
    stated = []
    for part in range(10):
        path = tmp_path / f"tenth-{part}.log"
        path.write_text(clf([r for r in DAY if int(r[2][6:].split("?")[0]) * 7 % 10 == part]))
        reading = Reading(sample_rate=0.1, sampled_by="key")
        study = Study(whole.case.model_copy(update={"log": reading}), log=path)
        found = measure(study, option, simulate(study, option), names)
        error = resolution(study, [option], names, {option.name: found})
        stated.append(float(error["hit_ratio"][0]))
        for name in names:
            within[name].append(abs(found[name] - truth[name]) <= float(error[name][0]))
    for name in names:
        assert np.mean(within[name]) >= 0.9, name
    assert np.median(stated) < 0.3  # the popular keys of this day are dealt out, one to each tenth
