"""The user's SQL reads one row, writes nothing, and comes to an end."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from cachelib.model.case.case import load_case
from cachelib.model.schema.typed_yaml import InvalidFileError
from cachelib.model.traffic.logs import LogError, Reading, apart, read_log
from cachelib.model.traffic.logs.database import connect
from cachelib.model.traffic.logs.expressions import checked
from tests.model.cases import raw

ATTACKS = {
    "a second statement": "url) FROM rows; COPY (SELECT 1) TO 'stolen.csv'; SELECT (1",
    "a copy": "1); COPY (SELECT 42) TO 'stolen.csv' --",
    "a file read": "(SELECT content FROM read_text('/etc/hostname'))",
    "a file read in a list": "list_value((SELECT content FROM read_text('/etc/hostname')))",
    "a table function": "read_csv('/etc/passwd')",
    "the network": "(SELECT 1 FROM read_csv('http://127.0.0.1:9/x'))",
    "an attached database": "1); ATTACH 'x.db' --",
    "an extension": "1); INSTALL httpfs --",
    "a setting": "1); SET enable_external_access = true --",
    "the name of a folder": "current_setting('temp_directory')",
    "a sequence": "nextval('s')",
    "an aggregate": "count(*)",
    "a window": "row_number() OVER ()",
    "all columns": "COLUMNS(*)",
    "many rows": "unnest([1, 2])",
    "chance": "random()",
    "a pause": "sleep_ms(100000)",
    "a parameter": "$1",
    "an open comment": "url /*",
    "two expressions": "url AS a, url",
    "a union": "url UNION SELECT 1",
}


@pytest.fixture(scope="module")
def db():
    with tempfile.TemporaryDirectory() as spill, connect(Path(spill)) as database:
        yield database


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("time,url\n" + "".join(f"{i},/{i}\n" for i in range(50)))
    return path


@pytest.mark.parametrize("sql", ATTACKS.values(), ids=ATTACKS)
def test_what_is_not_one_expression_over_a_row_is_refused(db, sql):
    with pytest.raises(LogError, match=r"^key: "):
        checked(db, "key", sql, ["url"])


@pytest.mark.parametrize(
    "sql",
    ["split_part(url, '?', 1)", "CASE WHEN url LIKE '/a%' THEN 1 ELSE 2 END", "url::INTEGER + 1",
     "list_filter(string_split(url, '/'), lambda p: p <> '')[1]", "is_bot(url)", "upper(\"url\")",
     "url || ' -- no comment'", "url IS NOT NULL AND NOT url IN ('a', 'b')"],
)  # fmt: skip
def test_an_expression_over_a_row_is_taken(db, sql):
    assert checked(db, "key", sql, ["url"]) == f"({sql}\n)"


@pytest.mark.parametrize("name", ["a copy", "a second statement", "a file read"])
@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet"])
def test_no_attack_writes_to_the_log_or_beside_it(tmp_path, monkeypatch, suffix, name):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"t.{suffix}"
    if suffix == "parquet":
        pyarrow.parquet.write_table(pa.table({"time": [1.0], "url": ["/a"]}), path)
    else:
        path.write_text("time,url\n1,/a\n".replace(",", "\t" if suffix == "tsv" else ","))
    before = path.read_bytes()
    with pytest.raises(LogError):
        read_log(path, Reading(key=ATTACKS[name]))
    assert (path.read_bytes(), os.listdir(tmp_path)) == (before, [path.name])


def test_a_value_that_no_memory_holds_ends_the_query_and_not_the_reader(log):
    with pytest.raises(LogError, match=r"t\.csv: "):
        read_log(log, Reading(key="repeat(url, 3000000000)"))


def test_a_query_that_takes_too_long_is_ended(log, monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    tempfile.tempdir = None
    monkeypatch.setenv(apart.LIMIT, "0")
    with pytest.raises(LogError, match="took longer than"):
        read_log(log, Reading(key="list_sum(range(len(url) + 1000000))::VARCHAR"))
    tempfile.tempdir = None
    assert not list(tmp_path.glob("cachelib-log-*"))


def test_a_row_on_which_an_expression_fails_is_a_skipped_row(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("time,url\n1,5\n2,x\n3,7\n")
    trace = read_log(path, Reading(key="CAST(url AS INTEGER) + 1"))
    assert (trace.keys, trace.skipped.lines, trace.skipped.reason) == (["6", "8"], 1, "no key")


def test_ctrl_c_ends_a_query_at_once_and_leaves_nothing(log, tmp_path):
    spills = tmp_path / "spills"
    spills.mkdir()
    code = (
        "import sys; from pathlib import Path; from cachelib.model.traffic.logs import *\n"
        "print('ready', flush=True)\n"
        f"read_log(Path({str(log)!r}), Reading(key='list_sum(range(300000000))::VARCHAR'))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=os.environ | {"TMPDIR": str(spills)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout.readline() == b"ready\n"
    deadline = time.monotonic() + 60
    while not list(spills.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert not list(spills.iterdir())


@pytest.mark.parametrize(
    ("log", "where", "says"),
    [
        ({"key": "read_text('/etc/passwd')"}, "log.key", "the function 'read_text' is unknown"),
        ({"where": "url in (select 1)"}, "log.where", "a query inside of it"),
        ({"columns": {"colo": "current_user()"}}, "log.columns.colo", "current_user"),
    ],
)
def test_a_case_is_checked_for_sql_that_no_log_could_make_sense_of(tmp_path, log, where, says):
    path = tmp_path / "case.yaml"
    path.write_text(json.dumps(raw(log=log)))
    with pytest.raises(InvalidFileError) as caught:
        load_case(path)
    assert where in str(caught.value)
    assert says in str(caught.value)
