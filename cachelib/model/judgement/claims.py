"""Claims judged: what a number that was found says of a sentence, and why."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Literal

from cachelib.model.case.claims import Claim

Verdict = Literal["holds here", "does not hold here", "assumed", "untested"]


@dataclass(frozen=True)
class Judged:
    verdict: Verdict
    reason: str


@dataclass(frozen=True)
class Evidence:
    """What was found for a claim: a number, in words too, what it is, and how it came about.

    `until`: the day up to which a vendor's fact held; None where it holds.
    """

    value: float
    words: str
    caption: str
    how: str
    until: datetime.date | None = None


def judge(claim: Claim, found: Evidence | None, written: datetime.date | None = None) -> Judged:
    """The verdict on a claim of a document that was written on a day."""
    if claim.assumed is not None:
        return Judged("assumed", _sentence(
            f"the case takes it as an input ({claim.assumed_words}); nothing here tests it", claim
        ))  # fmt: skip
    if claim.metric is None:
        return Judged("untested", _sentence(claim.untested or "", claim))
    if found is None:
        return Judged("untested", _sentence("no experiment of this run found its number", claim))
    if found.until and written and written > found.until:
        return Judged("untested", _sentence(
            f"what was found held until {found.until}, and the document is of {written}", claim
        ))  # fmt: skip
    said = f"{found.caption}: {found.words}, {_side(claim, found.value)}"
    if found.how == "measured" and not _beyond(claim, found.value):
        return Judged("untested", _sentence(
            f"{said}; timed on one machine it is a lower bound, and decides nothing", claim
        ))  # fmt: skip
    holds = claim.holds_for(found.value)
    return Judged("holds here" if holds else "does not hold here", _sentence(said, claim))


def _beyond(claim: Claim, lower_bound: float) -> bool:
    """Whether even the least that it can be is too much."""
    return claim.high is not None and lower_bound > claim.high


def _side(claim: Claim, value: float) -> str:
    if isinstance(value, bool) and not claim.holds_for(value):
        return "not as it asserts"
    if claim.low is not None and value < claim.low:
        return "below what it asserts"
    if claim.high is not None and value > claim.high:
        return "above what it asserts"
    return "as it asserts"


def _sentence(text: str, claim: Claim) -> str:
    """With a capital and a full stop, and with what the case adds."""
    said = text[:1].upper() + text[1:]
    said = said if said.endswith((".", "!", "?")) else f"{said}."
    return f"{said} {claim.because}" if claim.because else said
