"""What became of every row of a log, and what a decision must know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cachelib.errors import CachelibError

Kind = Literal[
    "invented", "mixed", "one-placed", "sampled", "short", "undecided", "skipped", "keys",
    "unlike", "twice", "filtered", "clock", "drawn", "unsaid", "purges", "memory",
]  # fmt: skip


THE_FILTER = "the filter (where)"
"""The reason of rows that the user's own filter leaves out."""


class AccountError(RuntimeError):
    """Rows that became neither a request nor anything that was counted: a bug of the reader."""


class UnansweredError(CachelibError, ValueError):
    """A log that cannot be decided on before somebody says something of it."""


@dataclass(frozen=True)
class Remark:
    """Something of the traffic that a decision from it must not be silent about.

    `answer`: what has to be said before a decision can be made; empty where it is enough that the
    recommendation says `says`. Both are sentences for readers.
    """

    kind: Kind
    says: str
    answer: str = ""


@dataclass(frozen=True)
class Account:
    """Rows = requests + filtered + skipped: what a log's rows became, by reason."""

    format: str
    why: str
    rows: int
    requests: int
    filtered: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)
    mapping: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, int] = field(default_factory=dict)
    undecided: int = 0
    unplaced: int = 0
    repeated: int = 0
    unordered: int = 0
    put_back: tuple[float, ...] = ()
    """Where the log's clock goes back by an hour: the times, as written, that begin it again."""
    twins: int = 0
    """Rows that say what another says, to the letter; 0 where nobody compared them."""
    hosts: int = 0
    keys: int = 0
    tracked: int = 0
    """Keys with a parameter that follows the reader, as `utm_source`."""
    sampled: Mapping[float, int] = field(default_factory=dict)
    """Requests by what a column of the log says that each stands for (above 1), or the share of
    requests that were kept (below)."""
    span_s: float = 0.0
    sampling_error: float = 0.0
    """Half the 95 % interval of a hit ratio, for what a sample by request cannot tell."""
    unread: int = 0
    """Columns with names of the log's own, of values that recur, that nothing was taken from."""
    untimed: bool = False
    rate_given: bool = False

    def __post_init__(self) -> None:
        told = self.requests + sum(self.filtered.values()) + sum(self.skipped.values())
        if told != self.rows:
            raise AccountError(
                f"{self.rows} rows became {self.requests} requests, {sum(self.filtered.values())}"
                f" filtered and {sum(self.skipped.values())} skipped: {self.rows - told} are lost"
            )
