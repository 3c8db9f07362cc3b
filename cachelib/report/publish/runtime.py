"""The live run in the report's terms."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from cachelib.live.latency import measure
from cachelib.live.node import NodeMissingError, ensure_node_modules
from cachelib.live.result import LiveResult, run_designs
from cachelib.live.story import two_cities
from cachelib.model.judgement.study import Study
from cachelib.report.publish.findings import Message, Node
from cachelib.report.publish.findings import Sequence as Drawing


def why_not(requests: int) -> str | None:
    """Why there is no live run, in words; None where there can be one."""
    if not requests:
        return "none was asked for (live_requests: 0)"
    try:
        ensure_node_modules()
    except NodeMissingError as error:
        return str(error)
    return None


def run(study: Study, designs: Sequence[str], requests: int) -> LiveResult:
    """The first requests of the study, live and simulated."""
    chosen = [study.design(name) for name in designs]
    return run_designs(study.trace.only(slice(requests)), chosen, study.platform, seed=study.seed)


def conformance_table(live: LiveResult) -> pd.DataFrame:
    """Every count on both sides, those that are nothing on both left out."""
    rows = [
        {"design": row.design, "count": row.metric, "observed": row.observed,
         "simulated": row.simulated, "equal": "yes" if row.equal else "no"}
        for row in live.conformance
        if row.observed or row.simulated
    ]  # fmt: skip
    return pd.DataFrame(rows).set_index("design")


def recorded(study: Study, design: str) -> Drawing:
    """The scenario of two cities, from the runtime's own record."""
    steps = two_cities(study.design(design))
    names = list(dict.fromkeys(name for step in steps for name in (step.source, step.target)))
    ids = {name: f"p{nth}" for nth, name in enumerate(names)}
    return Drawing(
        id=f"runtime.scenario-{design}",
        caption=f"Two cities ask for the same key with {design}, as the runtime recorded it",
        alt="; ".join(step.message for step in steps if step.message.startswith("answered")),
        how="examined",
        participants=[_participant(ids[name], name) for name in names],
        messages=[
            Message(source=ids[step.source], target=ids[step.target], label=step.message)
            for step in steps
        ],
    )


def _participant(id: str, name: str) -> Node:
    """`Isolate in London` on two lines."""
    label, _, city = name.partition(" in ")
    return Node(id=id, label=label, note=city)


def times(samples: int = 20) -> pd.DataFrame:
    """Accesses timed in the local runtime; see `live.latency.measure`."""
    return measure(samples)


def times_table(times: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Median and 95th percentile of every access, and the assumption it is held against."""
    grouped = times.groupby("access", sort=False)
    assumption = grouped["assumption"].first()
    return pd.DataFrame(
        {
            "p50": grouped["ms"].quantile(0.5),
            "p95": grouped["ms"].quantile(0.95),
            "assumed": assumption.map(lambda name: getattr(study.platform, name)),
        }
    )


def median_ms(times: pd.DataFrame, access: str) -> float:
    return float(times.loc[times["access"] == access, "ms"].median())
