"""What a caller can ask for, and what the cache counts."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Generic,
    Literal,
    NamedTuple,
    TypedDict,
    TypeVar,
    cast,
    get_type_hints,
)  # fmt: skip

from cachelib.errors import CachelibError
from cachelib.logs import Log

if TYPE_CHECKING:
    from logging import Logger

Hook = Callable[..., object]  # (name, key) or (name, key, error)
Expiry = Literal["inherited", "independent"]
Tier = Literal["l1", "l2", "load", "stale"]


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT: Final = _Absent()
"""What a loader returns, and a `get` finds, where the origin is known to have nothing."""


class LoadTimeoutError(CachelibError, TimeoutError):
    """The loader took longer than `hard_timeout`, and there was no last value to serve."""


class ReentrantLoadError(CachelibError, RuntimeError):
    """A loader waits, directly or through others, for the key that it is loading."""


class Options(TypedDict, total=False):
    """Keyword options of a cache, each of which a single call may override."""

    l1_ttl: float | None
    l2_ttl: float | None
    expiry: Expiry
    soft_ttl: float | None
    refresh_after: float | None
    look_before_refresh: bool
    stale_if_error: float
    negative_ttl: float
    error_ttl: float
    soft_timeout: float | None
    hard_timeout: float | None
    jitter: float
    skip_unchanged: float | None
    lease: float | None
    tags: tuple[str, ...]
    skip_l1: bool
    skip_l2: bool


MAX_KNOWN = 1_000  # combinations of a call's options that are remembered, checked

Rule = tuple[str, Callable[[Any], bool]]  # what a value must be, unless it is None by default


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


SPAN: Rule = "a number above 0, or None", lambda x: _is_number(x) and x > 0
DELAY: Rule = "a number, 0 or more", lambda x: _is_number(x) and 0 <= x < math.inf
PART: Rule = "a number from 0 to 1", lambda x: _is_number(x) and 0 <= x <= 1
WORD: Rule = "'inherited' or 'independent'", lambda x: x in ("inherited", "independent")
TAGS: Rule = (
    "several strings, such as ('red',)",
    lambda x: isinstance(x, tuple | list) and all(isinstance(tag, str) for tag in x),
)
FLAG: Rule = "True or False", lambda x: isinstance(x, bool)


class Policy:
    """The options in force. Times are seconds; README.md says what each does."""

    __slots__ = ("__dict__", "_known")  # so that `__dict__` has the options alone

    l1_ttl: Annotated[float | None, SPAN] = None  # None: as long as L2 allows
    l2_ttl: Annotated[float | None, SPAN] = None  # None: for ever
    expiry: Annotated[Expiry, WORD] = "inherited"
    soft_ttl: Annotated[float | None, SPAN] = None  # past it, serve and load in the background
    refresh_after: Annotated[float | None, PART] = None  # the same, from this part of the life
    look_before_refresh: Annotated[bool, FLAG] = True  # into L2, for what others have loaded
    stale_if_error: Annotated[float, DELAY] = 0.0  # after its life, a value may excuse an error
    negative_ttl: Annotated[float, DELAY] = 0.0  # life of ABSENT; 0: not kept
    error_ttl: Annotated[float, DELAY] = 0.0  # after a failed load, so long no other is tried
    soft_timeout: Annotated[float | None, SPAN] = None  # of a loader, if there is a last value
    hard_timeout: Annotated[float | None, SPAN] = None  # ... and if there is none
    jitter: Annotated[float, PART] = 0.0  # a life loses a random part of itself, up to this
    skip_unchanged: Annotated[float | None, PART] = None  # no write if equal and so much is left
    lease: Annotated[float | None, SPAN] = None  # one load among processes; it ends by itself
    tags: Annotated[tuple[str, ...], TAGS] = ()
    skip_l1: Annotated[bool, FLAG] = False
    skip_l2: Annotated[bool, FLAG] = False

    def __init__(self, options: Options) -> None:
        for name, value in options.items():
            if name not in RULES:
                raise TypeError(f"unknown option {name!r}; there are: {', '.join(RULES)}")
            allowed, good = RULES[name]
            if not good(value) and (value is not None or getattr(Policy, name) is not None):
                raise ValueError(f"{name} must be {allowed}; got {value!r}")
        self.__dict__.update(options)
        self._known: dict[tuple[object, ...], Policy] = {}

    def override(self, options: Options) -> Policy:
        """This policy with `options` changed. Most calls ask for what one before them did."""
        if not options:
            return self
        values = options.values()
        asked = (*options, *values, *map(type, values))  # as True equals 1
        try:
            return self._known[asked]
        except (KeyError, TypeError):  # new, or with a list of tags
            new = Policy(cast(Options, self.__dict__ | options))
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        with suppress(TypeError):
            self._known[asked] = new
        return new


RULES: dict[str, Rule] = {
    name: hint.__metadata__[0] for name, hint in get_type_hints(Policy, include_extras=True).items()
}


V = TypeVar("V")


class Answer(NamedTuple, Generic[V]):
    """A value and how the cache came by it."""

    value: V
    tier: Tier
    created_at: float
    expires_at: float | None
    error: BaseException | None = None

    @property
    def stale(self) -> bool:
        """Past its life, served because the load failed (see `error`) or took too long."""
        return self.tier == "stale"


class Stats(NamedTuple):
    """Counters since the cache was made; a look-up is exactly one of l1_hits, l2_hits, misses."""

    l1_hits: int = 0
    l2_hits: int = 0
    misses: int = 0
    loads: int = 0  # calls of a loader
    load_errors: int = 0
    coalesced: int = 0  # look-ups that shared another caller's
    refreshes: int = 0  # loads in the background
    stale_hits: int = 0  # misses answered with a value past its life
    negative_hits: int = 0  # hits whose value was ABSENT
    sets: int = 0
    deletes: int = 0
    unchanged: int = 0  # L2 writes left out by `skip_unchanged`
    l2_errors: int = 0
    decode_errors: int = 0
    degraded_writes: int = 0  # writes that L2 did not take, to be made good
    repairs: int = 0  # of those, made good
    fenced: int = 0  # loads whose lease had passed on before they were written
    invalidations: int = 0  # keys dropped from L1 because another process changed them
    rejected: int = 0  # values that a tier refused: too large for it, or not to be encoded
    evictions: int = 0
    l1_entries: int = 0
    l1_bytes: int = 0

    @property
    def gets(self) -> int:
        """Look-ups."""
        return self.l1_hits + self.l2_hits + self.misses


class Count:
    """Exact under threads without a lock: one more is one atomic step of an iterator."""

    def __init__(self) -> None:
        self.step = count().__next__
        self._reads = 0

    def read(self) -> int:
        """For one caller at a time, as to read an iterator is to advance it."""
        self._reads += 1
        return self.step() - self._reads + 1


class Counters:
    """One count for each field of `Stats`, and who is told of each step."""

    def __init__(self, on_event: Hook | None, logger: Logger | None = None) -> None:
        self._counts = {name: Count() for name in Stats._fields}
        self.step = {name: each.step for name, each in self._counts.items()}
        self._hook = None if on_event is None else _with_error(on_event)
        self._log = Log(logger)

    def add(self, name: str, key: str, error: BaseException | None = None) -> None:
        """One more `name`, because of `key` and, if something went wrong, of `error`."""
        self.step[name]()
        if error is not None:
            self._log.tell(name, key, error)
        if self._hook is not None:
            self._hook(name, key, error)

    def snapshot(self) -> Stats:
        """For one caller at a time."""
        return Stats(*(each.read() for each in self._counts.values()))


def _with_error(hook: Hook) -> Callable[[str, str, BaseException | None], object]:
    """`hook`, which may take the error as its third argument, or not."""
    from inspect import signature

    try:
        signature(hook).bind("", "", None)
    except TypeError:
        return lambda name, key, error: hook(name, key)
    except ValueError:  # of a function in C, nobody knows
        pass
    return hook
