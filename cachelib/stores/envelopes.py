"""An entry as L2 has it: sealed, and opened again if it is to be believed."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from cachelib.memory import Entry
from cachelib.options import ABSENT, Policy
from cachelib.stores.codecs import NEGATIVE, Codec, encode, seal, unseal
from cachelib.stores.counters import count_in
from cachelib.stores.protocol import Stored

CLOCK_SKEW = 5.0  # an entry from further in the future than this (seconds) is not believed


class Envelopes:
    """`count` is told of what cannot be opened; tags are asked for every `refresh` seconds."""

    def __init__(
        self, codec: Codec, versioned: bool, count: Callable[..., None], refresh: float
    ) -> None:
        self._codec, self._versioned, self._count = codec, versioned, count
        self._refresh = refresh

    def seal(self, key: str, entry: Entry, policy: Policy) -> Stored:
        """The entry as L2 has it; its size."""
        absent, end = entry.value is ABSENT, entry.expires_at
        payload = b"" if absent else encode(self._codec, key, entry.value)
        entry.size += len(payload)
        flags = NEGATIVE if absent else 0
        data = seal(payload, entry.created_at, entry.soft_at, end, entry.tags, flags)
        return Stored(data, None if end == inf else end + policy.stale_if_error)

    def open(self, key: str, stored: Stored, policy: Policy, now: float) -> Entry | None:
        """The entry in L2's bytes; None if they are damaged, or not to be believed."""
        if (number := count_in(stored.data)) is not None:
            return self.counter(key, number, stored, policy, now)
        try:
            flags, created_at, soft_at, expires_at, tags, payload = unseal(stored.data)
            value = ABSENT if flags & NEGATIVE else self._codec.decode(payload)
        except Exception as error:
            self._count("decode_errors", key, error)
            return None
        version: float = created_at
        if self._versioned:
            version = stored.version
            if created_at > now:  # by a clock that is ahead of ours: it may not live longer by it
                soft_at, expires_at = soft_at - created_at + now, expires_at - created_at + now
                created_at = now
        elif created_at > now + CLOCK_SKEW:
            return None
        end = stored.expires_at
        if end is not None and end < expires_at:
            expires_at = end
        entry = Entry(value, created_at, expires_at, len(key) + len(payload))
        entry.soft_at, entry.tags, entry.version = soft_at, tags, version
        if now < expires_at:
            entry.settle(policy, now, self._refresh)
        return entry

    def counter(self, key: str, number: int, stored: Stored, policy: Policy, now: float) -> Entry:
        """A counter's entry: of the same type whatever the codec, made when it last changed."""
        end = inf if stored.expires_at is None else stored.expires_at
        entry = Entry(number, min(now, stored.version / 1e6), end, len(key) + len(stored.data))
        entry.version = stored.version
        entry.settle(policy, now, self._refresh)
        return entry
