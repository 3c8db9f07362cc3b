"""What real logs have in them that no format says: and what each of it is taken for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from cachelib.model.judgement.log_replay import replay_log
from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs import LogError, read_log
from cachelib.model.traffic.logs.anonymise import anonymised
from cachelib.model.traffic.logs.description import described
from cachelib.model.traffic.trace import READ, WRITE, Trace

START = 1_760_000_000
Write = Callable[..., Path]


@pytest.fixture
def log(tmp_path: Path) -> Write:
    def write(content: str | bytes, name: str = "access.log") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def logpush(n: int, **more: Any) -> list[dict[str, Any]]:
    return [
        {"EdgeStartTimestamp": START + i, "ClientRequestURI": f"/{i % 7}"} | more for i in range(n)
    ]


def lines(objects: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(each) + "\n" for each in objects)


def skipped(trace: Trace) -> dict[str, int]:
    assert trace.account is not None
    return dict(trace.account.skipped)


def filtered(trace: Trace) -> dict[str, int]:
    assert trace.account is not None
    return dict(trace.account.filtered)


@pytest.mark.parametrize("never", [0, -1, "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])
def test_a_time_that_was_never_set_makes_no_log_of_fifty_years(log: Write, never: object) -> None:
    rows = logpush(40)
    rows[5]["EdgeStartTimestamp"] = never
    trace = read_log(log(lines(rows), "day.ndjson"))
    assert len(trace) == 39
    assert trace.span_s == 39
    (reason,) = skipped(trace)
    assert "before 1973" in reason


def test_seconds_of_a_trace_may_begin_at_nought(log: Write) -> None:
    trace = read_log(log("time,key\n0,a\n1,b\n2,a\n", "t.csv"))
    assert trace.time_s.tolist() == [0, 1, 2]


@pytest.mark.parametrize("status", [0, -1, "000"])
def test_what_was_never_answered_is_counted_and_may_be_kept(log: Write, status: object) -> None:
    rows = logpush(40, EdgeResponseStatus=200)
    rows[3]["EdgeResponseStatus"] = status
    path = log(lines(rows), "day.ndjson")
    assert filtered(read_log(path)) == {f"no answer (status {int(str(status))})": 1}
    assert len(read_log(path, Reading(statuses={int(str(status)): "read"}))) == 40


def test_hours_of_twelve_after_a_date_that_is_one_day_only_are_read(log: Write) -> None:
    rows = "".join(f"2025-10-10,0{1 + i}:00:00 PM,/{i}\n" for i in range(5))
    trace = read_log(log("Date,Time,URL\n" + rows, "t.csv"))
    assert trace.span_s == 4 * 3_600


def test_a_date_in_two_columns_that_could_mean_two_days_says_how_to_read_it(log: Write) -> None:
    path = log("Date,Time,URL\n10/11/2025,13:00:00,/a\n10/11/2025,13:00:01,/b\n", "t.csv")
    with pytest.raises(LogError, match=r"holds '10/11/2025 13:00:00'.*--column time="):
        read_log(path)


@pytest.mark.parametrize(
    "content", ["time,url\n", "time,url\r\n", "#Version: 1.0\n#Fields: date time cs-uri-stem\n"]
)
def test_a_header_alone_is_called_so(log: Write, content: str) -> None:
    with pytest.raises(LogError, match="a header, and no row below it"):
        read_log(log(content, "t.csv"))


@pytest.mark.parametrize(
    "field", ["message", "@message", "textPayload", "event.original", "short_message"]
)
def test_a_line_that_a_collector_keeps_in_a_field_is_read(log: Write, field: str) -> None:
    outer, _, name = field.rpartition(".")
    inside = '192.0.2.1 - - [10/Oct/2025:13:00:{:02d} +0000] "GET /{} HTTP/1.1" 200 5'
    rows: list[dict[str, Any]] = []
    for i in range(40):
        kept = {name: inside.format(i, i % 3)}
        rows.append({"id": f"x{i}", "timestamp": START, **({outer: kept} if outer else kept)})
    trace = read_log(log(lines(rows), "day.ndjson"))
    assert len(trace) == 40
    assert sorted(trace.keys) == ["/0", "/1", "/2"]
    assert trace.span_s == 39


def test_a_message_beside_the_fields_of_a_request_is_no_log_of_its_own(log: Write) -> None:
    rows = [{"time": START + i, "url": f"/{i % 3}", "message": "GET done"} for i in range(40)]
    assert len(read_log(log(lines(rows), "day.ndjson")).keys) == 3


def test_a_broken_line_of_a_collector_costs_itself(log: Write) -> None:
    inside = '192.0.2.1 - - [10/Oct/2025:13:00:{:02d} +0000] "GET /a HTTP/1.1" 200 5'
    rows = [{"log": inside.format(i), "stream": "stdout", "time": "x"} for i in range(40)]
    text = lines(rows[:20]) + '{"log": "cut sho\n' + lines(rows[20:])
    trace = read_log(log(text))
    assert len(trace) == 40
    assert sum(skipped(trace).values()) == 1
    assert trace.skipped.first_line == 21


@pytest.mark.parametrize(
    "written",
    [
        "20251010130{}00", "20251010T130{}00Z",
        "Fri Oct 10 13:0{}:00 2025", "10/Oct/2025:13:0{}:00",
        "2025-10-10 13:0{}:00.000 +0000 UTC", "2025-10-10 13:0{}:00 +0000 UTC",
        "Fri, 10 Oct 2025 13:0{}:00 +0000", "Fri, 10 Oct 2025 13:0{}:00 GMT",
        "Fri Oct 10 13:0{}:00 +0000 2025", "Friday, 10-Oct-25 13:0{}:00 GMT",
        "Fri Oct 10 2025 13:0{}:00 GMT+0000 (Coordinated Universal Time)",
        "10-Oct-2025 13:0{}:00", "Oct 10 2025 13:0{}:00", "Oct 10, 2025 13:0{}:00",
        "Oct 10, 2025, 01:0{}:00 PM", "20251010-13:0{}:00", "October 10th 2025, 13:0{}:00.000",
        "[2025-10-10 13:0{}:00]", "[10/Oct/2025:13:0{}:00 +0000]", "2025-283T13:0{}:00Z",
    ],
)  # fmt: skip
def test_dates_are_read_however_they_are_written(log: Write, written: str) -> None:
    rows = "".join(f'"{written.format(i)}",/{i}\n' for i in range(5))
    trace = read_log(log("timestamp,url\n" + rows, "t.csv"))
    assert trace.time_s[0] == 1_760_101_200
    assert trace.span_s == 240


def test_envelopes_may_stand_one_a_line(log: Write) -> None:
    """As Azure's Event Hubs deliver them."""
    rows = logpush(30)
    text = lines([{"records": rows[:10]}, {"records": rows[10:11]}, {"records": rows[11:]}])
    trace = read_log(log(text, "PT1H.json"))
    assert len(trace) == 30
    assert trace.span_s == 29


