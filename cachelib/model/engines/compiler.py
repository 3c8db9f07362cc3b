"""How functions become machine code, and where that is kept."""

# mypy: ignore-errors

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from numba import config, njit, typeof

from cachelib.model.engines.kept import code, folder

OPTIONS = {"error_model": "numpy", "nogil": True, "_nrt": False}
"""Nothing is allocated in these functions, so nothing need be counted: a quarter of the time.
Nor do they touch a Python object, so that other threads may run meanwhile."""

inner = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)
"""For functions called by compiled ones only: half the time to compile."""

hot = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True, **OPTIONS)
"""The same, copied into their callers: a call has to pass a hundred numbers."""

SUMS = "sums"


class Kernel:
    """A function that becomes machine code when first called, or is found where that is kept.

    Numba asks whether a function's own file has changed, not those of the functions it calls;
    so code is kept by the sources of them all: in this package, or where `NUMBA_CACHE_DIR` says,
    or in the user's cache folder, or nowhere if none can be written.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        chosen = config.CACHE_DIR  # not to be trusted: a file in the current folder may set it
        try:
            config.CACHE_DIR = str(folder())
            self.machine = njit(cache=True, **OPTIONS)(function)
        except RuntimeError:
            self.machine = njit(**OPTIONS)(function)
        finally:
            config.CACHE_DIR = chosen

    def __call__(self, *args: Any) -> Any:
        if not self.machine.signatures:
            place = self.machine.stats.cache_path
            with _in_turn(place), _undamaged(place):
                self.machine.compile(tuple(map(typeof, args)))
        known = len(self.machine.overloads)
        result = self.machine(*args)
        if len(self.machine.overloads) != known:  # other types were compiled, and kept, too
            _note_sums(self.machine.stats.cache_path)
        return result


compiled = Kernel


@contextmanager
def _undamaged(folder: str | None) -> Iterator[None]:
    """Code whose bytes are not those that were written is thrown away, and compiled anew."""
    with suppress(OSError, TypeError):
        kept = Path(folder)
        if _said(kept) != _sums(kept):
            for file in code(kept):
                file.unlink()
    yield
    _note_sums(folder)


def _said(folder: Path) -> str | None:
    """What was noted of the code, if that can be read; of what cannot, nothing is believed."""
    try:
        return (folder / SUMS).read_text("utf-8")
    except (OSError, ValueError):
        return None


def _note_sums(folder: str | None) -> None:
    with suppress(OSError, TypeError):
        new = Path(folder, f"{SUMS}.new")
        new.write_text(_sums(new.parent))
        new.replace(new.with_name(SUMS))


def _sums(folder: Path) -> str:
    lines = (f"{sha256(file.read_bytes()).hexdigest()} {file.name}" for file in code(folder))
    return "\n".join(lines)


@contextmanager
def _in_turn(folder: str | None) -> Iterator[None]:
    """One process at a time, so that what one compiles the others find in the folder."""
    with ExitStack() as stack:
        with suppress(ImportError, OSError, TypeError):
            import fcntl

            lock = stack.enter_context(Path(folder, "lock").open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
