"""What a tier is: a place that values can be served from, described."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Scope = Literal["isolate", "colo", "world", "colo and world", "colo and region"]

SHARED_BY: dict[Scope, str] = {
    "isolate": "in each isolate",
    "colo": "in each data centre",
    "world": "shared by all",
    "colo and world": "in each data centre, and once for all",
    "colo and region": "at each edge, and once for those of a region",
}
WIDENING: tuple[Scope, ...] = ("isolate", "colo", "world")
"""From the copies that fewest share to those that all do."""


@dataclass(frozen=True)
class Place:
    """A spot in a tier where a look-up may end.

    `words` are for readers. `takes` names what looking there takes, which is added up: numbers of
    `Platform` in ms, and round trips of `Geography`. `spread` names the platform's sigma of these,
    where they vary otherwise than all other times do (`jitter`).
    """

    words: str
    takes: tuple[str, ...]
    spread: str = "jitter"


class Units(NamedTuple):
    """What charges by size: for each `of` a count, `units` for each begun `size` bytes."""

    of: str
    size: int
    units: float


class InFront(NamedTuple):
    """What answers before the Worker runs: copies in each colo, and one behind each of these.

    `hits`, `refreshes`, `purges` and `refused` name its counts; `every` and `burst` the platform's
    numbers of how many purges are allowed: one more after so long, so many at once. `upper` is what
    `Geography` calls the number, by colo, of the copy behind that one's; without it, all share one.
    `onward` is the way from there to where the Worker runs; without it, that from the reader
    counts. `versioned`: a deploy empties it. `door` is the meter of the requests that come in, the
    Worker's own then being those that run it; `out` that of the bytes it answers with. `besides`
    names the platform's numbers of what is billed as a request, for each one, only where it is on.
    """

    hits: str
    refreshes: str
    purges: str
    refused: str
    every: str
    burst: str
    upper: str = ""
    onward: str = ""
    versioned: bool = False
    door: str = ""
    out: str = ""
    besides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tier:
    """A kind of place to keep values.

    `word` is what a case calls it, `label` its name in a diagram, `phrase` its name inside a
    sentence; `scope` says who shares one copy. `writing` names what a write takes, as
    `Place.takes` does. `counts` are what is counted of it, with readers' words; `meters` the
    meters of a price book that charge by one of these, `units` those that charge by size as well,
    and `stored` the one that charges for what it holds. `numbers` are the platform's numbers that
    readers meet, with their words, and `prefixes` how all its numbers begin. `erases`: it forgets
    by itself what has expired, after `shortest` (a number of the platform) at the earliest.
    `lists`: what it holds can be listed, so that a routine may clean it up; `listing`: the meter
    of a call that lists keys. `in_front`: how it answers before the Worker runs, if it does.
    `reads` and `writes` are the counts of these where all its rules follow from this description: a
    map in each place of its scope, one place in it, written through; `deletes` is what a deletion
    counts as, if that is charged. `tells`: it can tell whoever listens of every change; the count
    of such messages is this, and `telling` names what it takes until one is heard, as `Place.takes`
    does. `rented`: the meter of its node-hours, whatever is asked of it, and the platform's number
    of nodes, `by_room` that of their memory, an hour and a GB; `carried`: the meter of what goes to
    and from it between zones. `lag`: the platform's number of ms after which its copies, where
    these answer reads, have heard of a change. `room`: the platform's number of GB that one copy
    has room for, where what was asked for longest ago is pushed out; `beside`: that of the bytes
    which an entry takes beside its value. `failure`: the platform's number that says what share of
    the reads that ask it fail; `needed`: the meters without which it answers no read. `parted`:
    what it has in a data centre lies in the `caches_per_colo` disjoint caches that there are, of
    which a request meets any. `copied`: the platform's number of regions that each have all of it,
    each billed for what is written and stored, and the meter of what goes from the one that is
    written to the others.

    How it behaves is told once for each of the answers that must not know of one another:
    `engines/reference`, `engines/compiled`, `formulas`, `templates/estimate.js`, `live/worker`.
    """

    word: str
    label: str
    phrase: str
    scope: Scope
    places: tuple[Place, ...]
    writing: tuple[str, ...]
    counts: Mapping[str, str]
    numbers: Mapping[str, str]
    prefixes: tuple[str, ...]
    meters: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, Units] = field(default_factory=dict)
    stored: str | None = None
    listing: str = ""
    erases: bool = False
    shortest: str | None = None
    lists: bool = False
    in_front: InFront | None = None
    reads: str = ""
    writes: str = ""
    deletes: str = ""
    tells: str = ""
    telling: tuple[str, ...] = ()
    rented: tuple[str, str] | None = None
    by_room: str = ""
    carried: str | None = None
    copied: tuple[str, str] | None = None
    lag: str = ""
    room: str = ""
    beside: str = ""
    failure: str = ""
    needed: tuple[str, ...] = ()
    parted: bool = False

    @property
    def plain(self) -> bool:
        """Whether its rules follow from its description."""
        return bool(self.reads)

    @property
    def shared_by(self) -> str:
        """`in each data centre`: who shares one copy, in words."""
        return SHARED_BY[self.scope]
