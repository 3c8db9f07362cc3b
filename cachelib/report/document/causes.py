"""Why an answer changed: what the earlier report says of the numbers that were set otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cachelib.report.language import capital
from cachelib.report.numbers import Scalar, is_number

Record = Mapping[str, Any]


def causes(outcome: Record, name: str, before: Scalar, after: Scalar) -> Iterator[str]:
    """Sentences: which flips of the earlier report's lie between a number there and here.

    `outcome`: the earlier decision; `name`: where the number stands in the case.
    """
    from cachelib.report.publish.decision import value

    if not (is_number(before) and is_number(after)):
        return
    low, high = sorted((float(before), float(after)))  # type: ignore[arg-type]
    for flip in outcome.get("flips", ()):
        if flip["number"] != _number(name) or not low < flip["at"] < high:
            continue
        first, then = flip["before"], flip["after"]
        if low == after:
            first, then = then, first
        ends: tuple[Any, ...] = (before, after, flip["at"])
        was, now, at = (value(float(each), flip["unit"]) for each in ends)
        one, other, why = _called(outcome, first), _called(outcome, then), _why(outcome, flip)
        yield (
            f"{capital(flip['label'])} went from {was} to {now}, past {at}, where"
            f" {one} gives way to {other}{why}."
        )


def _number(name: str) -> str | None:
    """A place in the case as flips name their numbers: `assumptions.origin_ms.value` is one."""
    match name.split("."):
        case [alone] | ["workload", alone] | ["assumptions", alone, "value"]:
            return alone
        case ["options", option, "hours", "value"]:
            return f"hours:{option}"
        case ["criteria", "limits", metric, "at_most" | "at_least"]:
            return f"limit:{metric}"
    return None


def _called(outcome: Record, name: str | None) -> str:
    words = {option["name"]: option["words"] for option in outcome.get("options", ())}
    return f"“{words.get(name, name)}”" if name else "nothing that keeps the limits"


def _why(outcome: Record, flip: Record) -> str:
    limits = {limit["name"]: limit["metric"] for limit in outcome.get("limits", ())}
    metric = limits.get(flip["metric"], flip["metric"])
    label = outcome.get("metrics", {}).get(metric, {}).get("label", metric)
    if flip["cause"] == "limit":
        option = _called(outcome, flip["option"])
        return f": there {option} begins or ceases to keep the limit of {label}"
    return f" in {label}"
