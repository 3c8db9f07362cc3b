"""What is said of a log whose requests arrive elsewhere than the case has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from cachelib.model.traffic.account import Remark
from cachelib.model.traffic.trace import Trace

TOLD = 3  # of the busiest
UNLIKE = 0.1
"""Of the requests: as many elsewhere are told of, where the places themselves are the same."""


def places_unlike(trace: Trace, said: Mapping[str, float]) -> Iterator[Remark]:
    """Which places count, where a log names others than the case, or others as busy ones."""
    asked = np.bincount(trace.colo, minlength=len(trace.colos)) / max(len(trace), 1)
    logged = {name: share for name, share in zip(trace.colos, asked, strict=True) if share and name}
    of_case = {name: weight / sum(said.values()) for name, weight in said.items()}
    apart = sum(abs(logged.get(name, 0.0) - of_case.get(name, 0.0)) for name in logged | of_case)
    if logged and apart / 2 > UNLIKE:
        yield Remark(
            "unlike",
            f"The log says where requests arrive, {_busiest(logged)}; the case's workload has"
            f" {_busiest(of_case)}. What is said here is of the log's places.",
        )


def _busiest(shares: Mapping[str, float]) -> str:
    """`FRA (60 per cent), IAD (40 per cent) and 2 more`."""
    names = sorted(shares, key=lambda name: (-shares[name], name))
    told = [f"{name} ({100 * shares[name]:.0f} per cent)" for name in names[:TOLD]]
    more = len(names) - len(told)
    parts = [*told, f"{more} more"] if more else told
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