def test_a_list_in_every_row_is_no_envelope(log: Write) -> None:
    rows = [{"ts": START + i, "url": f"/{i % 3}", "logs": [{"a": 1}, {"a": 2}]} for i in range(30)]
    assert len(read_log(log(lines(rows), "day.ndjson"))) == 30


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_told_without_a_mark(log: Write, encoding: str) -> None:
    rows = "".join(f"{START + i},/{i % 3}\r\n" for i in range(30))
    assert len(read_log(log(("time,url\r\n" + rows).encode(encoding), "t.csv"))) == 30


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_parquet_has_times_of_every_kind_and_records_within_records(
    tmp_path: Path, unit: str, zone: str | None
) -> None:
    times = pa.array([START, START + 60]).cast(pa.timestamp("s")).cast(pa.timestamp(unit))
    if zone:
        times = times.cast(pa.timestamp(unit, "UTC")).cast(pa.timestamp(unit, zone))
    request = [{"method": "GET", "uri": "/a", "headers": {"x": 1}}, {"method": "PUT", "uri": "/b"}]
    path = tmp_path / "day.parquet"
    pyarrow.parquet.write_table(pa.table({"ts": times, "request": request}), path)
    trace = read_log(path)
    assert trace.keys == ["/a", "/b"]
    assert trace.op.tolist() == [READ, WRITE]
    assert trace.time_s.tolist() == [START, START + 60]


def test_a_file_that_is_another_once_more_counts_once_and_it_is_said(tmp_path: Path) -> None:
    text = lines(logpush(30))
    for name in ("a.ndjson", "b.ndjson", "copy of a.ndjson"):
        later = text.replace(str(START)[:5], "18000") if name.startswith("b") else text
        (tmp_path / name).write_text(later)
    trace = read_log(tmp_path)
    assert len(trace) == 60
    assert any("copy of a.ndjson is a.ndjson once more" in note for note in trace.notes)


def test_what_has_no_times_may_be_there_twice(tmp_path: Path) -> None:
    for name in ("a.keys", "b.keys"):
        (tmp_path / name).write_text("x\ny\n")
    assert len(read_log(tmp_path, Reading(format="keys"))) == 4


@pytest.mark.parametrize("form", ["day.ndjson", "t.csv"])
def test_rows_delivered_twice_are_told(log: Write, form: str) -> None:
    rows = [(START + i, f"/{i % 3}", f"ray{i}") for i in range(30)]
    twice = [*rows, *rows[:4]]
    if form == "t.csv":
        text = "time,url,ray\n" + "".join(f"{t},{u},{r}\n" for t, u, r in twice)
    else:
        text = lines([{"time": t, "url": u, "ray": r} for t, u, r in twice])
    found = described(log(text, form))
    assert found["order"]["rows_like_another"] == 4


def test_a_shared_trace_gives_the_same_places_writes_and_hits(log: Write, tmp_path: Path) -> None:
    rows = logpush(600)
    for i, row in enumerate(rows):
        row |= {"EdgeColoCode": ("FRA", "LHR", "SIN")[i % 3], "EdgeResponseBytes": 10 * i}
        row |= {"ClientRequestMethod": "PUT" if i % 40 == 0 else "GET", "EdgeResponseStatus": 200}
        row |= {"ClientRequestHost": ("a.example", "b.example")[i % 2], "ClientIP": "192.0.2.9"}
    path, shared = log(lines(rows), "day.ndjson"), tmp_path / "shared.parquet"
    anonymised(path, shared)
    first, second = (
        replay_log(
            each, isolates=2, routing="round-robin", l1_ttl=60.0, l2_ttl=300.0,
            expiry="inherited", engine="compiled", by_colo=True,
        )
        for each in (path, shared)
    )  # fmt: skip
    same = ("requests", "keys", "l1_hits", "l2_hits", "origin_loads", "remarks", "designs")
    assert {name: first[name] for name in same} == {name: second[name] for name in same}
    assert b"example" not in shared.read_bytes()
