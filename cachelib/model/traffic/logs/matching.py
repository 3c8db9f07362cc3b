"""Patterns matched as the database does, with RE2: in a time that grows with a line's length.

Python's own `re` tries every way to part a line between fields, which for a line of some thousand
letters and a log_format of six fields takes longer than anybody waits.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc


class NoPatternError(ValueError):
    """What RE2 does not take for a pattern."""


def fitting(regex: str, lines: Sequence[str]) -> list[bool]:
    """Which of the lines a pattern fits."""
    try:
        found: list[bool] = pc.match_substring_regex(_texts(lines), regex).to_pylist()
    except pa.ArrowInvalid as error:
        raise NoPatternError(str(error)) from None
    return found


def groups_of(regex: str, lines: Sequence[str]) -> list[dict[str, str]]:
    """What the named groups of a pattern hold, of each line that it fits."""
    found = pc.extract_regex(_texts(lines), regex).to_pylist()
    return [groups for groups in found if groups is not None]


def _texts(lines: Sequence[str]) -> pa.Array:
    """Half a surrogate pair, as JSON may name one, is no text."""
    whole = [line.encode("utf-8", "replace").decode() for line in lines]
    return pa.array(whole, pa.string())
