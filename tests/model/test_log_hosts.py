"""Which hosts a log is of, wherever it says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cachelib.model.traffic.logs import Reading, read_log
from cachelib.model.traffic.logs.description import described
from cachelib.report.document.log_page import log_page

ROWS = 40


def table(path: Path, url: str) -> Path:
    rows = "".join(f"{1_760_000_000 + i},{url.format(i % 4)}\n" for i in range(ROWS))
    path.write_text("time,url\n" + rows)
    return path


def test_hosts_are_counted_where_urls_name_them(tmp_path: Path) -> None:
    told = described(table(tmp_path / "t.csv", "https://H{}.example.com/a"))
    assert told["keys"] == {"distinct": 4, "hosts": 4}
    assert told["host"]["h0.example.com"] == "10 (25.0%)"
    assert dict(log_page(told)["facts"])["keys"] == "4 of 4 hosts"


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ('{{"EventTimestampMs": {t}000, "EventType": "fetch", "ScriptName": "w", "Event":'
         ' {{"Request": {{"URL": "https://h{h}.x/a", "Method": "GET"}}}}}}', "t.ndjson"),
        ('{{"timestamp": "2025-10-10T13:00:{s}Z", "httpRequest":'
         ' {{"requestUrl": "https://h{h}.x/a", "status": 200}}}}', "t.ndjson"),
        ('{t}.100 12 192.0.2.1 TCP_HIT/200 512 GET http://h{h}.x/a - HIER_NONE/- text/html',
         "a.log"),
    ],
    ids=["trace events", "google", "squid"],
)  # fmt: skip
def test_formats_whose_urls_are_whole_say_how_many_hosts(
    tmp_path: Path, row: str, name: str
) -> None:
    path = tmp_path / name
    rows = (row.format(t=1_760_000_000 + i, s=f"{i:02d}", h=i % 2) for i in range(ROWS))
    path.write_text("\n".join(rows) + "\n")
    told = described(path)
    assert told["keys"]["hosts"] == 2
    assert told["host"] == {"h0.x": "20 (50.0%)", "h1.x": "20 (50.0%)"}


def test_where_nothing_names_a_host_one_is_not_made_up(tmp_path: Path) -> None:
    told = described(table(tmp_path / "t.csv", "/{}"))
    assert told["keys"] == {"distinct": 4, "hosts": None}
    assert "host" not in told
    assert dict(log_page(told)["facts"])["keys"] == "4 of hosts that are not named"


def haproxy(path: Path, captured: str, request: str = "GET / HTTP/1.1") -> Path:
    line = (
        "Oct 10 13:00:{s:02d} lb1 haproxy[1]: 192.0.2.1:33317 [10/Oct/2025:13:00:{s:02d}.100] in~"
        ' st/s1 10/0/30/69/109 200 99 - - ---- 1/1/1/1/0 0/0 {captured}"{request}"\n'
    )
    path.write_text(
        "".join(
            line.format(s=i, captured=captured.replace("N", str(i % 4)), request=request)
            for i in range(ROWS)
        )
    )
    return path


@pytest.mark.parametrize(
    "captured",
    ["{tN.example.com|Mozilla} ", "{Mozilla/5.0 (X11)|tN.example.com:8443} ",
     "{tN.example.com} {} ", "{curl/8.1|tN.example.com|192.0.2.7} {text/html|nginx} ",
     "{||tN.example.com.} "],
)  # fmt: skip
def test_the_host_that_haproxy_captured_keeps_tenants_apart(tmp_path: Path, captured: str) -> None:
    told = described(haproxy(tmp_path / "h.log", captured))
    assert told["keys"] == {"distinct": 4, "hosts": 4}
    assert len(told["host"]) == 4


@pytest.mark.parametrize("captured", ["", "{} ", "{Mozilla/5.0 (X11)|192.0.2.7} {nginx/1.2} "])
def test_captures_that_look_like_no_host_are_none(tmp_path: Path, captured: str) -> None:
    told = described(haproxy(tmp_path / "h.log", captured))
    assert told["keys"] == {"distinct": 1, "hosts": None}


@pytest.mark.parametrize(
    ("captured", "column"),
    [("{tenantN|Mozilla} ", "captured1"), ("{Mozilla|tenantN} {a|b} ", "captured2"),
     ("{Mozilla} {gzip|tenantN} ", "captured3")],
)  # fmt: skip
def test_each_captured_field_is_a_column_that_may_be_named(
    tmp_path: Path, captured: str, column: str
) -> None:
    path = haproxy(tmp_path / "h.log", captured)
    assert column in described(path)["columns"]
    own: Any = {"host": column}
    keys = read_log(path, Reading(columns=own)).keys
    assert sorted(keys) == [f"tenant{n}/" for n in range(4)]
