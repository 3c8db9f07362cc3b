"""From a log to a month: samples, places, warm caches, errors; and one day in many shapes."""

import csv
import gzip
import json
from dataclasses import replace

import numpy as np
import pytest

from cachelib.model.engines.replay import replay
from cachelib.model.judgement.log_replay import replay_log
from cachelib.model.judgement.steady import hit_ratio, share_by_blocks, warmed
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.traffic.generator import DAY_S, generate
from cachelib.model.traffic.logs import Reading, read_log
from cachelib.model.traffic.logs.anonymise import anonymised
from cachelib.model.traffic.made_whole import sampling_error, unsampled
from cachelib.model.traffic.places import spread
from cachelib.model.traffic.remarks import remarks
from cachelib.model.traffic.workload import Workload
from tests.model.cases import small

DAY = generate(
    Workload(requests_per_month=600_000, keys=300, zipf=1, value_bytes=10, colos={"LHR": 1}),
    seed=4,
    span_s=DAY_S,
)
ONE = Platform(profile="miniflare", isolates_per_colo=1)
L1 = BUILT_IN["l1-only"].model_copy(update={"l1_ttl_s": 300.0})
NASA = {
    "isolates": 4, "routing": "round-robin", "l1_ttl": 60.0, "l2_ttl": 300.0,
    "expiry": "inherited", "engine": "compiled",
}  # fmt: skip
GOLDEN = (30_969, 5_747, 12_296, 12_926)


def thinned(trace, rate, seed=1):
    return trace.only(np.random.default_rng(seed).random(len(trace)) < rate)


def test_a_sample_by_request_is_made_whole_within_its_stated_error():
    sample = thinned(DAY, 0.1)
    whole = unsampled(sample, 0.1, seed=2)
    assert len(whole) == pytest.approx(len(DAY), rel=0.05)
    truth, taken, made = (replay(t, L1, ONE).hit_ratio for t in (DAY, sample, whole))
    error = sampling_error(sample, 0.1)
    assert taken < truth - 0.2
    assert abs(made - truth) < error < truth - taken


def test_a_sample_of_all_is_the_log_itself():
    assert unsampled(DAY, 1.0, seed=1) is DAY


def test_requests_without_a_place_are_spread_by_weight_and_the_rest_stays():
    unplaced = replace(DAY, colo=(np.arange(len(DAY)) % 2).astype(np.int16), colos=["", "SYD"])
    placed = spread(unplaced, {"LHR": 3, "SYD": 1}, seed=1)
    share = np.bincount(placed.colo) / len(placed)
    assert dict(zip(placed.colos, share.tolist(), strict=True)) == pytest.approx(
        {"SYD": 0.5 + 0.125, "LHR": 0.375}, abs=0.02
    )
    assert "" not in placed.colos
    assert np.array_equal(placed.colo, spread(unplaced, {"LHR": 3, "SYD": 1}, seed=1).colo)


