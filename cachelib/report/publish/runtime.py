"""The live run in the report's terms."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from cachelib.live.latency import ACCESSES, measure
from cachelib.live.node import NodeMissingError, ensure_node_modules
from cachelib.live.not_checked import not_checked_of
from cachelib.live.replay import can_run
from cachelib.live.result import LiveResult, run_designs
from cachelib.live.story import two_places
from cachelib.model.judgement.study import Study
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.outcomes import COUNT_WORDS
from cachelib.report.language import capital
from cachelib.report.publish.diagrams import two_requests
from cachelib.report.publish.findings import Message, Node
from cachelib.report.publish.findings import Sequence as Drawing


def why_not(requests: int) -> str | None:
    """Why there is no live run, in words; None where there can be one."""
    if not requests:
        return "none was asked for."
    try:
        ensure_node_modules()
    except NodeMissingError as error:
        return str(error)
    return None


def chosen(study: Study, asked: Sequence[str]) -> list[Design]:
    """Those of the designs asked for that the case has; if it has none, its first three.

    Of those that the runtime can run, that is.
    """
    names = [name for name in study.case.design_names if can_run(study.case.design(name))]
    names = names or ["origin-only"]
    return [study.design(name) for name in [n for n in asked if n in names] or names[:3]]


def run(study: Study, designs: Sequence[Design], requests: int) -> LiveResult:
    """The first requests of the study, live and simulated."""
    first = study.trace.only(slice(requests))
    return run_designs(first, designs, study.platform, seed=study.seed)


def conformance_table(live: LiveResult) -> pd.DataFrame:
    """Every count on both sides, those that are nothing on both left out."""
    words = {run.design.name: capital(run.design.words) for run in live.runs}
    rows = [
        {"option": words[row.design], "count": _in_words(row.metric), "runtime": row.observed,
         "simulation": row.simulated, "equal": "yes" if row.equal else "no"}
        for row in live.conformance
        if row.observed or row.simulated
    ]  # fmt: skip
    return pd.DataFrame(rows).set_index("option")


def _in_words(count: str) -> str:
    return COUNT_WORDS.get(count, count.replace("L1", "memory").replace("L2", "the store"))


def recorded(study: Study, design: Design, id: str) -> Drawing:
    """The scenario of two places, from the runtime's own record."""
    steps = two_places(design, two_requests(study))
    names = list(dict.fromkeys(name for step in steps for name in (step.source, step.target)))
    ids = {name: f"p{nth}" for nth, name in enumerate(names)}
    return Drawing(
        id=id,
        caption=f"Two requests for the same key with {design.words}, as the runtime recorded them",
        alt="; ".join(step.message for step in steps if step.message.startswith("answered")),
        how="examined",
        participants=[_participant(ids[name], name) for name in names],
        messages=[
            Message(source=ids[step.source], target=ids[step.target], label=step.message)
            for step in steps
        ],
    )


def not_checked(study: Study) -> list[str]:
    """What the live run cannot show of the tiers that the case has."""
    return [f"{each.what}: {each.why} ({each.source})" for each in not_checked_of(_tiers(study))]


def _tiers(study: Study) -> set[str]:
    case = study.case
    return {tier for name in case.design_names for tier in case.design(name).tiers}


def _participant(id: str, name: str) -> Node:
    """`Isolate in London` on two lines."""
    label, _, city = name.partition(" in ")
    return Node(id=id, label=label, note=city)


def times(samples: int = 20) -> pd.DataFrame:
    """Accesses timed in the local runtime; see `live.latency.measure`."""
    return measure(samples)


def times_table(times: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Of every access that the case has: median, 95th percentile and what is assumed, in ms."""
    there = _tiers(study)
    ours = [access.name for access in ACCESSES if access.tier in there]
    grouped = times[times["access"].isin(ours)].groupby("access", sort=False)
    assumption = grouped["assumption"].first()
    table = pd.DataFrame(
        {
            "half within": grouped["ms"].quantile(0.5),
            "95 in 100 within": grouped["ms"].quantile(0.95),
            "assumed": assumption.map(lambda name: getattr(study.platform, name)),
        }
    )
    return table.rename(index={access.name: access.words for access in ACCESSES})


def median_ms(times: pd.DataFrame, access: str) -> float:
    return float(times.loc[times["access"] == access, "ms"].median())
