"""What a notebook calls to show a result and to hand it over as data, in one step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from cachelib.model.platforms.facts import vendor_facts
from cachelib.report.language import counted
from cachelib.report.numbers import Scalar, Unit, shown
from cachelib.report.publish import data, vector
from cachelib.report.publish.findings import (
    MIME,
    NARROW,
    Column,
    Drawn,
    Figure,
    Finding,
    How,
    Judgement,
    Metric,
    Panel,
    Table,
    Text,
)
from cachelib.report.publish.narrow import narrow
from cachelib.report.publish.outcome import Outcome
from cachelib.report.text import whole

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure as Plot


def metric(
    id: str, value: Any, *, caption: str, unit: Unit = "", how: How = "simulated", source: str = ""
) -> None:
    """Publish one number (or one word) under `id`, as `notebook.name`; `source`: of a quotation."""
    value = float(value) if unit == "price" else _scalar(value)
    _show(
        Metric(id=id, value=value, unit=unit, caption=caption, how=how, source=source),
        {"text/plain": f"{caption}: {shown(value, unit)}"},
    )


YES_OR_NO = {"kv_sent_to_every_location"}
FACT_UNITS: dict[str, Unit] = {
    "_per_s": "", "_ms": "ms", "_s": "s", "_mb": "MB", "_cities": "cities",
    "back_ends_before_2025_08": "back ends",
}  # fmt: skip
"""The units of what a vendor says, by how its name ends."""


def fact(name: str) -> None:
    """Publish what a vendor says, as `facts.name`, with its source."""
    said = vendor_facts()[name]
    caption = f"{said.says}, as read on {said.date}"
    value = bool(said.value) if name in YES_OR_NO else said.value
    ends = (unit for end, unit in FACT_UNITS.items() if name.endswith(end))
    unit: Unit = next(ends, "")
    id = f"facts.{name}"
    metric(id, value, unit=unit, caption=caption, how="quoted", source=said.source)


def table(
    id: str,
    frame: pd.DataFrame,
    *,
    caption: str,
    units: Mapping[str, Unit] | None = None,
    how: How = "simulated",
    bars: bool = False,
) -> None:
    """Publish a data frame; its index becomes the first column, `units` names columns' units."""
    import pandas as pd

    frame = frame.reset_index()
    units = units or {}
    columns = [Column(name=str(name), unit=units.get(str(name), "")) for name in frame.columns]
    rows = [[_scalar(value) for value in row] for row in frame.itertuples(index=False)]
    finding = Table(id=id, columns=columns, rows=rows, caption=caption, how=how, bars=bars)
    pretty = pd.DataFrame(finding.shown(), columns=frame.columns)
    _show(
        finding,
        {"text/html": pretty.to_html(index=False, border=0), "text/plain": pretty.to_string()},
    )


def text(id: str, lines: Sequence[str], *, caption: str, how: How = "simulated") -> None:
    """Publish lines of text, quoted as they are."""
    finding = Text(id=id, lines=list(map(whole, lines)), caption=caption, how=how)
    _show(finding, {"text/plain": "\n".join([f"{caption}:", *lines])})


def panel(id: str, numbers: dict[str, Any], *, caption: str) -> None:
    """Publish what the page's what-if panel computes with."""
    finding = Panel(id=id, data=numbers, caption=caption, how="closed form")
    _show(finding, {"text/plain": f"{caption}: {counted(len(numbers['designs']), 'option')}"})


def judgement(id: str, outcome: Outcome, *, caption: str) -> None:
    """Publish the decision as data."""
    finding = Judgement(id=id, outcome=outcome, caption=caption, how="derived")
    options, flips = counted(len(outcome.options), "option"), counted(len(outcome.flips), "flip")
    said = f"{caption}: {options}, {flips}"
    _show(finding, {"text/plain": said})


def figure(id: str, plot: Plot, *, caption: str, alt: str, how: How = "simulated") -> None:
    """Publish a matplotlib figure; `alt` says what is seen, for those who do not see it."""
    finding = Figure(id=id, caption=caption, alt=alt, how=how, data=data.behind(plot))
    wide = vector.svg(plot)
    for_phones = vector.svg(narrow(plot))  # redraws it
    _show(finding, {"image/svg+xml": wide, NARROW: for_phones, "text/plain": f"{caption}: {alt}"})


def diagram(diagram: Drawn) -> None:
    """Publish boxes and arrows, or a sequence of messages."""
    from cachelib.report.publish.layout import to_svg

    _show(diagram, {"image/svg+xml": to_svg(diagram), "text/plain": diagram.alt})


def _show(finding: Finding, bundle: Mapping[str, str]) -> None:
    from IPython.display import display

    display({MIME: finding.model_dump(mode="json"), **bundle}, raw=True)


def _scalar(value: Any) -> Scalar:
    """numpy's scalars as Python's, floats without the digits that rounding errors write."""
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return float(f"{value:.10g}") if math.isfinite(value) else None
    scalar: Scalar = whole(value) if isinstance(value, str) else value
    return scalar
