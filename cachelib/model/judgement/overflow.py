"""Memories that have no room for what their copies would live for."""

from __future__ import annotations

from collections.abc import Sequence

from cachelib.model.formulas.flows import Flows
from cachelib.model.formulas.memory import wanted_mb
from cachelib.model.formulas.setting import Setting
from cachelib.model.tiers.design import Design
from cachelib.model.traffic.account import Remark
from cachelib.model.traffic.durations import duration


def overflowing(designs: Sequence[Design], at: Setting) -> tuple[Remark, ...]:
    """What a decision must say where the platform's memory, and no design, bounds what is kept."""
    room = float(at["isolate_memory_mb"].item())
    wanted = {
        float(wanted_mb(Flows(design, at)).max()): design
        for design in designs
        if design.l1 and not (design.l1_max_entries or design.l1_max_bytes)
    }
    if not wanted or (most := max(wanted)) <= room:
        return ()
    life = duration(wanted[most].l1_ttl_s or 0.0)
    return (
        Remark(
            "memory",
            f"In {room:,.4g} MB of memory, an isolate would have to keep up to {most:,.0f} MB of"
            f" values, for {life}. What was asked for longest ago is taken to be pushed out, of all"
            " that does not fit. Code that bounds its memory does so; code that does not is ended"
            " by the platform when it is full, and begins with an empty memory.",
        ),
    )
