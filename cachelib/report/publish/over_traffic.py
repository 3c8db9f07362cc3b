"""The options at other traffic: a metric of each as a curve, by formula, dots where simulated."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from cachelib.model.judgement.decision import Decision
from cachelib.report.numbers import Unit, given, shown
from cachelib.report.publish import decision as words
from cachelib.report.publish import figures

MOST = 5  # curves that can be told apart


def compared(decision: Decision) -> list[str]:
    """The choice, what is there today, and of the others those with the least bills."""
    bills = {name: measured["bill_usd"] for name, measured in decision.measured.items()}
    first = [option.name for option in (decision.chosen, decision.today) if option]
    return list(dict.fromkeys([*first, *sorted(bills, key=lambda name: (bills[name], name))]))[
        :MOST
    ]


def plot(decision: Decision, curves: pd.DataFrame, metric: str, label: str, unit: Unit) -> Figure:
    """The curves, one column an option, over requests a month."""
    study, x = decision.study, curves.index.to_list()
    title = figures.ends(curves.T.to_numpy().tolist(), x, unit)
    figure, ax = figures.axes(xlabel="requests a month", ylabel=label, title=title)
    for name in map(str, curves):
        here = study.requests_per_month, decision.measured[name][metric]
        colour, called = figures.colour(study, name), words.called(decision, name)
        figures.curve(ax, x, curves[name].to_list(), called, colour, dot=here)
    for limit in study.case.criteria.limits:
        if limit.metric == metric and limit.bound > 0:
            figures.limit(ax, limit.bound, f"limit: {given(limit.bound, unit)}")
    figures.log_axes(ax, figures.powers(x))
    figures.here(ax, study.requests_per_month)
    return figure


def alt(decision: Decision, curves: pd.DataFrame, unit: Unit) -> str:
    """The ends of the curves, in words."""
    return "; ".join(
        f"{decision.study.case.words(str(name))} from {shown(curve.iloc[0], unit)} "
        f"to {shown(curve.iloc[-1], unit)}"
        for name, curve in curves.items()
    )
