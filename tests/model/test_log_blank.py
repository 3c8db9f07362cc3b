"""Blank lines, and what a description shows of columns and shares."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from cachelib.model.traffic.account import Account
from cachelib.model.traffic.logs import read_log
from cachelib.model.traffic.logs.description import described

START = 1_760_000_000
OBJECTS = [json.dumps({"time": START + i, "url": f"/{i % 7}"}) for i in range(100)]
CLF = [
    f'192.0.2.1 - - [10/Oct/2025:13:00:{i % 60:02d} +0000] "GET /{i % 7} HTTP/1.1" 200 5'
    for i in range(100)
]
CELLS = ["time,url", *(f"{START + i},/{i % 7}" for i in range(100))]
TABS = [row.replace(",", "\t") for row in CELLS]
W3C = ["#Fields: date time cs-uri-stem"] + [
    f"2025-10-10 13:{i // 60:02d}:{i % 60:02d} /{i % 7}" for i in range(100)
]
PAIRS = [f"time={START + i} method=GET path=/{i % 7} status=200" for i in range(100)]
KINDS = [
    ("log.ndjson", OBJECTS), ("access.log", CLF), ("t.csv", CELLS), ("t.tsv", TABS),
    ("w3c.log", W3C), ("pairs.log", PAIRS),
]  # fmt: skip


def account(path: Path) -> Account:
    found = read_log(path, compared=True).account
    assert found is not None
    return found


@pytest.mark.parametrize("blank", ["", "\r", "  \t "])
@pytest.mark.parametrize(("name", "rows"), KINDS, ids=[name for name, _ in KINDS])
def test_a_blank_line_is_no_row(tmp_path: Path, name: str, rows: list[str], blank: str) -> None:
    path = tmp_path / name
    path.write_text("".join(f"{row}\n{blank}\n" for row in rows) + "\n\n")
    found = account(path)
    assert (found.rows, found.requests, dict(found.skipped)) == (100, 100, {})
    assert found.twins == (len(CLF) - len(set(CLF)) if name == "access.log" else 0)


def test_lines_after_blank_ones_keep_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "log.ndjson"
    path.write_text("\n".join(["", "", *OBJECTS[:40], "", '{"cut', *OBJECTS[40:]]) + "\n")
    trace = read_log(path)
    assert (len(trace), trace.skipped.lines, trace.skipped.first_line) == (100, 1, 44)


def test_a_line_that_is_no_text_is_a_row_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "log.ndjson"
    broken = b"\xff\xfe\xfd\x81" * 20
    path.write_bytes("\n".join(OBJECTS).encode() + b"\n" + broken + b"\n\n")
    found = account(path)
    assert (found.rows, dict(found.skipped)) == (101, {"not UTF-8": 1})


def test_a_quoted_cell_may_hold_a_blank_line(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = "".join(f'{START + i},/{i % 7},"a\n\nb"\n\n' for i in range(100))
    path.write_text("time,url,agent\n" + rows)
    assert (account(path).rows, account(path).requests) == (100, 100)


def test_what_stands_in_the_columns_of_parquet_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    table = pa.table(
        {"time": [START + i for i in range(40)], "url": [f"/{i % 7}" for i in range(40)],
         "cf": [{"colo": "LHR", "none": None}] * 40}
    )  # fmt: skip
    pyarrow.parquet.write_table(table, path)
    columns = described(path)["columns"]
    assert columns["url"].startswith("/0, /1, /2")
    assert columns["time"].startswith(str(START))
    assert columns["cf.colo"] == "LHR"


def test_a_vendors_own_place_counts_where_it_is_an_airport_and_costs_no_row(tmp_path: Path) -> None:
    path = tmp_path / "afd.ndjson"
    rows = [
        {"time": f"2025-10-10T13:00:{i:02d}Z",
         "properties": {"requestUri": f"https://h.x/{i}", "httpMethod": "GET", "pop": pop}}
        for i, pop in enumerate(["AMS", "BL", "AMS", "DB"] * 10)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = described(path)
    assert told["requests"] == 40
    assert told["colos"] == {"AMS": "20 (50.0%)", "(none named)": "20 (50.0%)"}
    assert "of requests" in told["shares_are_of"]
