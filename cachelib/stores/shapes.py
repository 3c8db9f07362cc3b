"""Values as trees of what a plain format can say, and back, to the same types.

JSON has no tuples, MessagePack no decimals. What a format lacks is written as a dictionary with
one key, `{"@": [name, parts]}`. Only types that were named beforehand are ever built: bytes in a
shared tier cannot ask for others.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

MARK = "@"
STRING = frozenset({str})
JSON_SCALARS: frozenset[type] = frozenset({str, int, float, bool, type(None)})


class Shape(NamedTuple):
    """How a type is written: `parts` takes a value apart, `build` puts it together again."""

    name: str
    parts: Callable[[Any], Any]
    build: Callable[[Any], Any]


Given = type | tuple[type, Callable[[Any], Any], Callable[[Any], Any]]
"""A class; or a class, how to take a value apart, and how to put it together again."""


class Shapes:
    """The types that a codec keeps: those of the standard library below, and `types`."""

    def __init__(
        self, types: Iterable[Given] = (), scalars: frozenset[type] = JSON_SCALARS
    ) -> None:
        self._scalars = scalars
        self._of = dict(map(_known, types))
        self._named = {shape.name: shape for shape in self._of.values()}
        if len(self._named) < len(self._of):
            raise ValueError(f"two types of one name among {', '.join(sorted(self._named))}")

    def lower(self, value: Any) -> Any:
        """`value` as a tree of scalars, lists and dictionaries; TypeError if it has no such."""
        kind = type(value)
        if kind in self._scalars:
            return value
        if kind is list:
            if self._scalars.issuperset(map(type, value)):
                return value
            return [self.lower(item) for item in value]
        if kind is dict and STRING.issuperset(map(type, value)) and MARK not in value:
            if self._scalars.issuperset(map(type, value.values())):
                return value
            return {key: self.lower(item) for key, item in value.items()}
        shape = self._shape(kind)
        return {MARK: [shape.name, self.lower(shape.parts(value))]}

    def lift(self, tree: Any) -> Any:
        """The value of which `tree` was made; ValueError if of none that this knows."""
        if type(tree) is list:
            return [self.lift(item) for item in tree]
        if type(tree) is not dict:
            return tree
        if MARK not in tree:
            return {key: self.lift(item) for key, item in tree.items()}
        name, parts = tree[MARK]
        shape = self._named.get(name) or _standard_names().get(name)
        if shape is None:
            raise ValueError(f"no type of the name {name!r} was given to this codec")
        return shape.build(self.lift(parts))

    def _shape(self, kind: type) -> Shape:
        shape = self._of.get(kind) or _standard().get(kind)
        if shape is None:
            raise TypeError(
                f"{kind.__qualname__} is none of the types it keeps; give the codec the class, "
                f"as in JsonCodec({kind.__qualname__}), or a codec of your own"
            )
        return shape


def _known(given: Given) -> tuple[type, Shape]:
    if not isinstance(given, tuple):
        return given, shape_of(given)
    kind, parts, build = given
    return kind, Shape(f":{kind.__qualname__}", parts, build)


def shape_of(kind: Any) -> Shape:
    """Of a set, dataclass, enumeration, named tuple, or a class of pydantic, msgspec or attrs."""
    from dataclasses import fields, is_dataclass
    from enum import Enum, Flag

    if not isinstance(kind, type):
        raise TypeError(f"a codec takes classes, not {kind!r}")
    if kind in (set, frozenset):  # must be asked for: large ones are sorted at each encoding
        return Shape(f":{kind.__name__}", lambda items: sorted(items, key=repr), kind)
    name = f":{kind.__qualname__}"  # never one of the standard library's below
    if issubclass(kind, Flag):
        return Shape(name, lambda flag: flag.value, kind)
    if issubclass(kind, Enum):
        return Shape(name, lambda member: member.name, kind.__getitem__)
    if issubclass(kind, tuple) and hasattr(kind, "_make"):
        return Shape(name, list, kind._make)
    if hasattr(kind, "model_validate_json"):
        return Shape(name, _dump_model, kind.model_validate_json)
    if hasattr(kind, "__struct_fields__"):
        return _record(name, kind.__struct_fields__, lambda parts: kind(**parts))
    if is_dataclass(kind):
        return _record(name, [field.name for field in fields(kind)], _restore(kind))
    if hasattr(kind, "__attrs_attrs__"):
        return _record(name, [field.name for field in kind.__attrs_attrs__], _restore(kind))
    raise TypeError(
        f"{kind.__qualname__} is no set, dataclass, enumeration, named tuple, pydantic model, "
        "msgspec struct or attrs class"
    )


def _record(name: str, fields: Iterable[str], build: Callable[[dict[str, Any]], Any]) -> Shape:
    names = list(fields)

    def parts(value: Any) -> dict[str, Any]:
        return {field: getattr(value, field) for field in names}

    def checked(parts: dict[str, Any]) -> Any:
        if parts.keys() != set(names):
            raise ValueError(f"{name[1:]} had other fields when this was written")
        return build(parts)

    return Shape(name, parts, checked)


def _restore(kind: Any) -> Callable[[dict[str, Any]], Any]:
    """As it was, without its `__init__`: that may compute, count or refuse."""

    def build(parts: dict[str, Any]) -> Any:
        value = kind.__new__(kind)
        for field, part in parts.items():
            object.__setattr__(value, field, part)  # also where it is frozen
        return value

    return build


def _dump_model(model: Any) -> str:
    """By pydantic's own rules, which lose a secret, say: so it is asked whether it came through."""
    text: str = model.model_dump_json(round_trip=True, by_alias=True)
    if type(model).model_validate_json(text) != model:
        raise TypeError(f"a {type(model).__qualname__} that JSON would not give back equal")
    return text


