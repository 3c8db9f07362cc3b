"""Names for functions and for their arguments: the keys of what the decorator keeps."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from os import urandom
from types import CodeType, FunctionType, ModuleType
from typing import Any
from weakref import ref

from cachelib.stores.shapes import JSON_SCALARS, Shape, Shapes, shape_of

ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False)
MAX_PLAIN = 200  # characters; a longer text of arguments is shortened to a digest


class Arguments(Shapes):
    """Values as text that differs whenever they do. They need not be read back: any class that
    says what its values are made of will do.
    """

    def _shape(self, kind: type) -> Shape:
        if issubclass(kind, type):
            return Shape("class", lambda cls: f"{cls.__module__}.{cls.__qualname__}", _never)
        try:
            return super()._shape(kind)
        except TypeError:
            pass
        try:
            shape = shape_of(kind)
        except TypeError:
            raise TypeError(f"{kind.__qualname__} has no text that other processes know") from None
        self._of[kind] = shape._replace(name=f":{kind.__module__}{shape.name}")
        return self._of[kind]


ARGUMENTS = Arguments()


def _never(_: Any) -> Any:
    raise NotImplementedError("an argument is not read back")


def text_of(values: list[Any]) -> str:
    """Arguments as text, of a bounded length; TypeError if they have none."""
    text = ENCODER.encode([ARGUMENTS.lower(value) for value in values])
    return text if len(text) <= MAX_PLAIN else digest(text)


def digest(text: str) -> str:
    from hashlib import blake2b

    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def name_of(function: Any, taken: dict[str, CodeType | None]) -> str:
    """A name for `function` that no other has in this cache, and that other processes give it, too.

    A closure is told from its siblings by the plain values it has closed over; where it has closed
    over others (a connection, a list), every one but the first is told from them by luck, and so
    shares nothing with other processes.
    """
    code = getattr(function, "__code__", None)
    name = f"{function.__module__}.{function.__qualname__}"
    plain, opaque = _closed_over(function)
    if plain:
        name += f"#{digest(ENCODER.encode(plain))[:12]}"
    if code is not None and function.__name__ == "<lambda>":
        name += f"#{digest(_source(code))[:12]}"
    if name in taken and _source(code) != _source(taken[name]):  # defined anew, otherwise
        name += f"#{digest(_source(code))[:12]}"
    if name in taken and opaque:
        name += f"#{urandom(6).hex()}"
    taken[name] = code
    return name


def _closed_over(function: Any) -> tuple[dict[str, Any], bool]:
    """The plain values that a function has closed over, by name; and whether there are others."""
    plain, opaque = {}, False
    names = getattr(getattr(function, "__code__", None), "co_freevars", ())
    for name, cell in zip(names, getattr(function, "__closure__", None) or (), strict=True):
        try:
            value = cell.cell_contents
        except ValueError:  # not yet: it is the function itself, or what comes after it
            continue
        if isinstance(value, type | FunctionType) and "<locals>" not in value.__qualname__:
            plain[name] = f"{value.__module__}.{value.__qualname__}"
        elif isinstance(value, ModuleType):
            plain[name] = value.__name__
        elif type(value) in JSON_SCALARS | {tuple, bytes}:
            try:
                plain[name] = ARGUMENTS.lower(value)
            except TypeError:
                opaque = True
        elif name != "__class__":
            opaque = True
    return plain, opaque


def _source(code: CodeType | None) -> str:
    """What a function does, the same in every process that has the same source."""
    if code is None:
        return ""
    consts = [_source(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return repr((code.co_code, code.co_names, code.co_varnames, code.co_freevars, consts))


class Instances:
    """Names for objects that have no value, only an identity: for this process and their life."""

    def __init__(self) -> None:
        self._names: dict[int, tuple[Callable[[], Any], str]] = {}

    def name(self, thing: Any) -> str:
        """TypeError if Python cannot tell when `thing` is gone."""
        number, names = id(thing), self._names
        known = names.get(number)
        if known is None or known[0]() is not thing:  # another had this number before
            gone: Callable[[Any], Any] = lambda _: names.pop(number, None)  # noqa: E731
            known = names[number] = ref(thing, gone), urandom(8).hex()
        return known[1]


def in_order(parameters: Mapping[str, Any], arguments: Mapping[str, Any]) -> list[Any]:
    """The values of bound `arguments`; those of `*args` as a list, as they have always been."""
    return [
        list(value) if parameters[name].kind is parameters[name].VAR_POSITIONAL else value
        for name, value in arguments.items()
    ]
