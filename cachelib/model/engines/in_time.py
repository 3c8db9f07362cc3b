"""How long a replay takes, and which part of the keys stands for all where that is too long.

From rates that were measured, not from this machine's of the moment: the same log gives the same
numbers, however busy the machine is.
"""

from __future__ import annotations

from dataclasses import dataclass

from cachelib.model.engines.replay import Engine

MOST_S = 120.0
QUICK_S = 5.0
"""Until the compiled engine is ready: the reference is asked where it takes no longer."""
A_REQUEST_S: dict[Engine, float] = {"reference": 20e-6, "compiled": 0.65e-6}
"""Of a processor, through one design; see benchmarks/simulator.py and docs/scale.md."""
TO_PASS_S, CHOSEN_S = 0.12e-6, 1e-6
"""Of a sample: a request of any key, and one that is replayed."""
MOST_CHOSEN = 20_000_000
"""Requests replayed of a sample: half a minute, and about a gigabyte, for they are kept."""


@dataclass(frozen=True)
class Asked:
    """So many requests, expected, through so many designs on so many processors."""

    requests: float
    designs: int
    jobs: int

    def seconds(self, engine: Engine) -> float:
        """What the replay of all takes; reading them comes on top."""
        return self.requests * self.designs * A_REQUEST_S[engine] / self.jobs

    @property
    def engine(self) -> Engine:
        """The reference, where it is quick enough; both count the same."""
        is_quick = self.jobs == 1 and self.seconds("reference") <= QUICK_S
        return "reference" if is_quick else "compiled"

    @property
    def rate(self) -> float | None:
        """The share of the keys to take, or None for all of them."""
        if self.seconds(self.engine) <= MOST_S:
            return None
        return float(f"{min(MOST_CHOSEN / (self.requests * self.designs), 1):.2g}")

    @property
    def words(self) -> str:
        """Why it is a sample, and what to do for all."""
        rate = self.rate or 1.0
        each = TO_PASS_S + rate * CHOSEN_S
        return (
            f"about {self.requests:,.0f} requests are expected, to replay which would take about"
            f" {self.seconds('compiled'):,.0f} s, so {100 * rate:g} % of the keys stand for all"
            f" (about {self.requests * self.designs * each:,.0f} s; reading takes its time either"
            " way): --sample 1 replays all of them, --jobs N on more processors"
        )
