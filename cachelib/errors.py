"""The root of every error that this package raises on purpose."""

from __future__ import annotations


class CachelibError(Exception):
    """What a person, a store or a machine did wrong; never a fault of this package.

    Its message says what was wrong, where, and what to do; the command line prints that and no
    traceback. Those that are a `ValueError` too were given something that cannot be used (exit
    status 2); the others are runs that failed (1).
    """
