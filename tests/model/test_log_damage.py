"""What becomes of logs that were cut, joined or mixed: the rows that are whole are read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs import LogError, read_log
from cachelib.model.traffic.trace import Trace

START = 1_760_101_200
CLF = '192.0.2.1 - - [10/Oct/2025:13:00:{:02d} +0000] "GET /{} HTTP/1.1" 200 5\n'
LINES = "".join(CLF.format(i, i % 5) for i in range(60))
TABLE = "time,url,status\n" + "".join(f"{START + i},/{i % 5},200\n" for i in range(60))


def skipped(trace: Trace) -> dict[str, int]:
    assert trace.account is not None
    assert trace.account.rows == len(trace) + sum(trace.account.skipped.values())
    return dict(trace.account.skipped)


def read(folder: Path, name: str, content: str | bytes) -> Trace:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_log(path)


@pytest.mark.parametrize("form", ["clf", "json"])
def test_a_first_line_longer_than_any_costs_itself(tmp_path: Path, form: str) -> None:
    long = "/" + 2_000_000 * "x"
    if form == "clf":
        text = CLF.format(0, long) + LINES
    else:
        urls = [long, *(f"/{i % 5}" for i in range(60))]
        rows = (
            {"EdgeStartTimestamp": START + i, "ClientRequestURI": u} for i, u in enumerate(urls)
        )
        text = "".join(json.dumps(row) + "\n" for row in rows)
    trace = read(tmp_path, "day.log", text)
    assert len(trace) == 60
    assert skipped(trace) == {"longer than 1048576 bytes": 1}


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_tables_one_after_another_have_a_header_each(tmp_path: Path, mark: str) -> None:
    trace = read(tmp_path, "t.csv", TABLE + mark + TABLE)
    assert len(trace) == 120
    assert skipped(trace) == {}


def test_the_second_header_may_have_the_columns_in_another_order(tmp_path: Path) -> None:
    more = "".join(f"/{i % 5},{START + i},200\n" for i in range(60, 90))
    trace = read(tmp_path, "t.csv", TABLE + "url,time,status\n" + more)
    assert len(trace) == 90
    assert trace.span_s == 89
    assert skipped(trace) == {}


def test_a_file_whose_time_has_another_name_is_not_left_out_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TABLE)
    (tmp_path / "b.csv").write_text("timestamp,path\n" + f"{START},/a\n" * 40)
    with pytest.raises(LogError, match=r"the time is called time in a.csv, and timestamp in b.csv"):
        read_log(tmp_path)


@pytest.mark.parametrize(
    ("before", "leap"),
    [
        ("2016-12-31T23:59:59Z", "2016-12-31T23:59:60Z"),
        ("31/Dec/2016:23:59:59 +0000", "31/Dec/2016:23:59:60 +0000"),
        ("2017/01/01 08:59:59", "2017/01/01 08:59:60"),
    ],
)
def test_a_leap_second_is_the_one_after_the_last(tmp_path: Path, before: str, leap: str) -> None:
    trace = read(tmp_path, "t.csv", f"time,url\n{before},/a\n{leap},/b\n")
    assert np.diff(trace.time_s).tolist() == [1]


@pytest.mark.parametrize("nothing", [-1, "-", "", None])
def test_a_size_that_nobody_knows_is_none(tmp_path: Path, nothing: Any) -> None:
    """EdgeOne writes -1 for a number that it has not."""
    row = {"time": START, "url": "/a", "bytes": nothing}
    trace = read(tmp_path, "day.ndjson", (json.dumps(row) + "\n") * 40)
    assert trace.size.tolist() == [0] * 40


@pytest.mark.parametrize(
    ("damage", "kept"),
    [
        (LINES.encode()[:-30], 59),
        (LINES.encode() + 5_000 * b"\0", 60),
        (5_000 * b"\0" + LINES.encode(), 60),
        (LINES.encode() + CLF.format(1, "\ud800").encode("utf-8", "surrogatepass"), 61),
        (LINES.replace("/4 HTTP", "/4\n%%% garbage\n").encode(), 48),
        (LINES.replace("\n", "\r\n").encode(), 60),
    ],
    ids=["cut", "nought-behind", "nought-before", "surrogate", "garbage", "crlf"],
)
def test_damage_costs_the_lines_that_it_is_in(tmp_path: Path, damage: bytes, kept: int) -> None:
    assert len(read(tmp_path, "access.log", damage)) == kept


def test_colours_are_none_of_a_line_and_part_of_a_url(tmp_path: Path) -> None:
    coloured = LINES.replace(" 200 ", " \x1b[32m200\x1b[0m ")
    assert sorted(read(tmp_path, "a.log", coloured).keys) == [f"/{i}" for i in range(5)]
    one = LINES + CLF.format(9, "\x1b[31m")
    assert "/\x1b[31m" in read(tmp_path, "b.log", one).keys


def test_lists_that_are_no_rows_of_a_log_are_refused(tmp_path: Path) -> None:
    for text in ("[]", "[[],[]]", '[["a","b"],[1,2]]'):
        with pytest.raises(LogError):
            read(tmp_path, "a.json", text)


def test_lists_of_another_length_cost_themselves(tmp_path: Path) -> None:
    rows = [["time", "url"], [START, "/a"], [START + 1], None, [START + 2, "/b", "more"]]
    trace = read(tmp_path, "a.json", json.dumps(rows))
    assert trace.keys == ["/a", "/b"]
    assert skipped(trace) == {"no key": 1}


def test_a_loggers_own_status_is_not_the_requests(tmp_path: Path) -> None:
    row = {"time": START, "status": "info", "http": {"url": "/a", "method": "GET"}}
    rows = [row | {"http": row["http"] | {"status_code": code}} for code in (200, 503)] * 20
    trace = read(tmp_path, "day.ndjson", "".join(json.dumps(each) + "\n" for each in rows))
    assert len(trace) == 20
    assert trace.account is not None
    assert trace.account.filtered == {"status 503": 20}


def test_a_number_before_the_request_is_no_host(tmp_path: Path) -> None:
    text = "".join(CLF.format(i, i % 5).replace('] "', f'] {i} "') for i in range(60))
    with pytest.raises(LogError, match="not a line of a format that is known"):
        read(tmp_path, "a.log", text)


def test_a_pattern_reads_what_is_refused_for_it(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("".join(CLF.format(i, i % 5).replace('] "', f'] {i} "') for i in range(60)))
    told = '$remote_addr - - [$time_local] $ms "$request" $status $body_bytes_sent'
    assert len(read_log(path, Reading(format=told)).keys) == 5


def test_two_blanks_before_a_request_are_as_good_as_one(tmp_path: Path) -> None:
    trace = read(tmp_path, "a.log", LINES.replace('] "', ']  "'))
    assert trace.account is not None
    assert (trace.account.format, len(trace)) == ("clf", 60)


def test_what_names_the_values_of_lists_may_stand_behind_them(tmp_path: Path) -> None:
    rows = [[START + i, f"/{i % 3}"] for i in range(40)]
    assert (
        len(read(tmp_path, "a.json", json.dumps({"rows": rows, "columns": ["time", "url"]}))) == 40
    )
    values = [[str((START + i) * 10**9), CLF.format(i, i % 3).strip()] for i in range(40)]
    stream = {"values": values, "stream": {"app": "web"}}
    trace = read(tmp_path, "b.json", json.dumps({"data": {"result": [stream]}}))
    assert sorted(trace.keys) == ["/0", "/1", "/2"]
    assert trace.span_s == 39


def test_a_refusal_shows_the_logs_own_first_line(tmp_path: Path) -> None:
    """And not what a field of it holds, into which it was looked for a log."""
    rows = [["level", "message"], ["info", "started"], ["info", "listening on 8080"]]
    with pytest.raises(LogError, match=r"level.*message"):
        read(tmp_path, "a.json", json.dumps(rows))


def test_a_packed_log_of_which_bytes_changed_on_the_way_is_refused_by_name(tmp_path: Path) -> None:
    lines = "".join(CLF.format(i % 60, i % 7) for i in range(9_000))
    packed = bytearray(gzip.compress(lines.encode()))
    for place in range(200, 260):
        packed[place] ^= 0x5A
    with pytest.raises(LogError, match=r"day\.log\.gz: cannot be read: "):
        read(tmp_path, "day.log.gz", bytes(packed))
