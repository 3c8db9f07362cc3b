"""How functions become machine code, and where that is kept."""

# mypy: ignore-errors

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from numba import config, njit, typeof

OPTIONS = {"error_model": "numpy", "_nrt": False}
"""Nothing is allocated in these functions, so nothing need be counted: a quarter of the time."""

inner = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)
"""For functions called by compiled ones only: half the time to compile."""

hot = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True, **OPTIONS)
"""The same, copied into their callers: a call has to pass a hundred numbers."""


def _sources() -> str:
    model = Path(__file__).parents[1]
    rooms = (model / "tiers", model / "traffic", model / "engines")
    files = sorted(file for room in rooms for file in room.rglob("*.py"))
    return sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()[:16]


KEPT = Path(__file__).parent / "__pycache__" / f"numba-{_sources()}"


class Kernel:
    """A function that becomes machine code when first called, or is found where that is kept.

    Numba asks whether a function's own file has changed, not those of the functions it calls;
    so code is kept by the sources of them all: in this package, or where `NUMBA_CACHE_DIR` says,
    or in the user's cache folder, or nowhere if none can be written.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        chosen = config.CACHE_DIR
        try:
            config.CACHE_DIR = chosen or str(KEPT)
            self.machine = njit(cache=True, **OPTIONS)(function)
        except RuntimeError:
            self.machine = njit(**OPTIONS)(function)
        finally:
            config.CACHE_DIR = chosen

    def __call__(self, *args: Any) -> Any:
        if not self.machine.signatures:
            with _in_turn(self.machine.stats.cache_path):
                self.machine.compile(tuple(map(typeof, args)))
        return self.machine(*args)


compiled = Kernel


@contextmanager
def _in_turn(folder: str | None) -> Iterator[None]:
    """One process at a time, so that what one compiles the others find in the folder."""
    with ExitStack() as stack:
        with suppress(ImportError, OSError, TypeError):
            import fcntl

            lock = stack.enter_context(Path(folder, "lock").open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
