"""Which tags were revoked, and since when, in L2's order of all changes.

Each is an entry of L2 of its own, a stamp: its version says when. A revocation never goes back: a
later stamp has a greater version. It need not outlive the entries that it means, so the store also
knows the longest life that a tagged entry was ever given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import ceil, inf, log2, nextafter
from typing import Any

from cachelib.memory import Entry
from cachelib.stores.codecs import seal, unseal, written_at
from cachelib.stores.protocol import TOMBSTONE_SECONDS, Stored

STAMP = "cachelib:revoked:"  # the key that says when a tag was revoked; with no name, of clear()
LONGEST = "cachelib:longest life"
MAX_STAMPS = 10_000  # remembered here
NEVER = (-inf, -inf)

Entries = dict[str, Entry | None]  # None: not to be believed


class Revocations:
    """What this process knows of them; `refresh` is how long it may go without asking again."""

    def __init__(
        self, store: Any, clock: Callable[[], float], refresh: float | None, versioned: bool
    ) -> None:
        self._store, self._clock, self._versioned = store, clock, versioned
        self.refresh = inf if refresh is None else refresh
        self.asked_for = refresh is not None
        self.stamps: dict[str, tuple[float, float]] = {}  # tag: (revoked at, looked up at)
        self._latest = -inf  # of all revocations known, forgotten ones too
        self._longest = 0.0  # seconds, of all lives of tagged entries

    def moment(self) -> float:
        """The time, but later than every revocation known: those do not mean what begins now."""
        return max(self._clock(), self._latest)

    def latest(self, version: float) -> float:
        """The same for a version that the store gave."""
        return max(version, self._latest)

    def revoked(self, entry: Entry) -> bool:
        """As far as we know."""
        stamps, version = self.stamps, entry.version
        return any(stamps.get(tag, NEVER)[0] > version for tag in ("", *entry.tags))

    def note(self, tag: str, at: float, now: float) -> None:
        """What L2 said of `tag` at `now`."""
        at = max(at, self.stamps.get(tag, NEVER)[0])
        self.stamps[tag] = at, now
        self._latest = max(self._latest, at)
        while len(self.stamps) > MAX_STAMPS:
            self.stamps.pop(next(iter(self.stamps)), None)

    def look(self, tags: Iterable[str], keep: float, now: float) -> None:
        """Ask L2 about those of `tags` that it was not asked about for `keep` seconds."""
        due = [tag for tag in tags if not 0 <= now - self.stamps.get(tag, NEVER)[1] < keep]
        if due:
            there = self._store.get_many([STAMP + tag for tag in due], now)
            for tag in due:
                self.note(tag, self.version_of(there.get(STAMP + tag)), now)

    def drop_revoked(self, entries: Entries, keep: float, now: float) -> None:
        """Believe none of `entries` that was revoked, the others until L2 is to be asked again."""
        self.look(
            {"", *(tag for entry in entries.values() if entry for tag in entry.tags)}, keep, now
        )
        for key, entry in entries.items():
            if entry is not None:
                if self.revoked(entry):
                    entries[key] = None
                elif now < entry.ends_at:
                    looked = min(self.stamps.get(tag, NEVER)[1] for tag in ("", *entry.tags))
                    entry.believe(looked + self.refresh)

    def forget(self, keys: Iterable[str] | None) -> None:
        """Look them up again; None: all."""
        stamps = [STAMP + tag for tag in self.stamps] if keys is None else keys
        for key in stamps:
            tag = key.removeprefix(STAMP)
            if tag != key and (known := self.stamps.get(tag)) is not None:
                self.stamps[tag] = known[0], -inf

    def version_of(self, stored: Stored | None) -> float:
        """When a stamp was written."""
        if stored is None:
            return -inf
        return stored.version if self._versioned else nextafter(written_at(stored), inf)

    # Lives

    def stamp(self, tag: str, at: float) -> Stored:
        """What says that `tag` is revoked from `at` on."""
        end = at + self._longest + TOMBSTONE_SECONDS  # loads in progress may write for so long
        expires_at = end if tag and end < inf else None
        return Stored(seal(b"", at, inf, inf), expires_at)

    def learn_longest(self) -> bool:
        """Ask L2 for the longest life of a tagged entry; True if it is longer than we knew."""
        longest = _seconds(self._store.get(LONGEST, self._clock()))
        known, self._longest = self._longest, max(self._longest, longest)
        return longest > known

    def cover(self, entries: Iterable[Entry]) -> None:
        """Before tagged entries are written: stamps must live as long. Seldom needs to ask."""
        ends = max((entry.expires_at for entry in entries if entry.tags), default=-inf)
        life = ends - self._clock()
        while life > self._longest:
            enough = inf if life == inf else 2.0 ** ceil(log2(life))
            since = self._store.version(LONGEST) if self._versioned else 0
            self.learn_longest()
            if self._longest < enough:
                now = self._clock()
                mark = Stored(seal(str(enough).encode(), now, inf, inf), None)
                if not self._versioned:
                    self._store.set(LONGEST, mark)
                elif self._store.write_since({LONGEST: (mark, since)}):
                    continue  # another process was quicker
                self._longest = enough


def _seconds(stored: Stored | None) -> float:
    try:
        return 0.0 if stored is None else float(unseal(stored.data)[5])
    except ValueError:
        return inf
