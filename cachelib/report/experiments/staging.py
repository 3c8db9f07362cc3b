"""A folder that is replaced whole or not at all, by one run at a time."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cachelib.errors import CachelibError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class OutputError(CachelibError, ValueError):
    """A folder that a report may not be written to."""


class UnwrittenError(CachelibError, RuntimeError):
    """A report that could not be written; the one before it, if any, is as it was."""


@contextmanager
def exclusive(out: Path) -> Iterator[Path]:
    """A new folder beside `out` to build in, which vanishes at the end; see `replace`.

    Raises `OutputError` if `out` is there and no report, cannot be written to, or is being written
    by another run; `UnwrittenError` if the disk is full.
    """
    if out.exists() and not is_ours(out):
        raise OutputError(f"{out}: is there already and is no report; name another with --out")
    place = Path(os.path.abspath(out))
    stage = place.parent / f".{place.name}.building"
    try:
        handle = _lock(stage, out)
    except OSError as error:
        raise OutputError(f"{out}: cannot be written: {error.strerror}") from None
    try:
        _clear(stage, place)
        yield stage
    except OSError as error:
        if not is_full(error):
            raise
        said = f"{out}: {error.strerror}; nothing was written, an earlier report is as it was"
        raise UnwrittenError(said) from None
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        os.close(handle)


def is_ours(folder: Path) -> bool:
    """Whether a report may take the folder's place: it is one, or it is empty."""
    return folder.is_dir() and ((folder / "manifest.json").is_file() or not any(folder.iterdir()))


def is_full(error: OSError) -> bool:
    """Whether the disk, or the user's share of it, is what is wrong."""
    return error.errno in FULL


def replace(out: Path, stage: Path, new: Path) -> None:
    """Put `new` in the place of `out`, by renaming."""
    old, place = stage / "old", Path(os.path.abspath(out))
    try:
        if place.exists():
            os.replace(place, old)
        os.replace(new, place)
    except BaseException:
        _restore(old, place)
        raise


def _lock(stage: Path, out: Path) -> int:
    """The stage made and locked; the lock ends with its process, however that ends."""
    while True:
        stage.mkdir(parents=True, exist_ok=True)
        handle = os.open(stage, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still(stage, handle):
                return handle
        except BlockingIOError:
            os.close(handle)
            wait = "wait until it is done, or name another folder with --out"
            raise OutputError(f"{out}: another run is writing this report; {wait}") from None
        os.close(handle)


def _is_still(stage: Path, handle: int) -> bool:
    """Whether the run that held the lock until now has not removed what we have locked."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.stat(stage), os.fstat(handle))
    return False


def _clear(stage: Path, out: Path) -> None:
    """Undo what a run left that was killed."""
    _restore(stage / "old", out)
    for left in stage.iterdir():
        shutil.rmtree(left)


def _restore(old: Path, out: Path) -> None:
    if old.exists() and not out.exists():
        os.replace(old, out)
