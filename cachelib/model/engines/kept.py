"""Where machine code is kept, and how it comes to be there before it is asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

MODEL = Path(__file__).parents[1]
SUFFIXES = (".nbi", ".nbc")
COMPILE = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
from cachelib.model.engines import replay
replay.warm_up()
"""
"""Ends with whoever waits for it: then its input does."""


def _sources() -> str:
    rooms = (MODEL / "tiers", MODEL / "traffic", MODEL / "engines")
    files = sorted(file for room in rooms for file in room.rglob("*.py"))
    return sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()[:16]


SOURCES = _sources()
KEPT = Path(__file__).parent / "__pycache__" / f"numba-{SOURCES}"


def folder() -> Path:
    """Where machine code of these sources belongs: here, or where `NUMBA_CACHE_DIR` says."""
    return Path(os.environ.get("NUMBA_CACHE_DIR") or KEPT)


def code(folder: Path) -> list[Path]:
    """The files of machine code in `folder` and below. Raises `OSError` if it cannot be read."""
    return sorted(file for file in folder.rglob("*") if file.suffix in SUFFIXES)


@contextmanager
def compiled_aside() -> Iterator[None]:
    """If there is no machine code yet, another process makes it meanwhile.

    That takes about as long as the first imports of a fresh environment, one processor each.
    Whoever needs the code before it is there waits for it.
    """
    if code(folder()):
        yield
        return
    quiet = subprocess.DEVNULL
    command = [sys.executable, "-P", "-c", COMPILE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet) as compiling:  # noqa: S603
        try:
            yield
        finally:
            compiling.kill()
