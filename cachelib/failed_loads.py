"""Errors of loads that are told again: to those who waited, and for `error_ttl` to those who come.

An exception that is raised again grows a traceback at every turn, and holds the frames of all its
callers with their variables. So each caller gets a copy.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import islice

MAX_ERRORS = 10_000


def again(error: BaseException) -> BaseException:
    """An equal exception without a traceback; `error` itself if its class cannot be copied."""
    from copy import copy  # slow to import, and seldom needed

    for make in (copy, _bare):
        with suppress(Exception):
            new = make(error)
            if new is not error and type(new) is type(error) and str(new) == str(error):
                # a copy that is made by pickling may bring these along, as with Dask's or Celery's
                new.__context__ = None
                if error.__cause__ is not None:
                    new.__cause__ = again(error.__cause__)
                return new.with_traceback(None)
    return error.with_traceback(None)


def _bare(error: BaseException) -> BaseException:
    """A copy made without calling its class, which may want other arguments than it keeps."""
    new = type(error).__new__(type(error), *error.args)
    new.__dict__.update(error.__dict__)
    return new


class FailedLoads:
    """The last error of each key, until it is over."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, BaseException]] = {}  # key: until when, and which

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, key: str, error: Exception, now: float, seconds: float) -> None:
        """Remember `error` until `seconds` from now; of others, at most so many."""
        self._kept.pop(key, None)
        self._kept[key] = now + seconds, again(error)
        for old, (until, _) in list(islice(self._kept.items(), 2)):  # nearly always the oldest
            if until <= now or len(self._kept) > MAX_ERRORS:
                self._kept.pop(old, None)

    def of(self, key: str, now: float) -> Exception | None:
        """A copy of what is to be raised for `key` instead of another load."""
        kept = self._kept.get(key)
        if kept is None or now >= kept[0]:
            return None
        error = again(kept[1])
        return error if isinstance(error, Exception) else None

    def forget(self, key: str) -> None:
        """It was loaded after all."""
        self._kept.pop(key, None)
