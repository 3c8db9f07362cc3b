"""What each call of the origin takes, and which meter charges for it.

Each is a number of the platform, 0 unless the case says it: no meter is charged that it does not
name. What writers take at the origin is the same with every option, and left out.
"""

from __future__ import annotations

from typing import NamedTuple


class Charged(NamedTuple):
    """The meters that charge for a number, of which a book has one, and its unit in theirs."""

    meters: tuple[str, ...]
    each: float = 1.0


OF_A_CALL = {
    "origin_neurons": Charged(("workers_ai.neurons",)),
    "origin_cpu_ms": Charged(("origin.cpu_hours", "database.cpu_hours"), 1 / 3_600_000),
    "origin_rows_read": Charged(("d1.rows_read",)),
    "origin_rows_written": Charged(("d1.rows_written",)),
    "origin_egress_kb": Charged(("origin.gb_out", "database.gb_out"), 1 / 1_000_000),
}
"""By the platform's number."""

LOAD_CPU, CPU = "load_cpu_ms", "workers.cpu_ms"
"""The Worker's own time for a load, beside that for a request, and the meter of both."""

METERS_OF_A_CALL = OF_A_CALL | {LOAD_CPU: Charged((CPU,))}
"""The same, with what the Worker takes for it."""
