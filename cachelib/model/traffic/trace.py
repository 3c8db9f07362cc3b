"""A table of requests, sorted by time: what every simulation takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cachelib.model.traffic.account import Account

READ, WRITE, DELETE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Skipped:
    """Lines of a log that could not be read as requests."""

    lines: int = 0
    first_line: int | None = None
    reason: str = ""


class Purges(NamedTuple):
    """Rounds in which caches are emptied, sorted by time, which are no requests.

    Each comes from a data centre, `colo`, and is of so many keys: the first ones of the trace.
    """

    time_s: npt.NDArray[np.float64]
    colo: npt.NDArray[np.int16]
    keys: npt.NDArray[np.int64]

    def due_s(self, nth: int) -> float:
        """When the round of that number comes; never, if there are no more."""
        return float(self.time_s[nth]) if nth < len(self.time_s) else math.inf


NO_PURGES = Purges(np.empty(0), np.empty(0, np.int16), np.empty(0, np.int64))


@dataclass(frozen=True)
class Trace:
    """`n` requests as columns of length `n`, sorted by `time_s`.

    `key` and `colo` are codes into `keys` and `colos`; `op` is READ, WRITE or DELETE; `size` is
    in bytes, 0 where the source does not say; `ttl_s` is the life asked for, 0 for none, where
    the source has such a column. `notes` say what the reader noticed and did; `account` what
    became of every row of the log, where the trace comes from one. `hashes`, one for each of
    `keys`, say which are the same in several pieces where each numbers its own, perhaps twice.
    `keys_each`: how many keys `keys` stand for, each, where several lie in one value. `purges`:
    when caches are emptied of some.
    """

    time_s: npt.NDArray[np.float64]
    key: npt.NDArray[np.int32]
    colo: npt.NDArray[np.int16]
    op: npt.NDArray[np.uint8]
    size: npt.NDArray[np.int32]
    keys: list[str]
    colos: list[str]
    skipped: Skipped = field(default=Skipped())
    notes: tuple[str, ...] = ()
    ttl_s: npt.NDArray[np.float32] | None = None
    account: Account | None = None
    hashes: npt.NDArray[np.uint64] | None = None
    keys_each: float = 1.0
    purges: Purges = NO_PURGES

    def __len__(self) -> int:
        return len(self.time_s)

    @property
    def span_s(self) -> float:
        """Seconds from the first request to the last."""
        return float(self.time_s[-1] - self.time_s[0]) if len(self) else 0.0

    @property
    def lasts_s(self) -> float:
        """The same, at least a second: to count by."""
        return max(self.span_s, 1.0)

    @property
    def key_bytes(self) -> float:
        """How long keys' names are, on average."""
        return sum(map(len, self.keys)) / max(len(self.keys), 1)

    def only(self, rows: slice | npt.NDArray[np.bool_ | np.int64]) -> Trace:
        """Some of the requests."""
        return replace(
            self,
            time_s=self.time_s[rows],
            key=self.key[rows],
            colo=self.colo[rows],
            op=self.op[rows],
            size=self.size[rows],
            ttl_s=None if self.ttl_s is None else self.ttl_s[rows],
        )


def one_after_another(pieces: Sequence[Trace]) -> Trace:
    """Pieces as one; all but their requests is the last one's, which knows the most names."""
    if len(pieces) == 1:
        return pieces[0]
    has_lives = any(each.ttl_s is not None for each in pieces)
    lives = [
        np.zeros(len(each), np.float32) if each.ttl_s is None else each.ttl_s for each in pieces
    ]
    return replace(
        pieces[-1],
        time_s=np.concatenate([each.time_s for each in pieces]),
        key=np.concatenate([each.key for each in pieces]),
        colo=np.concatenate([each.colo for each in pieces]),
        op=np.concatenate([each.op for each in pieces]),
        size=np.concatenate([each.size for each in pieces]),
        ttl_s=np.concatenate(lives) if has_lives else None,
    )


def in_one_place(trace: Trace) -> Trace:
    """The same requests as if all had reached one data centre."""
    purges = trace.purges._replace(colo=np.zeros_like(trace.purges.colo))
    return replace(trace, colo=np.zeros_like(trace.colo), colos=["all"], purges=purges)
