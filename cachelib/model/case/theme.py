"""How a report looks: a logo, a colour and a font of one's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field, field_validator

from cachelib.model.schema.strict import Strict

PAPER = {"light": "#ffffff", "dark": "#14181d"}
LEAST_CONTRAST = 4.5
"""Of text against its ground: WCAG 2.2, 1.4.3."""
LOGOS = {".svg": "image/svg+xml", ".png": "image/png"}
MOST_BYTES = 100_000


class Theme(Strict):
    """Nothing of it is needed; what is left out looks as it is shipped."""

    logo: str | None = Field(default=None, description="an SVG or PNG beside the case file")
    accent: str | None = Field(default=None, description="colour of links and marks: #0062a3")
    accent_dark: str | None = Field(default=None, description="the same on a dark ground")
    font: str | None = Field(default=None, description="families, the first that is there: Inter")

    @field_validator("accent", "accent_dark")
    @classmethod
    def _colour(cls, colour: str | None) -> str | None:
        if colour is not None and not re.fullmatch("#[0-9a-fA-F]{6}", colour):
            raise ValueError("write a colour as #rrggbb")
        return colour

    @field_validator("font")
    @classmethod
    def _families(cls, font: str | None) -> str | None:
        if font is not None and not re.fullmatch(r"[A-Za-z0-9 -]+(, ?[A-Za-z0-9 -]+)*", font):
            raise ValueError("name font families, with commas between them")
        return font

    def faults(self, folder: Path) -> Iterator[tuple[str, str]]:
        """What cannot be read of it: the field, and why; `folder`: of the case."""
        for name, colour, ground in (
            ("accent", self.accent, "light"), ("accent_dark", self.accent_dark, "dark"),
        ):  # fmt: skip
            if colour and (found := contrast(colour, PAPER[ground])) < LEAST_CONTRAST:
                yield (
                    name,
                    f"{colour} is hard to read on a {ground} ground (contrast {found:.1f}, "
                    f"at least {LEAST_CONTRAST} is needed)",
                )
        if self.logo is not None and (fault := _of_logo(folder, self.logo)):
            yield "logo", fault


def _of_logo(folder: Path, logo: str) -> str | None:
    path = (folder / logo).resolve()
    if not path.is_relative_to(folder.resolve()):
        return "a logo lies beside the case file or below it"
    if path.suffix.lower() not in LOGOS:
        return "a logo is an SVG or a PNG"
    if not path.is_file():
        return f"there is no {logo!r} beside the case file"
    if path.stat().st_size > MOST_BYTES:
        return f"a logo may have {MOST_BYTES // 1_000} kB, for it is in the page"
    return None


def contrast(one: str, other: str) -> float:
    """Of two colours, from 1 to 21; WCAG's relative luminances."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
