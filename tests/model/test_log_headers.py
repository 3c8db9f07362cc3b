"""Headers that a zone asked Logpush for: what they say of who may be answered from a cache."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cachelib.model.traffic.logs import Reading, read_log

ROWS = 40


def row(visit: int, name: str, **headers: Any) -> dict[str, Any]:
    return {
        name: f"2025-10-10T13:00:{visit:02d}Z", "ClientRequestURI": f"/{visit % 7}",
        "ClientRequestMethod": "GET", "EdgeResponseStatus": 200,
        "RequestHeaders": {}, "ResponseHeaders": {},
    } | headers  # fmt: skip


def logpush(path: Path, make: Any, name: str = "EdgeStartTimestamp") -> Path:
    rows = [row(visit, name, **make(visit)) for visit in range(ROWS)]
    if path.suffix == ".csv":
        cells = [
            ",".join('"' + _text(value).replace('"', '""') + '"' for value in each.values())
            for each in rows
        ]
        path.write_text("\n".join([",".join(rows[0]), *cells, ""]))
    else:
        path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    return path


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict) else str(value)


def half(visit: int, request: str, response: str) -> dict[str, Any]:
    """Every second one is asked with a token; every fifth answered with a cookie."""
    asked = {"RequestHeaders": {request: 'Bearer "a'}} if visit % 2 else {}
    told = {"ResponseHeaders": {response: "sid=abc"}} if visit % 5 == 0 else {}
    return asked | told


@pytest.mark.parametrize("name", ["EdgeStartTimestamp", "EdgeEndTimestamp"])
@pytest.mark.parametrize("file", ["log.ndjson", "log.csv"])
@pytest.mark.parametrize(
    "headers",
    [
        ("authorization", "set-cookie"),
        ("Authorization", "Set-Cookie"),
        ("AUTHORIZATION", "SET-COOKIE"),
    ],
)
def test_requests_with_authorisation_and_answers_with_cookies_are_left_out(
    tmp_path: Path, headers: tuple[str, str], file: str, name: str
) -> None:
    path = logpush(tmp_path / file, lambda visit: half(visit, *headers), name)
    account = read_log(path).account
    assert account is not None
    assert dict(account.filtered) == {"an Authorization header": 20, "a Set-Cookie header": 4}
    assert account.requests == 16
    assert len(read_log(path, Reading(keep=("authorization", "set-cookie")))) == ROWS


def test_several_cookies_are_a_list(tmp_path: Path) -> None:
    cookies = {"ResponseHeaders": {"set-cookie": ["a=1", "b=2"]}}
    path = logpush(tmp_path / "log.ndjson", lambda visit: cookies if visit < 3 else {})
    account = read_log(path).account
    assert account is not None
    assert dict(account.filtered) == {"a Set-Cookie header": 3}


def test_headers_of_which_the_first_rows_have_none_count_later(tmp_path: Path) -> None:
    path = tmp_path / "log.ndjson"
    rows = [row(visit % 60, "EdgeStartTimestamp") for visit in range(500)]
    rows += [row(59, "EdgeStartTimestamp", RequestHeaders={"authorization": "x"})] * 5
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    account = read_log(path).account
    assert account is not None
    assert dict(account.filtered) == {"an Authorization header": 5}
