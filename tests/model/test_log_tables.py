"""Tables and lines as programs that are no servers write, cut and wrap them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs import LogError, read_log

START = 1_760_000_000
HEADER = "time,url,status\n"
ROWS = [f"{START + i},/{i % 3},200\n" for i in range(30)]
REQUEST = '192.0.2.1 - - [10/Oct/2025:13:55:{:02d} +0000] "GET /{} HTTP/1.1" 200 512'


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_table_that_was_split_has_its_header_in_the_first_file_only(tmp_path: Path) -> None:
    whole = read_log(write(tmp_path / "whole.csv", HEADER + "".join(ROWS)))
    parts = [
        write(tmp_path / f"x{n}", (HEADER if n == 0 else "") + "".join(ROWS[n * 10 : n * 10 + 10]))
        for n in range(3)
    ]
    read = read_log(parts)
    assert read.account is not None
    assert (read.account.rows, read.account.skipped) == (30, {})
    assert (read.key.tolist(), read.span_s) == (whole.key.tolist(), whole.span_s)


def test_lines_are_counted_from_the_top_of_a_table_with_comments(tmp_path: Path) -> None:
    rows = [*ROWS[:5], "broken\n", *ROWS[5:]]
    path = write(tmp_path / "a.csv", "sep=,\n# of a day\n\n" + HEADER + "".join(rows))
    read = read_log(path)
    assert (len(read), read.skipped.lines, read.skipped.first_line) == (30, 1, 10)


def test_a_comment_of_many_words_is_no_header(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "# time, url, status\n" + HEADER + "".join(ROWS))
    assert (len(read_log(path)), read_log(path).skipped.lines) == (30, 0)


def test_a_table_without_header_loses_no_row_to_its_comments(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "".join(["#/a,1,200\n", *ROWS]))
    read = read_log(path, Reading(fields=("time", "url", "status")))
    assert read.account is not None
    assert (len(read), sum(read.account.skipped.values())) == (30, 1)


def test_a_delimiter_at_the_end_of_each_row_is_no_further_column(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", HEADER + "".join(row.strip() + ",\n" for row in ROWS))
    assert (len(read_log(path)), read_log(path).keys) == (30, ["/0", "/1", "/2"])


def test_days_of_a_spreadsheet_are_asked_for_and_no_seconds(tmp_path: Path) -> None:
    rows = [f"{25_569 + (START + 60 * i) / 86_400:.10f},/{i % 3}\n" for i in range(30)]
    path = write(tmp_path / "a.csv", "time,url\n" + "".join(rows))
    with pytest.raises(LogError, match=r"days since 1900.*--column time="):
        read_log(path)
    read = read_log(path, Reading(columns={"time": "(time - 25569) * 86400"}))
    assert read.span_s == pytest.approx(29 * 60, abs=0.01)


def test_an_identifier_is_no_key_where_there_is_an_address(tmp_path: Path) -> None:
    rows = [{"id": f"r{i}", "ts": START + i, "request": {"url": "/a"}} for i in range(30)]
    path = write(tmp_path / "a.ndjson", "".join(json.dumps(row) + "\n" for row in rows))
    assert read_log(path).keys == ["/a"]


def parts_of(line: str, second: int) -> list[str]:
    stamp = f"2025-10-10T13:55:{second:02d}"
    return [
        f"{stamp}.1Z stdout P {line[:40]}\n",
        f"{stamp}.2Z stderr F something else\n",
        f"{stamp}.3Z stdout F {line[40:]}\n",
    ]


def test_parts_of_a_line_are_joined_over_the_ends_of_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = [f"2025-10-10T13:55:00Z stdout F {REQUEST.format(0, 'a')}\n"] * 200
    cut = [part for n in range(50) for part in parts_of(REQUEST.format(n, "b"), n)]
    path = write(tmp_path / "pod.log", "".join(first + cut))
    monkeypatch.setattr("cachelib.model.traffic.logs.source.BLOCK", 1_000)
    read = read_log(path)
    assert read.account is not None
    assert (read.account.rows, len(read), read.keys) == (300, 250, ["/a", "/b"])


def test_a_line_whose_last_part_is_missing_costs_itself(tmp_path: Path) -> None:
    whole = [f"2025-10-10T13:55:00Z stdout F {REQUEST.format(0, 'a')}\n"] * 3
    for n in range(2):
        write(tmp_path / f"{n}.log", "".join([*whole * (n + 1), parts_of(whole[0], 9)[0]]))
    read = read_log(tmp_path)
    assert read.account is not None
    assert (len(read), read.account.skipped) == (9, {"a line whose last part is missing": 2})
    assert read.skipped.first_line == 4


def test_what_collected_a_line_says_its_time_if_nothing_else_does(tmp_path: Path) -> None:
    said = [
        "time=2025-10-10T13:55:00Z method=GET path=/a status=200",
        "path=/a method=GET status=200",
    ]
    for name, line in zip("ab", said, strict=True):
        rows = "".join(f"2025-10-10T14:{n:02d}:00Z stdout F {line}\n" for n in range(30))
        write(tmp_path / f"{name}.log", rows)
    assert read_log(tmp_path / "a.log").span_s == 0
    assert read_log(tmp_path / "b.log").span_s == 29 * 60


def test_of_many_files_the_one_that_is_cut_short_is_named(tmp_path: Path) -> None:
    lines = "".join(REQUEST.format(n % 60, n) + "\n" for n in range(5_000)).encode()
    for n in range(3):
        packed = gzip.compress(lines + bytes(n))
        (tmp_path / f"{n}.log.gz").write_bytes(packed if n != 1 else packed[:-5_000])
    with pytest.raises(LogError, match=r"1\.log\.gz: is cut short .*gzip -dc"):
        read_log(tmp_path)


def test_a_refusal_names_the_format_that_some_lines_have(tmp_path: Path) -> None:
    noise = "something happened\n"
    lines = [REQUEST.format(n, "a") + "\n" + noise * 3 for n in range(10)]
    path = write(tmp_path / "mixed.log", "".join(lines))
    with pytest.raises(LogError, match=r"10 of the 40 are of the format clf: --format clf reads"):
        read_log(path)
    assert len(read_log(path, Reading(format="clf"))) == 10


def test_a_refusal_counts_the_fields_of_a_table_without_header(tmp_path: Path) -> None:
    path = write(tmp_path / "a.log", "".join(row.replace(",", "\t") for row in ROWS))
    with pytest.raises(LogError, match=r"tabs part each into 3 fields.*--fields"):
        read_log(path)
    assert len(read_log(path, Reading(fields=("time", "url", "status")))) == 30


def test_a_log_format_may_leave_the_time_to_a_rate_or_a_column(tmp_path: Path) -> None:
    path = write(tmp_path / "a.log", "GET /a 200 10/Oct/2025:13:55:00 +0000\n" * 40)
    untimed = Reading(format="$request_method $request_uri $status $rest", requests_per_s=2)
    assert read_log(path, untimed).span_s == pytest.approx(19.5)
    timed = Reading(format="$request_method $request_uri $status $time_local")
    assert len(read_log(path, timed)) == 40
