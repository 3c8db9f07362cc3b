"""What `TieredCache` asks of an L2, and what else an L2 may be able to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, Self, runtime_checkable

from cachelib.errors import CachelibError


class Stored(NamedTuple):
    """Bytes, and when they expire, in seconds of the cache's clock; None for never.

    `version` is set by a `VersionedStore`. Two are equal if they say the same, whenever written.
    """

    data: bytes
    expires_at: float | None
    version: int = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stored) and self[:2] == other[:2]

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self[:2])


class RejectedError(CachelibError, ValueError):
    """The caller's mistake: this store can never hold such a key or value."""


class DamagedError(CachelibError, ValueError):
    """What is stored under a key is not of our making: it counts as absent."""


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

    `now` is the time by the cache's clock. Errors: `RejectedError` for a key or value that can
    never be stored, `DamagedError` for what can never be read, else what the back end raises.
    Writes return the number of the change, if the store counts them (`VersionedStore`).
    """

    def get(self, key: str, now: float) -> Stored | None: ...
    def set(self, key: str, stored: Stored) -> int | None: ...
    def delete(self, key: str) -> int | None: ...
    def get_many(self, keys: Sequence[str], now: float) -> dict[str, Stored]: ...
    def set_many(self, items: Mapping[str, Stored]) -> int | None: ...
    def delete_many(self, keys: Iterable[str]) -> int | None: ...


TOMBSTONE_SECONDS = 600.0
"""How long a store remembers that a key was deleted. What began earlier than that is not written,
as nobody can say any more whether it is outdated."""


@runtime_checkable
class VersionedStore(Protocol):
    """A store that numbers all changes, and can refuse one that began before another.

    A later change of a key has a greater number. Numbers are microseconds of the store's own time,
    or more where that stood still: so who was cut off can tell about where they would have been.
    """

    def version(self, key: str) -> int:
        """What begins now is later than each change with at most this number."""

    def estimate(self) -> int | None:
        """About that, without asking; None if nothing is known."""

    def write_since(self, changes: Mapping[str, tuple[Stored | None, int]]) -> Sequence[str]:
        """Write, or delete where there is None, the keys that have not changed since a number.

        They take that number as their version. The others, left as they are, are returned.
        """


@runtime_checkable
class QuickStore(Protocol):
    """A store that can give the bytes alone, quicker than with all that it knows of them."""

    def get_data(self, key: str) -> bytes | None:
        """What was last stored under a key, though it may have expired; None or b"" for nothing."""


@runtime_checkable
class Timekeeper(Protocol):
    """A store that needs the time when it is written to."""

    def keep_time(self, clock: Callable[[], float]) -> None:
        """From now on, it is this."""


@runtime_checkable
class LeaseStore(Protocol):
    """A store that can name one loader per key among many processes."""

    def acquire(self, key: str, seconds: float, now: float) -> int | None:
        """A fencing token, greater than every earlier one; None while another holds the lease."""

    def set_fenced(self, key: str, stored: Stored, token: int, since: int | None = None) -> bool:
        """Write and end the lease. False, and nothing is written, if it has passed on, or if the
        key has changed since that number (of a `VersionedStore`)."""

    def release(self, key: str, token: int) -> None:
        """End the lease without a write."""


@runtime_checkable
class LeaseWatch(Protocol):
    """A store that can tell when a lease may have ended."""

    def watch_lease(self, key: str, freed: Callable[[], object]) -> Callable[[], None]:
        """Call `freed`, from any thread, when it may have; returns what ends the watch."""


@runtime_checkable
class CounterStore(Protocol):
    """A `VersionedStore` that adds to counters by itself, see `cachelib.stores.counters`."""

    def incr(self, key: str, by: int, expires_at: float | None, since: int, now: float) -> Stored:
        """Add to a counter, and return what is stored now, with its version.

        One that begins here lives until `expires_at`. What was last changed at `since` or before
        was revoked, and counts as absent. RejectedError for what is no counter, or too large.
        """


@runtime_checkable
class ChangeFeed(Protocol):
    """A store that can tell what other processes changed."""

    def changes(self, timeout: float) -> Sequence[str] | None:
        """Keys that others wrote or deleted since the last call, waiting up to `timeout` seconds
        for the first; None if some may have been missed, so that nothing older can be trusted."""
