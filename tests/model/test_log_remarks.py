"""What a decision says of the log that it rests on, beside what it has to be told first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cachelib.model.traffic.account import Account, Remark, UnansweredError
from cachelib.model.traffic.from_log import from_log
from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs import read_log
from cachelib.model.traffic.logs.anonymise import anonymised
from cachelib.model.traffic.logs.reading import in_order
from cachelib.model.traffic.remarks import keys_unlike, remarks
from cachelib.model.traffic.trace import WRITE
from tests.model.cases import small

START = 1_760_000_000
DAY_S = 86_400.0


def written(folder: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path = folder / "log.ndjson"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def request(n: int, **more: Any) -> dict[str, Any]:
    return {"time": START + 60 * n, "url": f"/shop/{n % 50}", "colo": "FRA"} | more


def said(path: Path, **reading: Any) -> dict[str, str]:
    chosen = Reading.model_validate(reading)
    trace = from_log(path, chosen, places={"FRA": 1}, seed=1)
    return {remark.kind: remark.says for remark in remarks(trace.account, chosen)}


DAY = [request(n) for n in range(2_000)]
WEEK = [request(5 * n) for n in range(2_016)]


def test_a_whole_log_with_places_and_of_a_week_needs_no_remark(tmp_path: Path) -> None:
    assert said(written(tmp_path, WEEK)) == {}


def test_a_log_of_less_than_a_week_says_that_all_days_are_taken_to_be_alike(
    tmp_path: Path,
) -> None:
    assert said(written(tmp_path, DAY)) == {
        "short": "The log covers 33.3 hours; a month is made of it as if all days were alike."
    }
    assert "hours and days" in said(written(tmp_path, DAY[:1_200]))["short"]


def test_rows_delivered_twice_are_said_where_they_are_many(tmp_path: Path) -> None:
    once = [request(5 * n, id=n) for n in range(2_000)]
    assert said(written(tmp_path, [*once, *once[:15]])) == {}
    assert (
        "100 of 2,100 rows say what another says"
        in said(written(tmp_path, [*once, *once[:100]]))["twice"]
    )


def test_what_is_left_out_is_said_where_it_is_much_and_not_the_users_own(tmp_path: Path) -> None:
    rows = [request(n, status=503 if n % 4 == 0 else 200) for n in range(2_000)]
    path = written(tmp_path, rows)
    assert "500 of 2,000 rows are left out" in said(path)["filtered"]
    assert "status 503 (500)" in said(path)["filtered"]
    assert "filtered" not in said(path, where="status = 200", statuses={503: "read"})


@pytest.mark.parametrize(
    ("prefix", "is_said"), [("/shop/", False), ("/prices/", True), ("/", False)]
)
def test_keys_that_are_none_of_the_cases_are_said(
    tmp_path: Path, prefix: str, is_said: bool
) -> None:
    study = small(log=written(tmp_path, DAY), workload={"key_prefix": prefix, "colos": {"FRA": 1}})
    told = [remark.says for remark in study.remarks if "for keys with" in remark.says]
    assert [text.startswith("None of the log's 2,000 requests") for text in told] == [
        True
    ] * is_said


def test_of_hashed_keys_nobody_says_what_they_are_unlike(tmp_path: Path) -> None:
    shared = tmp_path / "shared.parquet"
    anonymised([written(tmp_path, DAY)], shared, Reading())
    trace = from_log(shared, Reading(), places={"FRA": 1}, seed=1)
    assert keys_unlike(trace, "/prices/") == []


@pytest.mark.parametrize(
    ("life_s", "told"),
    [
        (DAY_S, "for 24 hours, as long as the log lasts: it"),
        (10 * DAY_S, "for 10 days, longer than the log's 24 hours: it"),
    ],
)
def test_two_times_that_read_the_same_are_not_said_to_differ(life_s: float, told: str) -> None:
    day = Account("csv", "w", rows=9_999, requests=9_999, span_s=DAY_S - 1)
    found = [remark.says for remark in remarks(day, Reading(), ttl_s=life_s)]
    assert [said for said in found if told in said and said.startswith("Values may live")]


def test_a_log_whose_other_columns_say_no_method_and_no_status_says_what_that_makes_of_it(
    tmp_path: Path,
) -> None:
    other = [request(5 * n, did="GET" if n % 3 else "PUT", went="503") for n in range(2_016)]
    told = said(written(tmp_path, other))["unsaid"]
    assert "No column of the log was taken for the method or the status" in told
    assert "--column method=NAME --column status=NAME" in told
    one = [row | {"method": "GET"} for row in other]
    assert "--column status=NAME" in said(written(tmp_path, one))["unsaid"]
    both = [row | {"status": 200} for row in one]
    assert "unsaid" not in said(written(tmp_path, both))
    named = {"columns": {"method": "did", "status": "went"}, "statuses": {503: "read"}}
    assert "unsaid" not in said(written(tmp_path, other), **named)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ({"req": {"method": "PUT", "url": "/a"}}, {"res": {"statusCode": 201}}),
        ({"http": {"req": {"verb": "PUT", "target": "/a"}}}, {"http2": {"resp": {"code": 201}}}),
        ({"http": {"request": {"verb": "PUT", "path": "/a"}}}, {"response": {"status_code": 201}}),
        (
            {"log": {"request": {"method": "PUT", "uri": "/a"}}},
            {"log2": {"response": {"code": 201}}},
        ),
        ({"http": {"verb": "PUT", "target": "/a"}}, {"http2": {"rsp": {"status": 201}}}),
    ],
)
def test_a_method_and_a_status_in_records_are_found_as_flat_ones_are(
    asked: dict[str, Any], answered: dict[str, Any], tmp_path: Path
) -> None:
    rows = [{"ts": START + n, "pod": "a"} | asked | answered for n in range(40)]
    trace = from_log(written(tmp_path, rows), Reading(), places={"FRA": 1}, seed=1)
    assert trace.account is not None
    assert {"key", "method", "status"} <= set(trace.account.mapping)
    assert set(trace.op.tolist()) == {WRITE}


def local(hours: Sequence[float], days: int = 0) -> list[dict[str, Any]]:
    """A request a minute of each of these hours of a night, as a clock on the wall has them."""
    night = datetime(2025, 10, 26, tzinfo=UTC)
    at = (night + timedelta(days=days, hours=h, minutes=m) for h in hours for m in range(60))
    rows = enumerate(f"{each:%Y-%m-%d %H:%M:%S}" for each in at)
    return [request(n, time=time) for n, time in rows]


def noticed(path: Path) -> list[Remark]:
    account = read_log(path, Reading()).account
    return [each for each in remarks(account, Reading()) if each.kind == "clock"]


def test_an_hour_that_comes_twice_is_said_and_asked_about(tmp_path: Path) -> None:
    night = written(tmp_path, local([0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]))
    (told,) = noticed(night)
    assert "go back by an hour at 2025-10-26 02:00" in told.says
    assert "8.3 % too many requests" in told.says
    assert "UTC" in told.answer
    with pytest.raises(UnansweredError, match="summer time"):
        from_log(night, Reading(), places={"FRA": 1}, seed=1)


def test_an_hour_that_comes_twice_is_said_of_a_long_log_without_a_question(tmp_path: Path) -> None:
    week = [row for day in range(1, 7) for row in local(range(24), day)]
    (told,) = noticed(written(tmp_path, [*local([0, 1, 2, *range(2, 24)]), *week]))
    assert told.answer == ""


@pytest.mark.parametrize(
    "hours",
    [
        pytest.param([0, 1, 2, 3, 4], id="no hour twice"),
        pytest.param([9, 10, 10, 11], id="an hour twice by day"),
        pytest.param([0, 1, 2, 0, 1, 2], id="the same night twice"),
    ],
)
def test_other_orders_are_no_change_of_the_clock(hours: list[float], tmp_path: Path) -> None:
    assert noticed(written(tmp_path, local(hours))) == []


def test_a_request_that_is_written_an_hour_late_is_no_change_of_the_clock(tmp_path: Path) -> None:
    rows = local([0, 1, 2, 3])
    late = rows.pop(120)
    assert noticed(written(tmp_path, [*rows[:179], late, *rows[179:]])) == []


def test_files_of_two_servers_are_no_change_of_the_clock(tmp_path: Path) -> None:
    paths = [tmp_path / "a", tmp_path / "b"]
    for path in paths:
        path.mkdir()
    hours = ([1, 2], [2, 3])
    files = [written(path, local(each)) for path, each in zip(paths, hours, strict=True)]
    account = read_log(files, Reading()).account
    assert account is not None
    assert (account.put_back, account.unordered) == ((), 1)


def test_a_replay_says_it_too(tmp_path: Path) -> None:
    night = written(tmp_path, local([0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]))
    stream, _ = in_order(night, None, lambda pieces: [len(each) for each in pieces])
    assert stream.coder.account is not None
    assert len(stream.coder.account.put_back) == 1
