"""Rows in other notations than JSON's objects, and tables made for people to look at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cachelib.model.traffic.logs import LogError, read_log

DICT = "{'time': '2025-10-10T13:00:00Z', 'url': '/a', 'status': 200}"


@pytest.fixture
def log(tmp_path: Path) -> Any:
    def write(text: str, name: str = "x.log") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def account(path: Path) -> tuple[int, dict[str, int]]:
    found = read_log(path).account
    assert found is not None
    return found.requests, dict(found.skipped)


@pytest.mark.parametrize(
    "line",
    [
        "{'time': '2025-10-10T13:00:01Z', 'url': '/b'",
        "{'time': datetime.datetime(2025, 10, 10), 'url': '/b'}",
        "{'time': 1e999, 'url': '/b'}",
        "{'time': {1, 2}, 'url': '/b'}",
        "{'time': __import__('os').getpid(), 'url': '/b'}",
        "{'time': " + "[" * 5_000,
        "{'time': '\\ud800', 'url': b'/b'}",
        "no dict at all",
    ],
)
def test_a_row_that_is_no_literal_dict_costs_itself(log: Any, line: str) -> None:
    path = log("\n".join([DICT, DICT, line[:9_000], DICT]) + "\n")
    assert account(path) == (3, {"not a dict as Python writes it": 1})


def test_a_backslash_in_a_dict_is_nobody_s_warning(log: Any) -> None:
    path = log("\n".join([DICT, DICT.replace("/a", r"/\d")]) + "\n")
    assert read_log(path).keys == ["/a", r"/\d"]


def test_dicts_that_no_one_can_read_are_refused(log: Any) -> None:
    with pytest.raises(LogError, match="not a line of a format that is known"):
        read_log(log("{'time': datetime.datetime(2025, 10, 10), 'url': '/b'}\n" * 3))


def page(**more: Any) -> dict[str, Any]:
    rows = [{"f": [{"v": f"{1.76e9 + n}"}, {"v": "/a"}]} for n in range(3)]
    fields = [{"name": "ts", "type": "TIMESTAMP"}, {"name": "url", "type": "STRING"}]
    return {"schema": {"fields": fields}, "rows": rows} | more


def test_a_bigquery_row_of_another_length_costs_itself(log: Any) -> None:
    told = page()
    told["rows"].append({"f": [{"v": "1"}]})
    assert account(log(json.dumps(told), "x.json")) == (3, {"not a row of 2 cells": 1})


def test_bigquery_rows_whose_columns_nobody_names_are_refused(log: Any) -> None:
    with pytest.raises(LogError, match="which column is the key"):
        read_log(log(json.dumps(page(schema={})), "x.json"))


def test_a_field_that_insights_leaves_out_is_empty_there_alone(log: Any) -> None:
    rows = [
        [{"field": name, "value": value} for name, value in row.items()]
        for row in (
            {"@timestamp": "2025-10-10 13:00:00.000", "path": "/a", "status": "200"},
            {"@timestamp": "2025-10-10 13:00:01.000", "status": "200"},
            {"path": "/b", "@timestamp": "2025-10-10 13:00:02.000"},
        )
    ]
    path = log(json.dumps({"results": rows, "status": "Complete"}), "x.json")
    assert account(path) == (2, {"no key": 1})
    assert read_log(path).keys == ["/a", "/b"]


ALIGNED = "time                  url    status\n" + "".join(
    f"2025-10-10T13:00:{n:02d}Z  /a {n % 3}   200\n" for n in range(30)
)


def test_a_cell_of_an_aligned_table_may_hold_single_blanks(log: Any) -> None:
    assert read_log(log(ALIGNED)).keys == ["/a 0", "/a 1", "/a 2"]


def test_a_row_of_an_aligned_table_whose_cell_is_empty_costs_itself(log: Any) -> None:
    """Which of its cells is missing, blanks do not say."""
    path = log(ALIGNED + "2025-10-10T13:01:00Z         200\n")
    assert account(path) == (30, {"2 fields where the header has 3": 1})


def test_rules_and_the_count_below_a_table_are_no_rows(log: Any) -> None:
    text = " time                | url \n---------------------+-----\n"
    text += " 2025-10-10 13:00:00 | /a\n 2025-10-10 13:00:01 | /b\n"
    assert account(log(f"{text}(2 rows)\n")) == (2, {})
    assert account(log(f"{text}(1 row)\n")) == (2, {})


@pytest.mark.parametrize(
    ("rows", "keys"),
    [
        ("'1760000000','/a,b'\n'1760000001','it''s'\n", ["/a,b", "it's"]),
        ("1760000000,'/a'\n", ["/a"]),
        (
            "1760000000,'/a\n/b'\n1760000001,'/c'\n1760000002,'/c'\n1760000003,'/c'\n",
            ["/a\n/b", "/c"],
        ),
        ('1760000000,\'tis\n1760000001,"/a,b"\n', ["'tis", "/a,b"]),
        ("1760000000,'/a \"b\"'\n1760000001,'/c'\n", ['/a "b"', "/c"]),
    ],
)
def test_single_quotes_are_quotes_where_most_rows_have_them(
    log: Any, rows: str, keys: list[str]
) -> None:
    assert read_log(log(f"time,url\n{rows}", "x.csv")).keys == keys


def test_colours_are_no_part_of_a_table_s_cells(log: Any) -> None:
    rows = "".join(f"\x1b[31m{1_760_000_000 + n}\x1b[0m,\x1b[1;32m/a\x1b[0m\n" for n in range(3))
    trace = read_log(log(f"\x1b[31mtime\x1b[0m,\x1b[32murl\x1b[0m\n{rows}", "x.csv"))
    assert (len(trace), trace.keys, trace.span_s) == (3, ["/a"], 2)
