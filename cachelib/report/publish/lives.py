"""For how long designs keep values, in words, where two that are compared may differ in it."""

from __future__ import annotations

from cachelib.model.tiers.design import Design
from cachelib.report.language import duration


def in_store(design: Design) -> str:
    """How long its store keeps a value."""
    life = duration(design.l2_ttl_s) if design.l2_ttl_s else "–"
    if design.policy == "refresh":
        return f"for ever, refreshed after {life}"
    if design.policy == "soft-hard" and design.soft_ttl_s:
        return f"{life}, refreshed after {duration(design.soft_ttl_s)}"
    return life


def of_policy(design: Design) -> str:
    """The same, and how often what has ended is deleted by the application."""
    cleaned = f", cleaned up every {duration(design.clean_up_every_s)}"
    return in_store(design) + (cleaned if design.policy == "clean-up" else "")


def in_memory(design: Design) -> str:
    """How long its memory does; a dash where it has none."""
    return duration(design.l1_ttl_s) if design.l1 and design.l1_ttl_s else "–"


def unlike(one: Design, other: Design) -> str | None:
    """That two designs over different stores keep values for unlike times; None where they do not.

    Both with a memory in front, or both without.
    """
    parts = []
    stores, memories = (in_store(one), in_store(other)), (in_memory(one), in_memory(other))
    if stores[0] != stores[1]:
        first, second = (
            f"{life}{',' if ',' in life else ''} in {each.store.phrase}"
            for life, each in zip(stores, (one, other), strict=True)
            if each.store
        )
        parts.append(f"values live {first} and {second} here")
    if memories[0] != memories[1]:
        subject = "" if parts else "values live "
        parts.append(f"{subject}in the memory before them {memories[0]} and {memories[1]}")
    return "; ".join([*parts, "most of the difference may come from that"]) if parts else None
