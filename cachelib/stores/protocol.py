"""What `TieredCache` asks of an L2, and what else an L2 may be able to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, Self, runtime_checkable

from cachelib.errors import CachelibError


class Stored(NamedTuple):
    """Bytes, and when they expire, in seconds of the cache's clock; None for never."""

    data: bytes
    expires_at: float | None


class RejectedError(CachelibError, ValueError):
    """The caller's mistake: this store can never hold such a key or value."""


class StoreUnavailableError(CachelibError):
    """L2 did not answer: closed, too slow, or given up on for a while."""


class StoreTimeoutError(StoreUnavailableError):
    """L2 took too long. What was asked of it may still happen: see `pending`."""

    def __init__(self, message: str, pending: Pending) -> None:
        super().__init__(message)
        self.pending = pending


class Pending(Protocol):
    """A future, of `concurrent.futures` or `asyncio`."""

    def add_done_callback(self, callback: Callable[[Any], object], /) -> object: ...


class Closing:
    """Something to close, and a `with` that does it."""

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Store(Protocol):
    """An expired entry reads as absent; deleting what is absent succeeds.

    `now` is the time by the cache's clock. Errors: `RejectedError`, or what the back end raises.
    """

    def get(self, key: str, now: float) -> Stored | None: ...
    def set(self, key: str, stored: Stored) -> None: ...
    def delete(self, key: str) -> None: ...
    def get_many(self, keys: Sequence[str], now: float) -> dict[str, Stored]: ...
    def set_many(self, items: Mapping[str, Stored]) -> None: ...
    def delete_many(self, keys: Iterable[str]) -> None: ...


@runtime_checkable
class LeaseStore(Protocol):
    """A store that can name one loader per key among many processes."""

    def acquire(self, key: str, seconds: float, now: float) -> int | None:
        """A fencing token, greater than every earlier one; None while another holds the lease."""

    def set_fenced(self, key: str, stored: Stored, token: int) -> bool:
        """Write and end the lease, unless it has passed on since: then False, nothing written."""

    def release(self, key: str, token: int) -> None:
        """End the lease without a write."""


@runtime_checkable
class LeaseWatch(Protocol):
    """A store that can tell when a lease may have ended."""

    def watch_lease(self, key: str, freed: Callable[[], object]) -> Callable[[], None]:
        """Call `freed`, from any thread, when it may have; returns what ends the watch."""


@runtime_checkable
class ChangeFeed(Protocol):
    """A store that can tell what other processes changed."""

    def changes(self, timeout: float) -> Sequence[str] | None:
        """Keys that others wrote or deleted since the last call, waiting up to `timeout` seconds
        for the first; None if some may have been missed, so that nothing older can be trusted."""