@cache
def _standard() -> Mapping[type, Shape]:
    """The standard library's types; made when first needed, as their modules are slow to import."""
    from collections import Counter, OrderedDict
    from datetime import date, datetime, time, timedelta
    from decimal import Decimal
    from fractions import Fraction
    from uuid import UUID

    def pairs(mapping: Mapping[Any, Any]) -> list[Any]:
        return [[key, value] for key, value in mapping.items()]

    def text(value: bytes) -> str:
        return b2a_base64(value, newline=False).decode()

    return {
        tuple: Shape("tuple", list, tuple),
        dict: Shape("dict", pairs, dict),
        bytes: Shape("bytes", text, a2b_base64),
        bytearray: Shape("bytearray", bytes, bytearray),
        complex: Shape("complex", lambda z: [z.real, z.imag], lambda parts: complex(*parts)),
        Decimal: Shape("Decimal", str, Decimal),
        Fraction: Shape("Fraction", str, Fraction),
        UUID: Shape("UUID", str, UUID),
        date: Shape("date", date.isoformat, date.fromisoformat),
        time: Shape("time", _moment, lambda parts: _from_moment(time, parts)),
        datetime: Shape("datetime", _moment, lambda parts: _from_moment(datetime, parts)),
        timedelta: Shape(
            "timedelta", lambda t: [t.days, t.seconds, t.microseconds], lambda t: timedelta(*t)
        ),
        OrderedDict: Shape("OrderedDict", pairs, OrderedDict),
        Counter: Shape("Counter", pairs, lambda parts: Counter(dict(parts))),
    }


@cache
def _standard_names() -> Mapping[str, Shape]:
    return {shape.name: shape for shape in _standard().values()}


def _moment(value: Any) -> list[Any]:
    """The text without the zone where the zone has a name: its offset alone would not be it."""
    from datetime import timezone
    from zoneinfo import ZoneInfo

    zone = value.tzinfo
    if isinstance(zone, ZoneInfo) and zone.key:
        return [value.replace(tzinfo=None).isoformat(), zone.key, value.fold]
    if zone is None or type(zone) is timezone:
        return [value.isoformat(), None, value.fold]
    raise TypeError(f"a time with a {type(zone).__qualname__}: use datetime.timezone or zoneinfo")


def _from_moment(kind: Any, parts: list[Any]) -> Any:
    from zoneinfo import ZoneInfo

    text, zone, fold = parts
    value = kind.fromisoformat(text)
    return value.replace(tzinfo=ZoneInfo(zone) if zone else value.tzinfo, fold=fold)
