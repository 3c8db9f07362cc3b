"""What is in a cache: keys, ages, sizes and tags, never values. For `cachelib cache inspect`."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from fnmatch import fnmatchcase
from itertools import islice
from math import inf
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from cachelib.errors import CachelibError
from cachelib.plural import plural
from cachelib.stores.codecs import NEGATIVE, unseal
from cachelib.stores.counters import count_in
from cachelib.stores.protocol import Stored

PIECE = 500  # keys asked for at once
SORTS = ("key", "age", "size")
MAX_WIDTH = 60  # characters of a key or of tags in a table


class NotACacheError(CachelibError, ValueError):
    """There is nothing to inspect where the user says."""


class AwayError(CachelibError):
    """The server does not answer."""


class Kept(NamedTuple):
    """An entry. Times are seconds from now; `left` is None where the entry never ends."""

    key: str
    state: str  # live, stale (past its life, kept for failing loads), absent or unreadable
    age: float | None
    left: float | None
    size: int  # bytes, of the key and of all that is stored under it
    tags: tuple[str, ...]


class Inspection(NamedTuple):
    """Entries, in order, and what all of them are together."""

    place: str
    entries: list[Kept]

    def as_json(self, limit: int | None = None) -> dict[str, Any]:
        """For machines. `limit` shortens the list, not the sums."""
        states = [kept.state for kept in self.entries]
        return {
            "place": self.place,
            "entries": len(self.entries),
            "bytes": sum(kept.size for kept in self.entries),
            "states": {state: states.count(state) for state in sorted(set(states))},
            "keys": [kept._asdict() for kept in islice(self.entries, limit)],
        }

    def as_text(self, limit: int | None = None) -> str:
        """A table, and a line about all of it."""
        data = self.as_json(limit)
        states = ", ".join(f"{count:,} {state}" for state, count in data["states"].items())
        total = f"{self.place}: {data['entries']:,} {plural(data['entries'], 'entry', 'entries')}"
        total += f", {data['bytes']:,} {plural(data['bytes'], 'byte')}"
        lines = [f"{total} ({states})" if states else total]
        shown = self.entries[:limit]
        if shown:
            lines.append(_line("key", "state", "age", "left", "bytes", "tags"))
        for kept in shown:
            left = "for ever" if kept.left is None else _span(kept.left)
            tags = _short(", ".join(kept.tags))
            size = f"{kept.size:,}"
            lines.append(_line(_short(kept.key), kept.state, _span(kept.age), left, size, tags))
        if len(shown) < len(self.entries):
            lines.append(f"... and {len(self.entries) - len(shown):,} more: --limit")
        return "\n".join(lines)


def inspect(
    place: str, *, prefix: str = "cachelib:", match: str = "*", sort: str = "key",
    now: float | None = None,
) -> Inspection:  # fmt: skip
    """What is in the SQLite file or on the Redis server `place`, of the keys that match.

    Errors: NotACacheError (a wrong file or URL), AwayError (no answer).
    """
    now = time.time() if now is None else now
    shown, stored = _redis(place, prefix, now) if "://" in place else _sqlite(Path(place))
    entries = [_kept(key, one, now) for key, one in stored if fnmatchcase(key, match)]
    order = {
        "key": lambda kept: kept.key,
        "age": lambda kept: (-(kept.age or 0.0), kept.key),
        "size": lambda kept: (-kept.size, kept.key),
    }[sort]
    return Inspection(shown, sorted(entries, key=order))


def _kept(key: str, stored: Stored, now: float) -> Kept:
    size = len(key.encode("utf-8", "surrogatepass")) + len(stored.data)
    if count_in(stored.data) is not None:
        left = None if stored.expires_at is None else stored.expires_at - now
        return Kept(key, "live", max(now - stored.version / 1e6, 0.0), left, size, ())
    try:
        flags, created_at, _, expires_at, tags, _ = unseal(stored.data)
    except ValueError:
        return Kept(key, "unreadable", None, None, size, ())
    left = None if expires_at == inf else expires_at - now
    state = "absent" if flags & NEGATIVE else "live"
    if left is not None and left <= 0:
        state = "stale"
    return Kept(key, state, now - created_at, left, size, tags)


def _sqlite(path: Path) -> tuple[str, list[tuple[str, Stored]]]:
    from cachelib.stores.sqlite_damage import APPLICATION_ID

    if not path.is_file():
        raise NotACacheError(f"{path}: there is no such file; give a SqliteStore's, or a Redis URL")
    try:
        address = f"file:{quote(str(path.absolute()))}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=10)) as db:
            if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                raise NotACacheError(f"{path}: not the file of a SqliteStore of this version")
            rows = db.execute("SELECT key, data, expires_at, version FROM entries").fetchall()
    except sqlite3.DatabaseError as error:
        raise NotACacheError(f"{path}: cannot be read as a cache: {error}") from error
    # what has a negative time is the note that a key was deleted
    stored = [(key, Stored(*row)) for key, *row in rows if row[1] is None or row[1] >= 0]
    return str(path), stored


def _redis(url: str, prefix: str, now: float) -> tuple[str, list[tuple[str, Stored]]]:
    try:
        import redis

        from cachelib.stores.redis import RedisStore
    except ImportError as error:
        raise NotACacheError(str(error)) from error
    try:
        with RedisStore(url, prefix=prefix) as store:
            return _without_secrets(url), list(_read(store, store.keys(), now))
    except redis.RedisError as error:
        raise AwayError(f"{_without_secrets(url)}: {error}") from error
    except TypeError as error:  # an option in the URL that redis-py does not know
        raise NotACacheError(f"{_without_secrets(url)}: {error}") from error
    except ValueError as error:
        raise NotACacheError(str(error)) from error


def _read(store: Any, keys: Iterable[str], now: float) -> Iterator[tuple[str, Stored]]:
    left = iter(keys)
    while some := list(islice(left, PIECE)):
        yield from store.get_many(some, now).items()


def _without_secrets(url: str) -> str:
    """The URL with neither its user nor its options, where a password may be."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _line(*cells: str) -> str:
    key, state, age, left, size, tags = cells
    return f"{key:<{MAX_WIDTH}}  {state:<10} {age:>10} {left:>10} {size:>12}  {tags}".rstrip()


def _short(text: str) -> str:
    """Fit for a terminal, which control characters would command."""
    text = text if text.isprintable() else ascii(text)[1:-1]
    return text if len(text) <= MAX_WIDTH else text[: MAX_WIDTH - 1] + "…"


def _span(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if abs(seconds) >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s"
