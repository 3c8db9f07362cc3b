"""A log_format comes with a case of somebody else's: no line takes it longer than its length."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachelib.model.traffic.logs import LogError, Reading, read_log
from cachelib.model.traffic.logs.matching import fitting, groups_of
from cachelib.model.traffic.logs.patterns import PatternError, pattern

REST = ' [10/Oct/2025:13:00:{:02d} +0000] "GET /{} HTTP/1.1" 200\n'


@pytest.mark.parametrize(
    ("log_format", "letter"), [("$a $b $c $d $e $f", " "), ('$a "$b" $c "$d" $e', '"')]
)
@pytest.mark.timeout(60)
def test_a_long_line_that_can_be_parted_in_many_ways_is_read_in_time(
    tmp_path: Path, log_format: str, letter: str
) -> None:
    path = tmp_path / "access.log"
    good = "".join("1 2 3 4 5 6" + REST.format(i, i) for i in range(40))
    good = good.replace("1 2 3 4 5 6", '1 "2" 3 "4" 5') if letter == '"' else good
    path.write_text(letter * 60_000 + "x\n" + good)
    trace = read_log(path, Reading(format=log_format + ' [$time_local] "$request" $status'))
    assert len(trace) == 40
    assert trace.skipped.lines == 1


@pytest.mark.parametrize("log_format", ["$a$b$c [$time_local] $request", "${a}${b} $msec $request"])
def test_two_fields_with_nothing_between_them_cannot_be_told_apart(log_format: str) -> None:
    with pytest.raises(PatternError, match=r"nothing between \$a and \$b,"):
        pattern(log_format)


def test_a_host_before_a_url_ends_where_the_url_begins(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text("".join(f"17600000{i:02d} https://h{i % 2}.x/a/b 200\n" for i in range(40)))
    trace = read_log(path, Reading(format="$msec $scheme://$host$request_uri $status"))
    assert sorted(trace.keys) == ["h0.x/a/b", "h1.x/a/b"]


def test_a_log_of_no_format_with_a_long_line_is_refused_in_time(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text(": " * 30_000 + "\n" + "what is this\n" * 10)
    with pytest.raises(LogError, match="not a line of a format that is known"):
        read_log(path)


def test_patterns_match_as_the_database_does() -> None:
    assert fitting("^a", ["ab", "ba", "\ud800"]) == [True, False, False]
    assert groups_of(r"^(?P<n>\d)(?P<rest>.*)", ["1x", "y"]) == [{"n": "1", "rest": "x"}]
