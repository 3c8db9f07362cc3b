"""What a case names and lies beside it, in files of their own: its platform, its prices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from cachelib.model.case.names import profile_faults
from cachelib.model.case.ready_made import find_case
from cachelib.model.platforms.books import SHIPPED, PriceBook, own_book
from cachelib.model.platforms.profile import Profile
from cachelib.model.schema.typed_yaml import (
    Document,
    Findings,
    InvalidFileError,
    Location,
    load,
    nearest,
    read,
)

BOOK = "book"
"""The key among prices that names a file with all of them."""
_FILE = {"type": "string", "pattern": r"\.ya?ml$", "description": "a price book, as a file beside"}
_PRICES = [{"type": "number", "minimum": 0}, {"type": "string", "pattern": r"^[\d.]+$"}]
PRICES: dict[str, Any] = {
    "anyOf": [{"type": "object", "additionalProperties": {"anyOf": [*_PRICES, _FILE]}}, _FILE]
}


def files_of(name: str | Path) -> list[Path]:
    """The files that a case is written in: its own, and those that it names beside it."""
    path = find_case(name)
    return [path, *_named(in_one_form(read(path)))]


def _named(document: Document) -> Iterator[Path]:
    folder = document.path.parent
    if platform := _platform_beside(document):
        yield folder / platform
        data = read(folder / platform).data
        if isinstance(data, dict) and _is_file(data.get(BOOK)):
            yield (folder / platform).parent / data[BOOK]
    prices = document.data.get("prices")
    if isinstance(prices, dict) and _is_file(prices.get(BOOK)):
        yield folder / prices[BOOK]


def with_platform(document: Document) -> Document:
    """The document with the profile that it names as a file beside it, read and checked."""
    if (named := _platform_beside(document)) is None:
        return document
    own = load_profile(_beside(document, ("platform", "profile"), named))
    settled = own.model_dump(mode="json", exclude_defaults=True)
    return _with(document, "platform", document.data["platform"] | {"profile": settled})


def in_one_form(document: Document) -> Document:
    """With prices by meter, of which a file's name alone is the book."""
    said = document.data.get("prices") if isinstance(document.data, dict) else None
    return _with(document, "prices", {BOOK: said}) if isinstance(said, str) else document


def with_prices(document: Document) -> Document:
    """The document with the price book that it names as a file beside it, read and checked."""
    prices = document.data.get("prices") if isinstance(document.data, dict) else None
    if not isinstance(prices, dict) or not isinstance(prices.get(BOOK), str):
        return document
    alone = isinstance(read(document.path).data.get("prices"), str)
    place = ("prices",) if alone else ("prices", BOOK)
    book = own_book(_beside(document, place, prices[BOOK]))
    return _with(document, "prices", prices | {BOOK: book.model_dump(mode="json")})


def _platform_beside(document: Document) -> str | None:
    """The name of the file that a case has its platform from; None for a shipped one."""
    said = document.data.get("platform") if isinstance(document.data, dict) else None
    named = said.get("profile") if isinstance(said, dict) else None
    return named if _is_file(named) else None


def _is_file(named: object) -> bool:
    return isinstance(named, str) and named.endswith((".yaml", ".yml"))


def _beside(document: Document, location: Location, named: str) -> Path:
    """The file of that name, where it lies beside the document and is there."""
    folder = document.path.parent
    path, fault = folder / named, ""
    if not _is_file(named):
        fault = f"{named!r} is no YAML file: name one that lies beside, as ./{location[-1]}.yaml"
    elif not path.resolve().is_relative_to(folder.resolve()):
        fault = "must lie beside the case or in a folder there"
    elif not path.exists():
        fault = f"there is no file {named!r} beside it"
    if fault:
        raise InvalidFileError([document.problem(location, fault)])
    return path


def _with(document: Document, key: str, value: Any) -> Document:
    return replace(document, data=document.data | {key: value})


def load_profile(path: Path) -> Profile:
    """A platform that somebody wrote; raises `InvalidFileError` with every problem at once."""

    def faults(own: Profile) -> Findings:
        for name, fault in profile_faults(own.numbers):
            yield ("numbers", name), fault
        if not own.whole.tiers:
            yield (), "tiers is missing: where values may be kept, or `like`, another platform"
        if isinstance(own.book, str) and own.book not in ("", *SHIPPED) and not _is_file(own.book):
            fault = f"unknown price book {own.book!r}; {nearest(own.book, SHIPPED)}"
            yield (BOOK,), f"{fault}; or a file beside, as ./prices.yaml"

    own = load(path, Profile, faults)
    if not _is_file(own.book):
        return own
    book: PriceBook = own_book(_beside(read(path), (BOOK,), str(own.book)))
    return own.model_copy(update={BOOK: book})
