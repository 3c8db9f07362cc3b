"""A log that is a sample, short, or undecided: told from its marks, and never silently believed."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from cachelib.cli import main
from cachelib.model.judgement import draws, intervals
from cachelib.model.judgement.decision import Decision
from cachelib.model.judgement.options import options, simulate
from cachelib.model.judgement.study import Study
from cachelib.model.traffic.account import UnansweredError
from cachelib.model.traffic.logs import LogError, Reading, read_log
from cachelib.model.traffic.remarks import answered, remarks
from cachelib.report.experiments.parameters import settle
from cachelib.report.experiments.sampled_logs import as_configured
from tests.model.cases import BASE, raw, small


def events(n):
    return [
        {"timestamp": 1_760_000_000_000 + 1_000 * i,
         "$workers": {"scriptName": "w", "event": {
             "request": {"url": f"https://w.example/{i % 5}", "method": "GET"},
             "response": {"status": 200}}}}
        for i in range(n)
    ]  # fmt: skip


@pytest.fixture
def workers_log(tmp_path):
    path = tmp_path / "workers.json"
    path.write_text(json.dumps({"result": {"events": events(60)}}))
    return path


@pytest.fixture
def repository(tmp_path):
    def write(text, name="wrangler.jsonc"):
        folder = tmp_path / "repository"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text)
        return folder

    return write


def table(tmp_path, column, values):
    path = tmp_path / "export.csv"
    rows = "".join(f"{i},/{i % 7},{values[i % len(values)]}\n" for i in range(60))
    path.write_text(f"timestamp,url,{column}\n{rows}")
    return path


@pytest.mark.parametrize(
    ("column", "value", "rate"),
    [("SampleInterval", 10, "0.1"), ("_sample_interval", 4, "0.25"), ("sample_rate", 0.05, "0.05")],
)
def test_a_column_that_says_it_is_a_sample_has_to_be_answered(tmp_path, column, value, rate):
    path = table(tmp_path, column, [value])
    with pytest.raises(UnansweredError, match=f"{column} is .*--sample-rate {rate};"):
        answered(remarks(read_log(path).account, Reading()))
    for said in (float(rate), 1.0):
        reading = Reading(sample_rate=said)
        answered(remarks(read_log(path, reading).account, reading))


def test_a_column_that_says_it_is_whole_asks_nothing(tmp_path):
    path = table(tmp_path, "sampleInterval", [1])
    kinds = [remark.kind for remark in remarks(read_log(path).account, Reading())]
    assert "sampled" not in kinds


def test_a_rate_that_changes_from_row_to_row_is_no_one_rate(tmp_path):
    path = table(tmp_path, "SampleInterval", [1, 10, 100])
    with pytest.raises(UnansweredError, match=r"a rate that changes: .* 3 values, from 1 to 100"):
        answered(remarks(read_log(path).account, Reading()))


def test_wrangler_tail_s_own_note_that_it_left_out_requests_is_heard(tmp_path):
    rows = [
        {"outcome": "ok", "scriptName": "w", "eventTimestamp": 1_760_000_000_000 + i,
         "event": {"request": {"url": f"https://w.example/{i % 3}", "method": "GET",
                               "cf": {"colo": "LHR"}}}}
        for i in range(50)
    ]  # fmt: skip
    note = {
        "outcome": "unknown",
        "eventTimestamp": 1_760_000_000_010,
        "event": {"type": "overload", "message": "Tail is currently in sampling mode"},
    }
    path = tmp_path / "tail.json"
    path.write_text("\n".join(json.dumps(row, indent=4) for row in [*rows[:9], note, *rows[9:]]))
    trace = read_log(path)
    assert len(trace) == 50
    assert sum(trace.account.filtered.values()) == 1
    with pytest.raises(UnansweredError, match=r"left some out.*--sample-rate"):
        answered(remarks(trace.account, Reading()))
    whole = tmp_path / "whole.json"
    whole.write_text("\n".join(json.dumps(row) for row in rows))
    answered(remarks(read_log(whole).account, Reading()))


RATE = '{"name": "w", "observability": {"enabled": true,\n  "head_sampling_rate": 0.25}}'


def test_the_rate_is_taken_from_the_worker_s_configuration(workers_log, repository):
    folder = repository(RATE)
    for place in (folder, folder / "wrangler.jsonc"):
        reading = as_configured(Reading(), [workers_log], place)
        assert reading.rate == 0.25
        (told,) = (
            r for r in remarks(read_log(workers_log).account, reading) if r.kind == "sampled"
        )
        assert "25 per cent of the requests" in told.says
        assert "head_sampling_rate in wrangler.jsonc, line 2" in told.says


def test_what_is_said_of_the_logs_themselves_comes_first(workers_log, repository):
    text = (
        "[observability]\nhead_sampling_rate = 1\n[observability.logs]\nhead_sampling_rate = 0.5\n"
    )
    folder = repository(text, "wrangler.toml")
    assert as_configured(Reading(), [workers_log], folder).rate == 0.5


def test_environments_that_disagree_have_to_be_told_apart(workers_log, repository):
    text = ('{"observability": {"head_sampling_rate": 0.5},'
            ' "env": {"live": {"observability": {"head_sampling_rate": 0.1}}}}')  # fmt: skip
    with pytest.raises(LogError, match=r"0\.5 in line 1, 0\.1 in line 1: say which one"):
        as_configured(Reading(), [workers_log], repository(text))


def test_a_rate_said_by_the_reader_stands_and_other_logs_are_not_sampled_so(
    workers_log, repository, tmp_path
):
    folder = repository(RATE)
    assert as_configured(Reading(sample_rate=1), [workers_log], folder).rate == 1
    other = tmp_path / "a.csv"
    other.write_text("time,key\n1,a\n")
    assert as_configured(Reading(), [other], folder).rate == 1
    assert as_configured(Reading(), [workers_log], repository("{}")).rate == 1


def test_a_report_takes_the_rate_from_its_case_s_repository(workers_log, repository):
    folder = repository(RATE)
    file = folder.parent / "case.yaml"
    file.write_text(json.dumps(raw(system={"path": "repository"})))
    case = {"case": str(file), "trace": str(workers_log), "live_designs": ["l1-kv"]}
    settled = settle(case)
    assert settled.case.log.rate == 0.25
    again = settle({**case, **settled.for_kernels})
    assert again.case.log == settled.case.log
    assert settle(case | {"log.sample_rate": 1}).case.log.rate == 1


# -- commands that only look at a log ------------------------------------------------------


def run(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.mark.parametrize("command", [("replay",), ("mrc",), ("workload", "fit")])
def test_what_would_make_the_numbers_false_has_to_be_answered_first(tmp_path, command):
    path = tmp_path / "posts.csv"
    path.write_text("time,url,method\n" + "".join(f"{i},/a{i % 7},POST\n" for i in range(90)))
    done = run(*command, path, "--json")
    assert done.exit_code == 2
    assert not done.stdout
    assert "90 of 90 requests are POST" in done.stderr
    assert "--method POST=ignore" in done.stderr
    assert run(*command, path, "--json", "--method", "POST=read").exit_code == 0


@pytest.mark.parametrize("command", [("replay",), ("mrc",), ("workload", "fit")])
def test_a_log_that_says_it_is_a_sample_is_not_taken_for_the_whole(tmp_path, command):
    path = tmp_path / "kept.csv"
    path.write_text("time,url,sample_rate\n" + "".join(f"{i},/a{i % 7},0.1\n" for i in range(90)))
    done = run(*command, path)
    assert done.exit_code == 2
    assert "--sample-rate 0.1" in done.stderr
    assert run(*command, path, "--sample-rate", "1").exit_code == 0


@pytest.fixture
def untimed(tmp_path):
    path = tmp_path / "a.keys"
    path.write_text("".join(f"{i % 9}\n" for i in range(90)))
    return path


@pytest.mark.parametrize(
    "command",
    [("replay", "--l1-ttl", "60"), ("replay", "--l2-ttl", "60"), ("workload", "fit")],
)
def test_no_time_is_invented_where_the_answer_hangs_on_it(untimed, command):
    done = run(*command, untimed)
    assert done.exit_code == 2
    assert "The log has no times" in done.stderr
    assert "--rate" in done.stderr
    assert run(*command, untimed, "--rate", "2").exit_code == 0


def test_order_alone_tells_of_caches_that_keep_everything_but_not_of_a_month(untimed):
    assert run("mrc", untimed).exit_code == 0
    done = run("replay", untimed, "--json")
    assert (done.exit_code, json.loads(done.stdout)["origin_loads"]) == (0, 9)
    (design,) = json.loads(done.stdout)["designs"]
    assert design["bill_per_month"].startswith("The log has no times")
    answered_ = run("replay", untimed, "--json", "--rate", "2")
    (design,) = json.loads(answered_.stdout)["designs"]
    assert float(design["bill_per_month"]["charged"]) > 0


def test_a_trace_to_share_hides_no_open_question(untimed, tmp_path):
    out = tmp_path / "shared.parquet"
    done = run("log", untimed, "--anonymise", out)
    assert done.exit_code == 2
    assert "The log has no times" in done.stderr
    assert not out.exists()
    assert (
        run("log", untimed, "--rate", "2", "--anonymise", out, "--sample-rate", "0.5").exit_code
        == 0
    )
    assert "--sample-rate 0.5" in run("mrc", out).stderr
    assert run("mrc", out, "--sample-rate", "0.5").exit_code == 0


def test_a_few_requests_are_counted_and_make_no_month(tmp_path):
    path = tmp_path / "few.csv"
    path.write_text("time,key\n1,a\n2,a\n")
    found = json.loads(run("replay", path, "--json").stdout)
    assert (found["requests"], found["l1_hits"]) == (2, 1)
    assert found["designs"][0]["bill_per_month"].startswith("The log holds 2 requests")
    done = run("workload", "fit", path)
    assert done.exit_code == 2
    assert "Give a longer log" in done.stderr


def test_requests_without_a_place_are_not_put_into_one_by_colo(tmp_path):
    path = tmp_path / "nowhere.csv"
    path.write_text("time,key,pop\n" + "".join(f"{i},k{i % 3},\n" for i in range(40)))
    done = run("replay", path, "--by-colo")
    assert done.exit_code == 2
    assert "names no data centre" in done.stderr
    assert "(--column colo=NAME), or leave out --by-colo" in done.stderr
    assert run("replay", path).exit_code == 0


def test_a_log_shorter_than_its_lives_says_what_it_cannot_tell(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("time,key\n" + "".join(f"{i * 60},k{i % 3}\n" for i in range(90)))
    done = CliRunner().invoke(main, ["replay", str(path), "--l2-ttl", "86400", "--json"])
    told = json.loads(done.stdout)["remarks"]
    assert any("cannot tell how often one is asked for again after it ends" in r for r in told)


# -- how sure ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hours_of_log(tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / "log.csv"
    rng = np.random.default_rng(2)
    time = np.sort(rng.uniform(0, 200_000, 2_500))
    key = (rng.pareto(1, 2_500) * 3).astype(int) % 60
    path.write_text(
        "time,key\n" + "".join(f"{t:.2f},k{k}\n" for t, k in zip(time, key, strict=True))
    )
    return path


def test_the_chance_in_a_log_is_drawn_and_that_of_made_traffic_is_not(hours_of_log):
    study = small(log=hours_of_log)
    drawn = draws.draw(study, options(study), 4_000, seed=1)[draws.CHANCE]
    assert abs(drawn.mean()) < 0.05
    assert drawn.std() == pytest.approx(1, abs=0.03)
    assert draws.CHANCE not in draws.ranges(small(), options(small()))


def test_a_limit_within_a_log_s_error_is_kept_in_some_draws_and_broken_in_others(hours_of_log):
    known = {
        name: number | {"low": number["value"], "high": number["value"]}
        for name, number in BASE["assumptions"].items()
    }
    said = {"designs": ["l1-kv"], "assumptions": known}
    first = Decision(small(log=hours_of_log, **said), 400)
    measured = first.measured["l1-kv"]["hit_ratio"]
    half = float(first.resolution["hit_ratio"][0])
    assert half > 0.005
    limit = {"metric": "hit_ratio", "at_least": measured - half / 2, "why": "w"}
    decision = Decision(small(log=hours_of_log, criteria={"limits": [limit]}, **said), 400)
    assert decision.chosen is not None
    assert 0.7 < decision.sureness["l1-kv"].keeps.value < 0.97  # one standard error of room: 84 %


@pytest.mark.parametrize("by", ["key", "request"])
def test_a_sample_is_less_sure_than_the_whole(hours_of_log, by):
    whole = small(log=hours_of_log, designs=["l1-kv"])
    reading = Reading(sample_rate=0.2, sampled_by=by)
    part = Study(whole.case.model_copy(update={"log": reading}), log=hours_of_log)
    one, other = (
        intervals.resolution(study, (option := options(study)), ["hit_ratio"],
                             {o.name: {"hit_ratio": simulate(study, o).hit_ratio} for o in option})
        for study in (whole, part)
    )  # fmt: skip
    assert other["hit_ratio"][0] > one["hit_ratio"][0] > 0
