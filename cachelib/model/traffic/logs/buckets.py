"""Logs in an object store that speaks S3, R2 too: copied beside the run, with the user's own keys.

Who may read what, and where the store answers, the user has said in the places where the vendors'
own tools look (`AWS_PROFILE`, `~/.aws`, `AWS_ENDPOINT_URL` for R2): nothing is asked for here.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from cachelib.errors import CachelibError
from cachelib.model.schema.scratch import scratch
from cachelib.plural import plural

SCHEME = "s3:"
PATTERN = "*?["


class BucketError(CachelibError, ValueError):
    """Objects that cannot be had, and what to do."""


class Object(NamedTuple):
    """What lies in a bucket under a name; and how its file is called, from the folder on."""

    name: str
    size: int
    file: str


def is_in_bucket(log: Path | str) -> bool:
    """Whether it is written `s3://…`, of which a `Path` drops a slash."""
    return Path(log).parts[:1] == (SCHEME,)


def fetched(log: Path | str, stack: ExitStack) -> Path:
    """A folder with what is meant, until `stack` ends: an object, all below a name, a pattern's."""
    address = Path(log)
    if len(address.parts) < 2:
        raise BucketError(f"{SCHEME}//: name a bucket, as in s3://bucket/logs/")
    bucket, wanted = address.parts[1], "/".join(address.parts[2:])
    where = f"{SCHEME}//{bucket}/{wanted}"
    with _told(where):
        client = _client()
        found = _meant(client, bucket, wanted)
        if not found:
            raise BucketError(f"{where}: there is no such object, nor any below that name")
        folder = stack.enter_context(scratch("cachelib-bucket-")) / (address.name or bucket)
        folder.mkdir()
        _fits(where, found, folder)
        for each in found:
            client.download_file(bucket, each.name, str(_room_for(each, folder, where)))
    return folder


def _meant(client: Any, bucket: str, wanted: str) -> list[Object]:
    start = re.split(f"[{PATTERN}]", wanted)[0]
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=start)
    there = [Object(o["Key"], o["Size"], o["Key"]) for p in pages for o in p.get("Contents", ())]
    there = [each for each in there if not each.name.endswith("/")]  # as some tools mark folders
    if start != wanted:
        return [each for each in there if fnmatchcase(each.name, wanted)]
    for each in there:
        if each.name == wanted:
            return [each._replace(file=wanted.rpartition("/")[2])]
    below = f"{wanted}/" if wanted else ""
    inside = [e._replace(file=e.name[len(below) :]) for e in there if e.name.startswith(below)]
    return [e for e in inside if not any(part.startswith(".") for part in e.file.split("/"))]


def _fits(where: str, found: list[Object], folder: Path) -> None:
    needed, free = sum(each.size for each in found), shutil.disk_usage(folder).free
    if needed > free:
        raise BucketError(
            f"{where}: {len(found)} {plural(len(found), 'object')} of {needed / 1e9:,.1f} GB are"
            f" copied to {folder.parents[1]} for the run, where {free / 1e9:,.1f} GB are free:"
            " name fewer of them, or set TMPDIR to a folder with more room"
        )


def _room_for(each: Object, folder: Path, where: str) -> Path:
    """Where the object is put: below the folder, by its name, which a stranger may have chosen."""
    if {"", ".", ".."} & set(each.file.split("/")) or "\0" in each.file:
        raise BucketError(f"{where}: an object is called {each.name!r}, which no file can be")
    file = folder / each.file
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        raise BucketError(
            f"{where}: {each.name!r} lies below another object, as no file can; name one of them"
        ) from None
    return file


def _client() -> Any:
    try:
        import boto3
    except ImportError:
        raise BucketError(
            "logs at s3:// need more than is installed: pip install 'cachelib-decisions[s3]'"
        ) from None
    return boto3.Session().client("s3")


@contextmanager
def _told(where: str) -> Iterator[None]:
    """What the store, or the way to it, says is wrong."""
    try:
        yield
    except (CachelibError, KeyboardInterrupt):
        raise
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("botocore", "boto3", "s3transfer"):
            raise
        raise BucketError(
            f"{where}: {' '.join(str(error).split())}. The store and the keys to it are those of"
            " the AWS tools' own settings: AWS_PROFILE, or AWS_ACCESS_KEY_ID with"
            " AWS_SECRET_ACCESS_KEY,"
            " and AWS_ENDPOINT_URL for one that is not Amazon's"
        ) from None
