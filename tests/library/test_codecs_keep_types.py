"""A value has one type, whichever tier it comes from."""

from __future__ import annotations

import collections
import dataclasses
import enum
import uuid
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import attrs
import msgspec
import pydantic
import pytest

from cachelib import (
    Compressed,
    JsonCodec,
    MemoryCache,
    MemoryStore,
    MessagePackCodec,
    RejectedError,
    TieredCache,
)


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: int
    y: int


@dataclasses.dataclass(frozen=True)
class Quote:
    symbol: str
    price: Decimal
    at: datetime
    levels: tuple[int, ...] = ()


@dataclasses.dataclass(slots=True)
class Counted:
    n: int
    seen: int = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.seen = 1


class User(pydantic.BaseModel):
    name: str
    born: date
    tags: tuple[str, ...] = ()


class Login(pydantic.BaseModel):
    password: pydantic.SecretStr


class Trade(msgspec.Struct, frozen=True):
    symbol: str
    sizes: tuple[int, ...]


@attrs.frozen
class Pair:
    left: int
    right: tuple[str, ...]


TYPES = (Color, Level, Access, Point, Quote, Counted, User, Login, Trade, Pair, set, frozenset)
CODECS = {
    "json": JsonCodec(*TYPES),
    "messagepack": MessagePackCodec(*TYPES),
    "compressed": Compressed(JsonCodec(*TYPES), over=1),
}
NOON = datetime(2026, 11, 26, 12, 0, 0, 123456)
counted = Counted(3)
counted.seen = 17

VALUES = [
    (1, 2), (), [(1,), [2]], {"t": (1, [2])}, {1: "a", "1": "b"}, {(1, 2): None}, {None: 1},
    {"@": ["tuple", [1]]}, {"@": 1, "b": (2,)}, "@", ["@"], b"\x00\xff", bytearray(b"x"),
    1 + 2j, Decimal("1.10"), Decimal("-Infinity"), Fraction(1, 3), uuid.UUID(int=7),
    date(2026, 1, 1), time(1, 2, 3), time(1, tzinfo=UTC), timedelta(days=-1, microseconds=5),
    NOON, NOON.replace(tzinfo=UTC), NOON.replace(tzinfo=timezone(timedelta(hours=-3.5))),
    NOON.replace(tzinfo=ZoneInfo("Europe/Berlin")), NOON.replace(fold=1),
    collections.OrderedDict(b=1, a=2), collections.Counter("aab"),
    {1, "a", (2,)}, frozenset({b"x"}), {"nested": [{"deep": ({1: {2}},)}]},
    Color.RED, Level.LOW, Access.READ | Access.WRITE, Point(1, 2), counted,
    Quote("A", Decimal("1.5"), NOON, (1, 2)), [Quote("A", Decimal(1), NOON)],
    User(name="Ann", born=date(2000, 1, 1), tags=("a",)),
    {"u": (User(name="B", born=NOON.date()),)},
    Pair(1, ("a",)),
    Trade("A", (1, 2)), 1, True, 1.0, None, "text", 2**62, {"a": [1.5, None, True]},
]  # fmt: skip


def shown(value: object) -> str:
    """As repr, but a set's order, which differs between processes, says nothing."""
    if isinstance(value, set | frozenset):
        return f"{type(value).__name__}({sorted(map(repr, value))})"
    return repr(value)


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
@pytest.mark.parametrize("value", VALUES, ids=lambda value: shown(value))
def test_a_value_is_the_same_from_either_tier(codec: Any, value: Any) -> None:
    cache = TieredCache(MemoryCache(), MemoryStore(), codec=codec)
    cache.set("k", value)
    for found in (cache.get("k"), cache.get("k", skip_l1=True)):
        assert found == value
        assert shown(found) == shown(value)  # equal is not enough: 1 == True == 1.0
        assert type(found) is type(value)
    assert cache.stats.decode_errors == 0


def test_a_zone_keeps_its_name_and_a_fold_its_side() -> None:
    twice = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1)
    back = JsonCodec().decode(JsonCodec().encode(twice))
    assert (back.tzinfo, back.fold, back.utcoffset()) == (twice.tzinfo, 1, timedelta(hours=1))


class Plain:
    pass


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize("codec", [JsonCodec(), MessagePackCodec()], ids=lambda c: type(c).__name__)
@pytest.mark.parametrize(
    "value",
    [{1}, Color.RED, Level.LOW, Point(1, 2), User(name="A", born=date(2000, 1, 1)), counted,
     Plain(), Text("x"), [Text("x")], {"a": Level.LOW}, {Text("a"): 1}, range(3),
     collections.defaultdict(int), Trade("A", ())],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_would_come_back_as_another_type_is_refused_and_says_what_to_do(
    codec: Any, value: Any
) -> None:
    cache = TieredCache(MemoryCache(), MemoryStore(), codec=codec)
    cache.set("k", "old")
    with pytest.raises(RejectedError, match=r"'k'.*is none of the types it keeps.*JsonCodec\("):
        cache.set("k", value)
    assert cache.get("k") == "old"
    assert cache.stats.rejected == 1


def test_a_model_that_json_would_change_is_refused() -> None:
    login = Login(password=pydantic.SecretStr("hunter2"))
    with pytest.raises(TypeError, match="Login that JSON would not give back equal") as refused:
        TieredCache(None, MemoryStore(), codec=CODECS["json"]).set("k", login)
    assert "hunter2" not in str(refused.value)


def test_only_types_that_were_named_are_built() -> None:
    store = MemoryStore()
    TieredCache(None, store, codec=JsonCodec(Quote)).set("k", Quote("A", Decimal(1), NOON))
    other = TieredCache(None, store)
    assert other.get("k") is None
    assert other.stats.decode_errors == 1


def test_a_class_whose_fields_have_changed_makes_old_values_misses() -> None:
    store = MemoryStore()
    old = dataclasses.make_dataclass("Row", ["a"])
    new = dataclasses.make_dataclass("Row", ["a", "b"])
    TieredCache(None, store, codec=JsonCodec(old)).set("k", old(1))
    cache = TieredCache(None, store, codec=JsonCodec(new))
    assert cache.get_or_load("k", lambda key: new(1, 2)) == new(1, 2)
    assert cache.get("k") == new(1, 2)


def test_two_types_of_one_name_and_what_is_no_type_are_refused() -> None:
    one, two = (dataclasses.make_dataclass("Row", ["a"]) for _ in "ab")
    with pytest.raises(ValueError, match="two types of one name"):
        JsonCodec(one, two)
    with pytest.raises(TypeError, match="int is no set, dataclass"):
        JsonCodec(int)
    with pytest.raises(TypeError, match="takes classes"):
        JsonCodec(Quote("A", Decimal(1), NOON))  # type: ignore[arg-type]


def test_any_class_is_kept_with_the_ways_there_and_back() -> None:
    codec = JsonCodec((PurePosixPath, str, PurePosixPath), (Text, str.__str__, Text))
    for value in (PurePosixPath("a/b"), [Text("x"), "x"]):
        assert repr(codec.decode(codec.encode(value))) == repr(value)
    assert type(codec.decode(codec.encode(Text("x")))) is Text


def test_a_value_that_contains_itself_is_refused() -> None:
    ring: list[Any] = []
    ring.append(ring)
    with pytest.raises(TypeError, match="cannot encode the value of 'k'"):
        TieredCache(None, MemoryStore()).set("k", ring)
