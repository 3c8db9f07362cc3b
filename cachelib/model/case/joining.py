"""What a case must not say of keys that lie together in one value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cachelib.model.case.choices import Knob, turns
from cachelib.model.schema.typed_yaml import Location
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.kv import KV
from cachelib.model.traffic.workload import Workload

LARGEST = 25 * 2**20
"""Bytes that a value in KV may have, as `Workload.value_bytes` of a single key."""


def faults(
    designs: Iterable[tuple[Location, Design]], workload: Workload, knob: Knob | None
) -> Iterator[tuple[Location, str]]:
    """Of designs that join keys, those of which this traffic does not let them be joined.

    `knob`: the settings of `joined` that the case allows.
    """
    for location, design in designs:
        keys = min(_most(design, knob), workload.keys)
        if keys > 1 and workload.purging:
            yield (
                location,
                "joined: is not modelled where a schedule purges (workload.schedules); leave one"
                " of them out",
            )
        if keys > 1 and any(schedule.op == "write" for schedule in workload.schedules):
            yield (
                location,
                "joined: is not modelled where a schedule writes (workload.schedules), which would"
                " write each value once, and here writes it for each of its keys",
            )
        size = keys * workload.value_bytes
        if keys > 1 and KV in design.stores and size > LARGEST:
            yield (
                location,
                f"joined: {keys:,} keys of {workload.value_bytes:,} bytes are more than the"
                f" {LARGEST // 2**20} MiB that a value in KV may have; join fewer",
            )


def _most(design: Design, knob: Knob | None) -> int:
    """The most keys that may come to lie in one value of the design."""
    if design.joined is not None or knob is None or not turns("joined", design):
        return design.joined or 1
    return round(max(knob.settings))
