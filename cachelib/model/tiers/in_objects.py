"""What Durable Objects do with what they keep: in memory alone, or until an alarm deletes it.

`object_loads`: a Worker cannot let others wait at an object for its own load, and writes back what
it has loaded by a second request; an object can, and needs one. While it waits for the origin it is
in memory, and billed for that. Source: developers.cloudflare.com/durable-objects/platform/pricing
(pricing.mdx@04a87f48: a pending outbound fetch keeps the object resident), read 2026-11-26.

`object_alarm`: whoever writes a value that ends sets the object's alarm for that moment. Writing it
anew moves the alarm; a deletion takes it along. When it comes, it wakes the object, as a request
that nobody sent, and deletes the value: so storage does not grow with keys that nobody asks for any
more. Each of these three is a row written; that deleting an alarm is one is assumed. An object has
one alarm, so it is modelled for objects of one key. Source: developers.cloudflare.com,
durable-objects/platform/pricing, read 2026-11-23.
"""

from __future__ import annotations

from typing import Protocol

from cachelib.model.tiers.durable_object import DURABLE_OBJECT
from cachelib.model.tiers.tier import Tier


class Asked(Protocol):
    """What is asked for here of `Design`, which needs this file."""

    object_storage: bool
    object_loads: bool
    object_alarm: bool
    objects: int | None

    @property
    def policy(self) -> str: ...
    @property
    def l2(self) -> str | None: ...
    @property
    def front(self) -> Tier | None: ...
    @property
    def colo_cache(self) -> Tier | None: ...


def fault(design: Asked) -> str | None:
    """What is wrong with a design that asks for one of these; None where nothing is."""
    if not design.object_loads and design.l2 != DURABLE_OBJECT.word:
        return "object_loads: it is Durable Objects that load, or leave it; there are none"
    told = _told(design)
    if told is None:
        return None
    name, what = told
    if design.l2 != DURABLE_OBJECT.word:
        return f"{name}: it is Durable Objects that {what}; there are none"
    if design.policy != "hard" or design.colo_cache or design.front:
        return (
            f"{name}: objects that {what} are modelled with the policy 'hard', and with nothing"
            " but the memory of isolates before them"
        )
    if not design.object_alarm:
        return None
    if not design.object_storage:
        return "object_alarm: what objects keep in memory alone (object_storage) no alarm deletes"
    if design.objects is not None:
        return (
            "object_alarm: an object has one alarm, which is not modelled where several keys lie in"
            " an object (objects)"
        )
    return None


def _told(design: Asked) -> tuple[str, str] | None:
    if design.object_alarm:
        return "object_alarm", "delete by an alarm"
    return None if design.object_storage else ("object_storage", "keep values in memory alone")
