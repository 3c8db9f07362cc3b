"""Comments of a configuration that speak of its bindings, and what they claim."""

import re

from cachelib.evidence.facts import Fact, Frozen
from cachelib.evidence.wrangler import Wrangler


class Remark(Frozen):
    """A comment that speaks of a binding. `figures` are the amounts it states.

    `near` is the binding whose lines are closest, `about` the kinds of binding it names, `claim`
    whether it asserts something rather than labels a section.
    """

    text: str
    file: str
    line: int
    near: str | None
    about: list[str]
    figures: list[str]
    claim: bool


_PRODUCTS = {
    "durable_object": r"durable objects?|\bDOs?\b",
    "kv": r"\bkv\b|key[- ]value",
    "r2": r"\br2\b|bucket",
    "d1": r"\bd1\b",
    "ai": r"\bai\b",
    "queue": r"\bqueues?\b",
    "service": r"service bindings?",
}
_FIGURE = re.compile(
    r"[$€£]\s?\d[\d.,]*(?:\s?/\s?\w+)?|\d[\d.,]*\s?"
    r"(?:%|ms\b|s\b|seconds?|minutes?|hours?|days?|years?|[KMG]B\b|requests?|reads?|writes?)"
)
_ASSERTION = re.compile(
    r"(?i)\b(?:no|not|never|always|only|without|must|required?|needs?|saves?|costs?|free|faster|cheaper"
    r"|unlimited|forever|permanent(?:ly)?|infinite|instead|enough|guarantee[sd]?|shared?|global(?:ly)?)\b"
)
_NEAR_LINES = 15


def remarks(config: Wrangler, bindings: list[Fact]) -> list[Remark]:
    """Comments that name a kind of binding or a binding, or stand directly at one."""
    found = []
    for comment in config.comments:
        words = comment.text
        about = [kind for kind, like in _PRODUCTS.items() if re.search(f"(?i){like}", words)]
        named = next((fact.name for fact in bindings if fact.name in words), None)
        nearest = min(bindings, key=lambda fact: _distance(comment.line, fact), default=None)
        distance = _distance(comment.line, nearest) if nearest is not None else _NEAR_LINES + 1
        beside = nearest.name if nearest is not None and distance <= _NEAR_LINES else None
        figures = [figure.strip() for figure in _FIGURE.findall(words)]
        if words and (about or named or distance <= 1):
            found.append(
                Remark(
                    text=words,
                    file=config.file,
                    line=comment.line,
                    near=named or beside,
                    about=about,
                    figures=figures,
                    claim=bool(figures or _ASSERTION.search(words)),
                )
            )
    return found


def _distance(at: int, fact: Fact) -> int:
    return max(fact.line - at, at - fact.end_line, 0)
