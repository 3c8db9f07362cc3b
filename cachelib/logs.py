"""What went wrong, told to `logging.getLogger("cachelib")`, unless another logger is given."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logging import Logger

QUIET = 10.0  # seconds in which trouble of one kind is a warning once; what follows is for DEBUG
MESSAGES = {
    "l2_errors": "L2 failed at %r: %s",
    "decode_errors": "what L2 has under %r cannot be decoded: %s",
    "load_errors": "loading %r failed: %s",
    "rejected": "the value of %r is not kept: %s",
}


def logger() -> Logger:
    """The one of this package."""
    import logging  # slow to import, and seldom needed

    return logging.getLogger("cachelib")


class Log:
    """Warnings that do not flood: a store that is away fails at every request."""

    def __init__(self, logger: Logger | None) -> None:
        self._logger = logger
        self._warned: dict[str, float] = {}  # name: when, by this machine's own clock

    def tell(self, name: str, key: str, error: BaseException) -> None:
        """That `error` is why `name` is counted for `key`."""
        import logging

        now, log = monotonic(), self._logger or logger()
        quiet = now - self._warned.get(name, -QUIET) < QUIET
        if not quiet:
            self._warned[name] = now
        log.log(
            logging.DEBUG if quiet else logging.WARNING,
            MESSAGES.get(name, f"{name} at %r: %s"),
            key[:200],
            f"{type(error).__name__}: {error}",
            exc_info=error if log.isEnabledFor(logging.DEBUG) else None,
        )