def test_the_first_misses_of_a_short_log_are_not_multiplied():
    for ttl, better in ((1_200.0, 3), (3_600.0, 1)):
        design = L1.model_copy(update={"l1_ttl_s": ttl})
        truth = replay(DAY, design, ONE).tier[len(DAY) // 10 :] == 0
        hours = [DAY.only((DAY.time_s // 3_600) == hour) for hour in range(2, 24)]
        cold, warm = (
            np.mean([run(hour, design, ONE).hit_ratio for hour in hours])
            for run in (replay, warmed)
        )
        assert abs(warm - truth.mean()) < abs(cold - truth.mean()) / better


def test_a_warmed_replay_counts_the_logs_requests_and_no_other():
    result = warmed(DAY, L1, ONE)
    assert (result.requests, len(result.tier)) == (len(DAY), len(DAY))
    assert result.l1_hits + result.origin_loads == len(DAY)
    assert result.tally.latency.counts.sum() == len(DAY)


def test_intervals_by_blocks_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(1_000):
        event = rng.random(2_000) < 0.3
        found = share_by_blocks(np.sort(rng.random(2_000)), event)
        held += found.low <= 0.3 <= found.high
    assert 925 <= held <= 975


def test_a_hit_ratio_has_an_interval():
    found = hit_ratio(DAY, warmed(DAY, L1, ONE))
    assert 0 < found.low < found.value < found.high < 1


def test_an_anonymised_trace_gives_equal_results_and_names_nobody(tmp_path):
    log = tmp_path / "access.log"
    log.write_text(
        "".join(
            f"192.0.2.{i % 9} - - [10/Oct/2025:13:{i // 60:02d}:{i % 60:02d} +0000]"
            f' "{"PUT" if i % 50 == 0 else "GET"} /secret/{i * i % 23} HTTP/1.1" 200 {i}'
            ' "-" "Agent X"\n'
            for i in range(900)
        )
    )
    out = tmp_path / "shared.parquet"
    anonymised(log, out)
    before, after = replay_log(log, **NASA), replay_log(out, **NASA)
    for name in ("requests", "keys", "l1_hits", "l2_hits", "origin_loads", "designs"):
        assert before[name] == after[name]
    kept = out.read_bytes()
    assert not any(word in kept for word in (b"secret", b"192.0", b"Agent"))
    assert np.array_equal(read_log(log).size, read_log(out).size)


def logpush_rows(traces):
    with gzip.open(traces / "nasa-1995-08-01.logpush.ndjson.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


@pytest.mark.parametrize("shape", ["array", "indented", "enveloped", "csv", "24 files"])
def test_the_real_day_gives_the_golden_counts_in_every_shape(traces, tmp_path, shape):
    rows = logpush_rows(traces)
    path = tmp_path / "day.json"
    if shape == "array":
        path.write_text(json.dumps(rows))
    elif shape == "indented":
        path.write_text("\n".join(json.dumps(row, indent=4) for row in rows))
    elif shape == "enveloped":
        path.write_text(json.dumps({"result": {"logs": rows}}))
    elif shape == "csv":
        path = tmp_path / "day.csv"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys(), quoting=csv.QUOTE_NONNUMERIC)
            writer.writeheader()
            writer.writerows(rows)
    else:
        path = tmp_path / "day"
        path.mkdir()
        for hour in range(24):
            part = rows[hour * len(rows) // 24 : (hour + 1) * len(rows) // 24]
            text = "".join(json.dumps(row) + "\n" for row in part)
            (path / f"{hour:02d}.ndjson.gz").write_bytes(gzip.compress(text.encode()))
    got = replay_log(path, **NASA)
    found = tuple(got[name] for name in ("requests", "l1_hits", "l2_hits", "origin_loads"))
    assert found == GOLDEN


def test_the_real_day_sampled_by_key_gives_the_same_ratio_within_its_error(traces):
    day = read_log(traces / "nasa-1995-08-01.clf.gz")
    ratios = []
    for part in range(10):
        sample = day.only(day.key % 10 == part)
        ratios.append((len(sample), replay(sample, L1, ONE).l1_hits))
    asked, hits = np.array(ratios).T
    error = np.sqrt(((hits / asked - hits.sum() / asked.sum()) ** 2).mean() / 10)
    assert hits.sum() / len(day) == pytest.approx(18_043 / 30_969, abs=3 * error)


def test_a_reading_by_key_scales_the_month(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("time,key\n" + "".join(f"{i * 60},k{i % 3}\n" for i in range(90)))
    reading = Reading(sample_rate=0.1, sampled_by="key")
    got = replay_log(path, reading=reading, **NASA)
    assert any("10 per cent of the keys" in note for note in got["notes"])


@pytest.mark.parametrize(("stated", "told"), [
    (3_000, "(76 per cent less)"), (1_000, "(28 per cent less)"), (580, "(24 per cent more)"),
    (200, "(3.6 times as much)"), (800, None), (721, None), (630, None),
])  # fmt: skip
def test_a_log_of_another_traffic_than_the_case_says_is_told_of(tmp_path, stated, told):
    log = tmp_path / "access.log"
    hour = '127.0.0.1 - - [{:02d}/Aug/2026:{:02d}:10:00 +0000] "GET /{} HTTP/1.1" 200 500\n'
    log.write_text("".join(hour.format(1 + n // 24, n % 24, n % 40) for n in range(720)), "utf-8")
    study = small(log=log, workload={"requests_per_month": stated})
    said = [remark.says for remark in study.remarks if remark.kind == "unlike"]
    assert bool(said) == bool(told)
    assert not told or said[0].startswith(
        f"The log has 721 requests a month, the case's workload {stated:,} {told};"
    )


@pytest.mark.parametrize(
    ("places", "said"),
    [
        (["AMS", "AMS", "FRA"], None),  # as the case has it
        (["AMS", "FRA"], "AMS (50 per cent) and FRA (50 per cent); the case's workload has AMS"),
        (["SJC"], "SJC (100 per cent); the case's workload has AMS (67 per cent) and FRA (33"),
        (["SJC", "IAD", "LHR", "MAD"], "IAD (25 per cent), LHR (25 per cent), MAD (25 per cent) and"
         " 1 more; the case's"),
        (None, None),
    ],
)  # fmt: skip
def test_a_log_from_other_places_than_the_case_has_is_told_of(tmp_path, places, said):
    log = tmp_path / "log.csv"
    named = ["," + place for place in places] if places else [""]
    rows = [f"{n * 3600},/{n % 40}{named[n % len(named)]}" for n in range(720)]
    log.write_text("\n".join(["time,key" + (",colo" if places else ""), *rows]), "utf-8")
    told = [remark.says for remark in small(log=log).remarks if "requests arrive" in remark.says]
    assert len(told) == bool(said)
    assert not said or f"The log says where requests arrive, {said}" in told[0]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ([f"/p?a=1&utm_source={n}" for n in range(99)], "99 of 99 keys"),
        ([f"/p?fbclid={n}" for n in range(2)] + [f"/{n}" for n in range(98)], "2 of 100 keys"),
        (["/p?fbclid=1"] + [f"/{n}" for n in range(199)], None),  # no more than one in a hundred
        ([f"/utm_source={n}?a=utm_source&utm={n}" for n in range(99)], None),
    ],
)
def test_keys_that_follow_a_reader_are_told(tmp_path, keys, said):
    log = tmp_path / "log.csv"
    log.write_text("time,url\n" + "".join(f"{n},{key}\n" for n, key in enumerate(keys)))
    told = [r for r in remarks(read_log(log).account, Reading()) if r.kind == "keys"]
    assert [remark.says[: len(said or "")] for remark in told] == ([said] if said else [])
    plain = Reading(normalise=("no-tracking-parameters",))
    assert not [r for r in remarks(read_log(log, plain).account, plain) if r.kind == "keys"]
