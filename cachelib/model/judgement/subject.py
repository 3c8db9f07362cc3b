"""What a case is about: the designs of it that each part of the report speaks of, if any."""

from __future__ import annotations

from collections.abc import Callable

from cachelib.model.judgement.study import Study
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.memory import MEMORY
from cachelib.model.tiers.registry import ALL, LAGS, PURGED, STORES, TOLD, owners


def memory_alone(study: Study) -> Design | None:
    """Each isolate's own memory and nothing behind it; None where no design has such a memory."""
    with_memory = _designs(study, lambda design: design.l1)
    if not with_memory:
        return None
    alone = next((design for design in with_memory if not design.shared), None)
    return alone or study.design("l1-only")


def shared(study: Study) -> Design | None:
    """The design whose shared tier is looked at, rather one with memory before it."""
    with_store = _in_one_order(study, _designs(study, lambda design: design.l2 is not None))
    behind_memory = [design for design in with_store if design.l1]
    return next(iter(behind_memory + with_store), None)


def without_store(design: Design) -> Design:
    """The same design with its shared tier taken away, not what stands before the Worker."""
    if design.front:
        kept = tuple(word for word in design.tiers if word not in STORES)
        return design.model_copy(update={"name": "without-store", "label": None, "tiers": kept})
    base = BUILT_IN["l1-only" if design.l1 else "origin-only"]
    memory = ("l1_ttl_s", "l1_max_entries", "l1_max_bytes")
    return base.model_copy(update={name: getattr(design, name) for name in memory})


def answering(design: Design) -> str:
    """The labels of what may answer but memory: `CloudFront or DynamoDB`."""
    there = [design.front, design.store]
    return " or ".join(tier.label for tier in there if tier)


def with_store(study: Study, word: str) -> list[Design]:
    """The designs that have a tier, in the order of the case."""
    return _designs(study, lambda design: word in design.tiers)


def alone_and_behind_memory(design: Design) -> tuple[Design, Design]:
    """The design's shared tiers alone, and the same with a memory in front of them."""
    stores = tuple(tier.word for tier in design.stores)
    bare = {"expiry": "inherited", "l1_max_entries": None, "l1_max_bytes": None}
    return (
        _with_tiers(design, stores).model_copy(update=bare),
        _with_tiers(design, (MEMORY.word, *stores)),
    )


def _with_tiers(design: Design, tiers: tuple[str, ...]) -> Design:
    """The design with other tiers: then its label, which is of those that it has, goes."""
    label = design.label if tiers == design.tiers else None
    return design.model_copy(update={"tiers": tiers, "label": label})


def beside(study: Study, design: Design) -> Design | None:
    """The nearest design over another shared store: alike in front, if there is one."""
    others = _in_one_order(study, _designs(study, lambda each: each.l2 not in (None, design.l2)))
    alike = [each for each in others if each.l1 == design.l1]
    return next(iter(alike + others), None)


def _in_one_order(study: Study, designs: list[Design]) -> list[Design]:
    """What is there first, then what is asked about, then by tiers and name: no sentence hangs on
    the order of a case."""
    words, case = list(ALL), study.case
    first = [case.today_name, case.against if "against" in case.model_fields_set else None]
    return sorted(
        designs,
        key=lambda each: (
            first.index(each.name) if each.name in first else len(first),
            [words.index(w) for w in each.tiers],
            each.name,
        ),
    )


def told_of_changes(study: Study) -> Design | None:
    """The design whose memory drops what others change, as it is told."""
    return next(iter(_in_one_order(study, _designs(study, lambda design: design.listen))), None)


def caching(study: Study) -> list[Design]:
    """Every design that keeps anything."""
    return _designs(study, lambda design: bool(design.tiers))


def concerns(study: Study, number: str) -> bool:
    """Whether a number of the case has to do with any of its options."""
    if number in TOLD:
        return told_of_changes(study) is not None
    if number in LAGS:
        return bool(_designs(study, lambda design: design.replicas > 0))
    if number in PURGED:
        return bool(_designs(study, lambda design: design.purge_on_write))
    words = owners(number)
    return not words or any(with_store(study, word) for word in words)


def _designs(study: Study, wanted: Callable[[Design], bool]) -> list[Design]:
    designs = [study.design(name) for name in study.case.design_names]
    return [design for design in designs if wanted(design)]
