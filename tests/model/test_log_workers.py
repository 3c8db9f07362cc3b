"""Logs of Workers: what they write beside requests, and what they ask for themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cachelib.model.traffic.account import Account
from cachelib.model.traffic.logs import LogError, Reading, read_log

START = 1_760_101_200_000
VISITS = 40
LINE = "a line that a Worker wrote (console.log)"
AGAIN = "another row of the same request"


def account(path: Path, reading: Reading | None = None) -> Account:
    found = read_log(path, reading).account
    assert found is not None
    assert found.requests + sum(found.filtered.values()) + sum(found.skipped.values()) == found.rows
    return found


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def of_workers_logs(
    visit: int, kind: str | None, *, model: str = "stateless", status: int | None = 200
) -> dict[str, Any]:
    """A row of Workers Logs: of the kind `cf-worker-event`, or of one that says nothing of it."""
    event: dict[str, Any] = {"request": {"url": f"https://w.example.com/{visit % 7}"}}
    event["request"]["method"] = "GET"
    if status is not None:
        event["response"] = {"status": status}
    about = {"executionModel": model, "requestId": f"R{visit}", "eventType": "fetch"}
    return {
        "timestamp": START + 1000 * visit,
        "$workers": {"event": event, "scriptName": "w", **about},
        "$metadata": {"id": f"{kind}{visit}", "requestId": f"R{visit}"}
        | ({} if kind is None else {"type": kind}),
    }


def test_a_line_that_a_worker_wrote_is_no_request(tmp_path: Path) -> None:
    rows = [
        row
        for visit in range(VISITS)
        for row in (
            of_workers_logs(visit, "cf-worker", status=None),
            of_workers_logs(visit, "cf-worker-event"),
        )
    ]
    found = account(written(tmp_path / "export.ndjson", rows))
    assert (found.requests, dict(found.filtered)) == (VISITS, {LINE: VISITS})


def test_rows_of_a_kind_that_nobody_knows_are_no_requests(tmp_path: Path) -> None:
    rows = [of_workers_logs(visit, "cf-worker-event") for visit in range(VISITS)]
    rows += [of_workers_logs(visit, "a-span") for visit in range(VISITS)]
    found = account(written(tmp_path / "export.ndjson", rows))
    assert (found.requests, dict(found.filtered)) == (VISITS, {"no HTTP request": VISITS})


@pytest.mark.parametrize("lines_first", [True, False])
def test_without_kinds_all_rows_of_a_run_are_one_request(tmp_path: Path, lines_first: bool) -> None:
    """And how it was answered decides, wherever that row stands."""
    rows = []
    for visit in range(VISITS):
        line = of_workers_logs(visit, None, status=None)
        answer = of_workers_logs(visit, None, status=500 if visit < 5 else 200)
        rows += [line, line, answer] if lines_first else [answer, line, line]
    found = account(written(tmp_path / "export.ndjson", rows))
    assert found.requests == VISITS - 5
    assert dict(found.filtered) == {AGAIN: 2 * VISITS, "status 500": 5}


def test_rows_that_name_no_run_are_a_request_each(tmp_path: Path) -> None:
    rows = [of_workers_logs(visit, None) for visit in range(VISITS)]
    for row in rows:
        del row["$workers"]["requestId"], row["$metadata"]["requestId"]
    assert account(written(tmp_path / "export.ndjson", rows)).requests == VISITS


def of_trace_events(visit: int, *, object_: bool) -> dict[str, Any]:
    request = {"URL": f"https://w.example.com/{visit % 7}", "Method": "GET"}
    return {
        "DurableObjectID": "93554d" if object_ else "", "EventType": "fetch", "ScriptName": "w",
        "Event": {"RayID": f"a{visit}", "Request": request, "Response": {"Status": 200}},
        "EventTimestampMs": START + 1000 * visit + object_,
    }  # fmt: skip


def of_tail(visit: int, *, object_: bool) -> dict[str, Any]:
    request = {"url": f"https://w.example.com/{visit % 7}", "method": "GET"}
    return {
        "durableObjectId": "9355" if object_ else None,
        "executionModel": "durableObject" if object_ else "stateless",
        "event": {"request": request, "response": {"status": 200}},
        "outcome": "ok", "eventTimestamp": START + 1000 * visit + object_,
    }  # fmt: skip


def of_logs(visit: int, *, object_: bool) -> dict[str, Any]:
    model = "durableObject" if object_ else "stateless"
    return of_workers_logs(visit, "cf-worker-event", model=model)


def of_logs_without_kinds(visit: int, *, object_: bool) -> dict[str, Any]:
    return of_workers_logs(visit, None, model="durableObject" if object_ else "stateless")


OBJECTS = pytest.mark.parametrize("row", [of_trace_events, of_tail, of_logs, of_logs_without_kinds])


@OBJECTS
def test_what_a_worker_asks_of_a_durable_object_is_no_second_request(
    tmp_path: Path, row: Any
) -> None:
    rows = [row(visit, object_=object_) for visit in range(VISITS) for object_ in (False, True)]
    path = written(tmp_path / "log.ndjson", rows)
    found = account(path)
    assert (found.requests, dict(found.filtered)) == (VISITS, {"a subrequest": VISITS})
    assert account(path, Reading(keep=("subrequests",))).requests == 2 * VISITS


@OBJECTS
def test_a_log_of_durable_objects_alone_asks_whether_they_are_meant(
    tmp_path: Path, row: Any
) -> None:
    """Who asked them is not in it: that is said, with the option that reads them."""
    path = written(tmp_path / "log.ndjson", [row(visit, object_=True) for visit in range(VISITS)])
    with pytest.raises(LogError, match=r"40 a subrequest.*--keep subrequests"):
        read_log(path)
    assert account(path, Reading(keep=("subrequests",))).requests == VISITS


def test_trace_events_as_a_table_name_durable_objects_in_a_column(tmp_path: Path) -> None:
    def cells(row: Mapping[str, Any]) -> str:
        event = json.dumps(row["Event"]).replace('"', '""')
        return f'{row["EventTimestampMs"]},fetch,"{event}",{row["DurableObjectID"]},w\n'

    path = tmp_path / "trace.csv"
    rows = [of_trace_events(i, object_=object_) for i in range(VISITS) for object_ in (False, True)]
    head = "EventTimestampMs,EventType,Event,DurableObjectID,ScriptName\n"
    path.write_text(head + "".join(map(cells, rows)))
    found = account(path)
    assert (found.requests, dict(found.filtered)) == (VISITS, {"a subrequest": VISITS})
