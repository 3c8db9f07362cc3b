"""What a platform is, as data: its tiers, its numbers with sources, its price book, its words."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from cachelib.model.platforms.books import PriceBook
from cachelib.model.schema.strict import Strict, in_order
from cachelib.model.schema.typed_yaml import load
from cachelib.model.tiers.registry import ALL, owners

OURS = (
    "an isolate", "isolate", "isolates", "Isolate", "Isolates", "data centre", "data centres",
    "Worker", "Workers", "the same Worker", "origin", "Origin",
)  # fmt: skip
"""What a platform may have other words for."""

if TYPE_CHECKING:
    Word = str
    Our = str
else:
    Word, Our = Literal[*ALL], Literal[*OURS]

FOLDER = Path(__file__).parent / "profiles"
SHIPPED = tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))
FIRST = "cloudflare-workers"
"""What a case runs on that does not say."""


class Assumption(Strict):
    """A number that no source gives: a best guess, the range it may lie in, and why."""

    value: float
    low: float
    high: float
    unit: str
    why: str

    @model_validator(mode="after")
    def _ordered(self) -> Assumption:
        in_order(self.low, self.value, self.high)
        return self


class Fact(Strict):
    """A number that the vendor documents, or that a run showed."""

    model_config = ConfigDict(allow_inf_nan=True)

    value: float
    unit: str
    source: str
    date: datetime.date


def _kind(given: object) -> str:
    has = given if isinstance(given, Mapping) else vars(given)
    return "assumption" if {"low", "high", "why"} & has.keys() else "fact"


Known = Annotated[
    Annotated[Assumption, Tag("assumption")] | Annotated[Fact, Tag("fact")], Discriminator(_kind)
]
Numbers = Mapping[str, Assumption | Fact]

Theirs = Annotated[str, Field(pattern=r"^[^\W\d_]+(?:[ -][^\W\d_]+)*$", max_length=40)]
"""Plain words: they stand in templates as if we had written them."""


class Profile(Strict):
    """A platform: where values may be kept there, and what is known and assumed of it.

    `tiers` are the words of those it has. `book` is the price book: a shipped one's
    name or, read, a file beside the profile. `words` say what readers
    call things there, by what they are called on Cloudflare's: `isolate: pod`.
    """

    about: str = Field(default="", description="what runs there, in a sentence")
    like: str | None = Field(default=None, description="another, which says what this does not")
    tiers: tuple[Word, ...] = ()
    book: str | PriceBook = Field(default="", description="a price book's name, or a file beside")
    words: dict[Our, Theirs] = Field(default={})
    numbers: dict[str, Known] = Field(default={})

    @model_validator(mode="after")
    def _like_one_that_is_there(self) -> Profile:
        if self.like is not None and self.like not in SHIPPED:
            raise ValueError(f"like: {self.like!r} is unknown; there are {', '.join(SHIPPED)}")
        return self

    @property
    def whole(self) -> Profile:
        """With all that the one has which it is like."""
        if self.like is None:
            return self
        other = shipped(self.like)
        return Profile(
            about=self.about or other.about,
            tiers=self.tiers or other.tiers,
            book=self.book or other.book,
            words=other.words | self.words,
            numbers=other.numbers | self.numbers,
        )

    @property
    def assumptions(self) -> dict[str, Assumption]:
        return {n: number for n, number in self.numbers.items() if isinstance(number, Assumption)}

    def told(self, text: str) -> str:
        """Our own words as this platform's readers say them; a vendor's product keeps its name."""
        if not self.words:
            return text
        longest_first = sorted(self.words, key=len, reverse=True)
        pattern = rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b(?! (?:AI|Cache|KV)\b)"
        return re.sub(pattern, lambda found: self.words[found[0]], text)

    def lacks(self, number: str) -> bool:
        """Whether a number is of tiers that are not there."""
        of = owners(number)
        return bool(of) and not of & set(self.tiers)


@cache
def shipped(name: str) -> Profile:
    """A shipped profile, whole; raises `InvalidFileError`."""
    return load(FOLDER / f"{name}.yaml", Profile).whole


def profile(name: str) -> dict[str, Assumption | Fact]:
    """The numbers of a shipped profile, by the names of `Platform`."""
    return shipped(name).numbers
