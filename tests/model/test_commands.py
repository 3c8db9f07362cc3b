"""What the command line calls: a log in, numbers as JSON out."""

import json

import pytest

from cachelib.model.engines.mrc import mrc_log
from cachelib.model.judgement.fit import fit_log
from cachelib.model.judgement.log_replay import replay_log
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.tiers.design import DesignError
from cachelib.model.traffic.logs import LogError, Reading

DAY = {
    "isolates": 4, "routing": "round-robin", "l1_ttl": 60.0, "l2_ttl": 300.0,
    "expiry": "inherited",
}  # fmt: skip


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("time,key,colo\n" + "".join(f"{i},k{i % 3},LHR\n" for i in range(90)))
    return path


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_replay_prints_the_golden_counts(traces, engine):
    got = replay_log(traces / "nasa-1995-08-01.clf.gz", engine=engine, **DAY)
    assert {name: got[name] for name in ("requests", "keys", "skipped_lines")} == {
        "requests": 30_969, "keys": 2_088, "skipped_lines": 0,
    }  # fmt: skip
    assert (got["l1_hits"], got["l2_hits"], got["origin_loads"]) == (5_747, 12_296, 12_926)


def test_replay_runs_every_design_on_the_colos_of_the_log(traces):
    path = traces / "nasa-1995-08-01.logpush.ndjson.gz"
    got = replay_log(path, engine="compiled", designs=list(BUILT_IN), by_colo=True, **DAY)
    json.dumps(got, allow_nan=False)
    by_name = {design["design"]: design for design in got["designs"]}
    assert list(by_name) == list(BUILT_IN)
    assert len(by_name["l1-kv"]["latency_by_region"]) > 3
    assert by_name["l1-kv"]["origin_loads"] > 12_926  # negative look-ups in other colos
    assert by_name["durable-object"]["origin_loads"] == 12_926


def test_replay_takes_key_and_filter(log):
    reading = Reading(key="'one'", where="key <> 'k2'")
    got = replay_log(log, reading=reading, **DAY | {"l1_ttl": None})
    assert (got["requests"], got["keys"], got["origin_loads"]) == (60, 1, 1)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"designs": ["l2"]}, "designs: 'l2' is unknown; there are origin-only"),
        ({"designs": ["kv-only"], "expiry": "sliding"}, "kv-only: expiry: 'sliding' renews"),
        ({"l2_ttl": 30.0, "by_colo": True}, "l1-kv: l2_ttl_s: KV expires nothing before 60 s"),
    ],
)
def test_replay_of_a_design_that_cannot_be_says_why(log, changed, said):
    with pytest.raises(DesignError, match=said):
        replay_log(log, **DAY | changed)


def test_a_log_out_of_order_is_sorted_and_it_is_said(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("time,key\n100,a\n0,a\n")
    got = replay_log(path, **DAY | {"isolates": 1})
    assert (got["origin_loads"], got["l2_hits"]) == (1, 1)
    assert "requests were out of order: sorted by time" in got["notes"]


def test_mrc_prints_entries_hits_and_ratio(traces):
    got = mrc_log(traces / "nasa-1995-08-01.clf.gz", sizes=[100, 1_000])
    assert [(row["entries"], row["hits"]) for row in got["curve"]] == [
        (100, 20_067),
        (1_000, 28_196),
    ]
    assert got["curve"][0]["hit_ratio"] == 20_067 / 30_969
    assert got["exact"]


def test_mrc_says_that_writes_and_deletes_count_as_uses(tmp_path):
    log = tmp_path / "t.csv"
    log.write_text("time,key,op\n" + "1,a,get\n2,a,set\n3,a,get\n4,a,delete\n" * 10)
    assert any("20 of 40 requests write or delete" in note for note in mrc_log(log)["notes"])
    log.write_text("time,key,op\n" + "1,a,get\n2,a,get\n" * 20)
    assert not any("write or delete" in note for note in mrc_log(log)["notes"])


def test_mrc_samples_with_an_error(traces):
    got = mrc_log(traces / "cloudphysics.oracleGeneral.bin", sizes=[10_000], sample_rate=0.2)
    (row,) = got["curve"]
    assert abs(row["hit_ratio"] - 34_434 / 113_872) < 5 * row["standard_error"] < 0.2


def test_workload_fit_prints_parameters_and_how_well_they_fit(log):
    got = fit_log(log)
    json.dumps(got, allow_nan=False)
    assert got["workload"]["keys"] == 3
    assert got["workload"]["colos"] == {"LHR": 1.0}
    assert 0 <= got["popularity_off"] < 0.1


def test_an_empty_log_is_an_error_for_all(tmp_path):
    path = tmp_path / "empty.log"
    path.write_bytes(b"")
    for command in (mrc_log, fit_log, lambda p: replay_log(p, **DAY)):
        with pytest.raises(LogError, match="empty"):
            command(path)
