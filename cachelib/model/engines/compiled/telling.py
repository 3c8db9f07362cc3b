"""Messages of changes, for numba: who sends them, and what whoever hears them drops."""

# mypy: ignore-errors

from __future__ import annotations

from cachelib.model.engines.compiled.state import TO_COLO
from cachelib.model.engines.compiled.tiers import take_from_l1
from cachelib.model.engines.compiler import inner


@inner
def tell(state, number, colo, key, now):
    """Send a message of a change to those who listen."""
    message = state.messages[state.totals.messages]
    message.at, message.isolate, message.colo, message.key = now, number, colo, key
    state.totals.messages += 1


@inner
def heed(rules, state, isolate, number, colo, after, now):
    """Drop from L1 what others changed, of which it has heard by now: `after` it happened."""
    while isolate.heard < state.totals.messages:
        message = state.messages[isolate.heard]
        if message.at + after > now:
            break
        isolate.heard += 1
        if message.isolate == number or (rules.tells == TO_COLO and message.colo != colo):
            continue
        take_from_l1(rules, state, isolate, number, message.key)
