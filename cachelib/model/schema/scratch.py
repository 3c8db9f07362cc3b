"""Temporary folders that vanish: with their process, or, if it was killed, at the next start."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where nothing is swept
    fcntl = None  # type: ignore[assignment]


@contextmanager
def scratch(prefix: str, place: Path | None = None) -> Iterator[Path]:
    """A new folder in `place` (the system's by default), and those that killed processes left gone.

    A folder is in use while a process holds the lock on it, which ends with the process.
    """
    parent = place or Path(tempfile.gettempdir())
    sweep(prefix, parent)
    folder, handle = _made(prefix, parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def sweep(prefix: str, place: Path) -> None:
    """Remove this user's folders in `place` that no process holds any more."""
    for folder in place.glob(f"{prefix}*"):
        with suppress(OSError):
            if _is_ours(folder) and (handle := locked(folder)) is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(handle)


def locked(folder: Path) -> int | None:
    """A handle that holds the lock on a folder, or None while another process does.

    Raises `OSError` where the folder cannot be opened or is there no longer.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        if fcntl:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever held the lock until now may have removed what we have locked.
        if not os.path.samestat(os.stat(folder), os.fstat(handle)):
            raise FileNotFoundError(folder)
    except BlockingIOError:
        os.close(handle)
        return None
    except BaseException:
        os.close(handle)
        raise
    return handle


def _made(prefix: str, parent: Path) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        with suppress(FileNotFoundError):  # another process has swept it before it was locked
            if (handle := locked(folder)) is not None:
                return folder, handle


def _is_ours(folder: Path) -> bool:
    """Another user's folder, or a link that somebody laid there, is left alone."""
    found = folder.lstat()
    return folder.is_dir() and not folder.is_symlink() and found.st_uid == os.geteuid()
