"""What a refusal says: only what is so, and what would read the file."""

from __future__ import annotations

import gzip
import io
import random
import re
import tarfile
from pathlib import Path

import duckdb
import pytest

from cachelib.model.traffic.logs import LogError, Reading, read_log

LINES = "".join(
    f'192.0.2.1 - - [10/Oct/2025:13:00:{i:02d} +0000] "GET /{i} HTTP/1.1" 200 5\n'
    for i in range(40)
)


def refused(path: Path, reading: Reading | None = None) -> str:
    with pytest.raises(LogError) as told:
        read_log(path, reading)
    return str(told.value)


@pytest.mark.parametrize(
    ("content", "columns"),
    [("a;b;c\n1;2;3\n4;5;6\n", "a, b, c"), ("datum,pfad\n2025-10-10 13:00:00,/a\n", "datum, pfad"),
     ("# clock, id, size\n1, 2, 3\n2, 3, 4\n", "clock, id, size")],
)  # fmt: skip
def test_where_no_format_is_near_none_is_named(tmp_path: Path, content: str, columns: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(content)
    told = refused(path)
    assert "No named format has any of these columns" in told
    assert f"it has {columns}" in told
    assert "--key" in told or "--time-column" in told
    assert "akamai" not in told


@pytest.mark.parametrize("seed", range(4))
def test_of_a_binary_file_nothing_is_shown_but_that_it_is_one(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(random.Random(seed).randbytes(200_000))
    told = refused(path)
    assert "is a binary file" in told
    assert told.isascii()
    assert "lines" not in told


def test_a_file_of_text_is_no_binary_one_for_a_few_damaged_bytes(tmp_path: Path) -> None:
    path = tmp_path / "notes.log"
    path.write_text("a few words about nothing much, which go on, and then another line\x00\n" * 40)
    assert "line 1: not a line of a format that is known: 'a few words" in refused(path)


def test_a_format_of_which_a_column_is_there_is_near(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("EdgeColoCode,EdgeStartTimestamp\nLHR,1760000000\n")
    assert "logpush lacks ClientRequestURI or ClientRequestPath" in refused(path)


@pytest.mark.parametrize(
    ("times", "says"),
    [
        (["10/11/2025 13:00", "10/12/2025 13:01"], "month first; if the day is, '%d/%m/%Y %H:%M'"),
        (["10/11/2025 13:00", "10/13/2025 13:01"], "(month first)"),
        (["13/11/2025 01:00:01 PM", "14/11/2025 01:00:02 PM"], "(day first)"),
        (["10.11.25 13:00:05", "11.11.25 13:00:06"], "month first; if the day is"),
        (["2025.11.10 13:00", "2025.11.10 13:01"], "(year first)"),
    ],
)
def test_the_format_that_is_proposed_for_times_reads_them(
    tmp_path: Path, times: list[str], says: str
) -> None:
    path = tmp_path / "t.csv"
    rows = times * 20
    path.write_text("Date,URL\n" + "".join(f"{time},/{i}\n" for i, time in enumerate(rows)))
    told = refused(path)
    assert says in told
    proposal = re.search(r'--column time="(strptime\(Date, .*?\))"', told)
    assert proposal, told
    assert len(read_log(path, Reading(columns={"time": proposal[1]}))) == 40


def test_a_proposal_for_a_column_whose_name_is_a_word_of_sql_names_it_in_quotes(
    tmp_path: Path,
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("When,URL\n" + "10/11/2025 01:00 PM,/a\n" * 40)
    proposal = re.search(r'--column time="(strptime\(.*?\))"', refused(path))
    assert proposal
    own = proposal[1].replace('\\"', '"')  # as a shell reads it
    assert own.startswith('strptime("When", ')
    assert len(read_log(path, Reading(columns={"time": own}))) == 40


def test_a_proposal_for_a_column_within_another_names_it_in_quotes(tmp_path: Path) -> None:
    path = tmp_path / "t.ndjson"
    path.write_text('{"data": {"time": "10/11/2025 13:00"}, "url": "/a"}\n' * 40)
    proposal = re.search(r'--column time="(strptime\(.*?\))"', refused(path))
    assert proposal
    own = proposal[1].replace('\\"', '"')  # as a shell reads it
    assert own.startswith('strptime("data.time", ')
    assert len(read_log(path, Reading(columns={"time": own}))) == 40


def test_times_that_nothing_reads_get_no_format_that_reads_them_not(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Date,URL\n" + "early:morning,/a\nlate:night,/b\n" * 20)
    told = refused(path)
    assert "Date holds 'early:morning'" in told
    assert "2 Jan 2025 15:04:05" in told
    ((example,),) = duckdb.sql(
        "SELECT strptime('2 Jan 2025 15:04:05', '%d %b %Y %H:%M:%S')"
    ).fetchall()
    assert str(example) == "2025-01-02 15:04:05"


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("junk", [b"junk\n", b"a" * 5000, b"x"])
def test_what_follows_the_last_member_of_a_gzip_file_is_called_so(
    tmp_path: Path, members: int, junk: bytes
) -> None:
    whole = gzip.compress(LINES.encode()) * members
    path = tmp_path / "access.log.gz"
    path.write_bytes(whole + junk)
    told = refused(path)
    assert f"ends at byte {len(whole)}, and something follows" in told
    assert f"head -c {len(whole)} access.log.gz" in told
    assert "cut short" not in told


def test_a_gzip_file_that_is_cut_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "access.log.gz"
    path.write_bytes((gzip.compress(LINES.encode()) * 2)[:-20])
    assert "is cut short" in refused(path)


def test_zeros_after_the_last_member_are_no_junk(tmp_path: Path) -> None:
    """As tapes and object stores pad files."""
    path = tmp_path / "access.log.gz"
    path.write_bytes(gzip.compress(LINES.encode()) + bytes(512))
    assert len(read_log(path)) == 40


@pytest.mark.parametrize("name", ["logs.tar", "logs.tgz", "logs.log"])
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_tar_archive_is_not_read_as_text(tmp_path: Path, name: str, form: int) -> None:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=form) as archive:
        about = tarfile.TarInfo("access.log")
        about.size = len(LINES)
        archive.addfile(about, io.BytesIO(LINES.encode()))
    packed = gzip.compress(held.getvalue()) if name.endswith("tgz") else held.getvalue()
    (tmp_path / name).write_bytes(packed)
    assert "is a tar archive; unpack it first" in refused(tmp_path / name)


def test_an_archive_within_gzip_is_no_log_either(tmp_path: Path) -> None:
    path = tmp_path / "logs.zip.gz"
    path.write_bytes(gzip.compress(b"PK\x03\x04" + bytes(100)))
    assert "is a zip archive; unpack it first" in refused(path)
