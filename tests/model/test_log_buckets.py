"""Logs at s3://, out of a server of this machine that speaks as Amazon's and R2 do."""

import json
import shutil
import sys
from collections import namedtuple
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner

from cachelib.cli import main
from cachelib.model.traffic.logs.buckets import BucketError, fetched
from cachelib.model.traffic.logs.source import LogError, files

LINES = [f"{i / 10},/k{i * i % 50}" for i in range(2_000)]
HEADER = "time,key"


@pytest.fixture(scope="module")
def server():
    pytest.importorskip("boto3", reason="no bucket without the extra 's3'")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(server, monkeypatch, tmp_path):
    """A bucket, found as the AWS tools find one: by an endpoint and keys in the environment."""
    import boto3

    for name, value in {
        "AWS_ENDPOINT_URL": server, "AWS_ACCESS_KEY_ID": "me", "AWS_SECRET_ACCESS_KEY": "mine",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "NO_PROXY": "127.0.0.1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    name = f"logs-{abs(hash(str(tmp_path)))}"
    client = boto3.client("s3")
    client.create_bucket(Bucket=name)

    def put(key, text):
        client.put_object(Bucket=name, Key=key, Body=text.encode())

    put.name, put.free = name, tmp_path / "tmp"
    yield put
    client.close()


def whole_log(bucket):
    bucket("day/1.csv", "\n".join([HEADER, *LINES[:900]]))
    bucket("day/2/2.csv", "\n".join([HEADER, *LINES[900:]]))
    bucket("day/.hidden", "no log")
    bucket("day/", "")
    bucket("daylight.csv", "another")


def names(address):
    with ExitStack() as stack:
        return sorted(file.name for file in files(Path(address), stack))


def run(*words):
    return CliRunner().invoke(main, list(map(str, words)))


def test_an_object_a_folder_and_a_pattern_are_what_they_are_of_files(bucket):
    whole_log(bucket)
    assert names(f"s3://{bucket.name}/day/1.csv") == ["1.csv"]
    assert names(f"s3://{bucket.name}/day") == ["1.csv", "2.csv"]
    assert names(f"s3://{bucket.name}/day/") == ["1.csv", "2.csv"]
    assert names(f"s3://{bucket.name}/day*/*.csv") == ["1.csv", "2.csv"]
    assert names(f"s3://{bucket.name}/day*.csv") == ["1.csv", "2.csv", "daylight.csv"]
    assert not list(bucket.free.iterdir())


@pytest.mark.parametrize("command", ["log", "replay", "mrc"])
def test_commands_say_the_same_of_a_bucket_as_of_a_folder(bucket, tmp_path, command):
    whole_log(bucket)
    (tmp_path / "day").mkdir()
    (tmp_path / "day" / "1.csv").write_text("\n".join([HEADER, *LINES[:900]]))
    (tmp_path / "day" / "2.csv").write_text("\n".join([HEADER, *LINES[900:]]))
    here = run(command, tmp_path / "day", "--json")
    there = run(command, f"s3://{bucket.name}/day/", "--json")
    assert there.exit_code == 0, there.output
    assert json.loads(there.stdout) == json.loads(here.stdout)
    assert not list(bucket.free.glob("cachelib-bucket-*"))


def test_a_report_gets_the_log_in_a_folder_until_it_is_done(bucket, monkeypatch, tmp_path):
    whole_log(bucket)
    seen = {}

    def build(given, out, **options):
        seen.update({file.name: file.read_text() for file in files(Path(given["trace"]))})
        raise BucketError("enough")

    monkeypatch.setattr("cachelib.report.build.build", build)
    done = run("report", "trading-sentiment", "--trace", f"s3://{bucket.name}/day/",
               "--out", tmp_path / "out")  # fmt: skip
    assert "enough" in done.output
    assert list(seen) == ["1.csv", "2.csv"]
    assert not list(bucket.free.glob("cachelib-bucket-*"))


def refused(address):
    with ExitStack() as stack, pytest.raises(BucketError) as told:
        fetched(address, stack)
    return str(told.value)


def test_what_cannot_be_had_is_said_with_what_to_do(bucket, monkeypatch):
    whole_log(bucket)
    at = f"s3://{bucket.name}"
    assert "there is no such object" in refused(f"{at}/night/")
    assert "NoSuchBucket" in refused("s3://nobodys-bucket/x")
    assert "name a bucket" in refused("s3://")
    bucket("bad/../../x.csv", "a")
    assert "which no file can be" in refused(f"{at}/bad*")
    bucket("both/a", "x")
    bucket("both/a/b", "x")
    assert "name one of them" in refused(f"{at}/both")
    usage = namedtuple("usage", "free")(10)
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda folder: usage)
        assert "2 objects of 0.0 GB" in refused(f"{at}/day")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "none")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert "AWS_PROFILE" in refused(f"{at}/day")
    assert not list(bucket.free.glob("cachelib-bucket-*"))


def test_a_bucket_without_its_extra_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    done = run("log", "s3://bucket/day/")
    assert done.exit_code == 2
    assert "cachelib-decisions[s3]" in done.stderr


def test_what_is_looked_at_twice_is_not_fetched_for_one_look():
    with pytest.raises(LogError, match="copy it into a folder"):
        files(Path("s3://bucket/day/"))
