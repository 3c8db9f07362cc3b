"""Ways to build the cache, each a few words of composition."""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from cachelib.errors import CachelibError
from cachelib.model.schema.strict import Strict
from cachelib.model.tiers import former, in_objects, joining
from cachelib.model.tiers.durable_object import DURABLE_OBJECT
from cachelib.model.tiers.memory import MEMORY
from cachelib.model.tiers.registry import ALL, STORES
from cachelib.model.tiers.tier import WIDENING, Tier

if TYPE_CHECKING:
    Word = str
else:
    Word = Literal[*ALL]
Policy = Literal["hard", "clean-up", "soft-hard", "refresh"]
Expiry = Literal["inherited", "independent", "sliding"]

POLICY_WORDS: dict[Policy, str] = {
    "hard": "",
    "clean-up": "expiry kept by the application",
    "soft-hard": "refreshed before it expires",
    "refresh": "refreshed and never expired",
}
EXPIRY_WORDS: dict[Expiry, str] = {
    "inherited": "",
    "independent": "memory with a life of its own",
    "sliding": "memory renewed at every hit",
}


@cache
def _stores(words: tuple[Word, ...]) -> tuple[Tier, ...]:
    """Once for each design: every formula asks."""
    return tuple(STORES[word] for word in words if word in STORES)


def _fronts() -> str:
    """What there is that answers before the Worker runs, to choose from."""
    return " or ".join(repr(word) for word, tier in ALL.items() if tier.in_front)


def _of_a_colo() -> str:
    """What a data centre has behind the Worker, to choose from."""
    return " or ".join(word for word, tier in STORES.items() if tier.scope == "colo")


class DesignError(CachelibError, ValueError):
    """A design that cannot be, or not on this platform."""


class Design(Strict):
    """Which tiers a request passes before the origin, and how long they keep a value.

    `tiers` begin with the nearest; each is shared by more than the one before. What is found in a
    tier is copied into those before it, where it lives no longer than it would have there. The
    last one is meant by L2 below; a data centre's cache before it keeps what L2 keeps, as long.

    `policy` says what `l2_ttl_s` means:
    `hard`: L2 drops the value then. `clean-up`: L2 is told no expiry; the application takes an
    older value for missing, and a routine lists and deletes every `clean_up_every_s`.
    `soft-hard`: as `hard`, and past `soft_ttl_s` a request serves the old value and loads in the
    background. `refresh`: L2 never drops it; past `l2_ttl_s` it is served and loaded likewise.
    `write_only_if_changed`: what was so loaded is written to L2 only if it is not the version that
    its reader had at hand; another read of L2, to compare with, would be billed.

    `expiry` says how long L1 keeps a value: `inherited`: `l1_ttl_s`, but no longer than L2 would.
    `independent`: `l1_ttl_s`. `sliding`: `l1_ttl_s` from the last hit, so that a key which is
    asked often enough is served from L1 for ever, however stale.

    `listen`: each L1 drops what another isolate wrote or deleted as soon as it hears of that from
    L2 (the library's `listen`); its TTL then bounds what no message tells: changes past the cache.

    `replicas`: so many copies of the store answer all reads, and hear of a write a while after it.

    `hedge_after_ms`: a read that the tiers behind memory have not answered after so long asks the
    origin, too, and takes the answer that comes first; nothing is written for it. `hedged`: it
    does so after what the case's knob of that name is set to.

    `single_flight`: where loads take time, a request that meets a load of its key in its isolate
    waits for that. Without it, or without memory, each loads by itself; only Durable Objects and
    what answers before the Worker runs let requests wait then, for a load of anybody's that came
    through them.

    `stale_while_revalidate_s`: for so long past its end an answer in Workers Cache or CloudFront is
    still served, and the Worker runs for a new one in the background. `purge_on_write`: each write
    and deletion purges what these have of its key, as often as the vendor allows.

    `object_storage`: Durable Objects write what they are given; without, they keep it in memory
    alone, and lose it when nobody has asked them for a while.

    `object_loads`: a Durable Object that has not what it is asked for loads it itself, in the same
    request, and is billed while it waits; without, the Worker loads it, and writes it back by
    another request. What is refreshed in the background the Worker loads and writes in any case.

    `object_alarm`: they set an alarm that deletes a value when it ends.

    `joined`: so many keys lie in one value, and `joined_origin_calls` load it.

    `unreachable` says what becomes of a read that a store fails to answer: an `error`, where nobody
    catches it, or a load from the `origin`, as the library does.
    """

    model_config = ConfigDict(json_schema_extra=former.described)

    name: str
    label: str | None = Field(default=None, max_length=80, description="its name for readers")
    tiers: tuple[Word, ...] = (MEMORY.word,)
    l1_ttl_s: float | None = Field(default=None, gt=0)
    l2_ttl_s: float | None = Field(default=None, gt=0)
    l1_max_entries: int | None = Field(default=None, ge=1)
    l1_max_bytes: int | None = Field(default=None, ge=1, le=128 * 2**20)
    expiry: Expiry = "inherited"
    policy: Policy = "hard"
    soft_ttl_s: float | None = Field(default=None, gt=0)
    clean_up_every_s: float = Field(default=3_600, gt=0)
    write_only_if_changed: bool = False
    listen: bool = Field(default=False, description="memory drops what others change, when told")
    replicas: int = Field(
        default=0, ge=0, le=100, description="copies that answer reads in the store's place"
    )
    hedge_after_ms: float | None = Field(
        default=None, ge=0.001, le=60_000, description="a read so slow asks the origin, too"
    )
    hedged: bool = Field(
        default=False, description="a slow read asks the origin, too: hedge_after_ms is a knob"
    )
    single_flight: bool = Field(
        default=True, description="an isolate's requests wait for a load of their key in progress"
    )
    stale_while_revalidate_s: float | None = Field(
        default=None, gt=0, description="how long what is in front serves what has ended, meanwhile"
    )
    purge_on_write: bool = Field(
        default=False, description="a write purges what is in front, as often as that is allowed"
    )
    objects: int | None = Field(default=None, ge=1, description="Durable Objects; None: one a key")
    object_storage: bool = Field(
        default=True, description="Durable Objects store values, not only in their memory"
    )
    object_loads: bool = Field(
        default=True, description="Durable Objects load what they have not, not the Worker"
    )
    object_alarm: bool = Field(
        default=False, description="an alarm of each Durable Object deletes what has ended"
    )
    joined: int | None = Field(
        default=None, ge=1, le=joining.MOST, description="keys that lie together in one value"
    )
    joined_origin_calls: int | None = Field(
        default=None, ge=1, le=joining.MOST, description="of a load of them; None: one a key"
    )
    unreachable: Literal["error", "origin"] = Field(
        default="error", description="what becomes of a read that a store fails to answer"
    )

    @model_validator(mode="before")
    @classmethod
    def _formerly_said(cls, given: Any) -> Any:
        """`l1: false` and `l2: kv`, as cases said it before a design was a list."""
        return former.as_tiers(given)

    @model_validator(mode="after")
    def _widening(self) -> Self:
        if any(ALL[word].in_front for word in self.tiers[1:]):
            raise ValueError(
                f"tiers: {_fronts()} answers before the Worker runs, so it stands first and "
                "once; a memory is the Worker's, and stands behind it"
            )
        behind = [ALL[word] for word in self.tiers if not ALL[word].in_front]
        for near, far in pairwise(behind):
            if WIDENING.index(far.scope) <= WIDENING.index(near.scope):
                raise ValueError(
                    f"tiers: {far.word!r} cannot stand behind {near.word!r}, since its copies are "
                    f"{far.shared_by} and those {near.shared_by}: first memory, then "
                    f"{_of_a_colo()}, then one that all share"
                )
        return self

    @model_validator(mode="after")
    def _fronted(self) -> Self:
        if self.front is None:
            return self
        if self.policy != "hard":
            raise ValueError(
                f"policy: {self.policy!r} is not modelled with {self.front.word!r}, whose refresh "
                "in the background runs the Worker, and no document says how that meets another's"
            )
        if self.colo_cache:
            raise ValueError(
                f"tiers: {self.colo_cache.word!r} is not modelled behind {self.front.word!r}, which"
                " is a cache in each data centre itself"
            )
        if self.expiry != "inherited":
            raise ValueError(
                f"expiry: {self.expiry!r} is not modelled behind {self.front.word!r}, whose answers"
                " end when their values do"
            )
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.policy == "soft-hard" and self.soft_ttl_s is None:
            raise ValueError("soft_ttl_s: the policy 'soft-hard' needs it")
        if self.policy == "clean-up" and not (self.store and self.store.lists):
            raise ValueError("policy: 'clean-up' is for KV")
        if self.expiry == "sliding" and not self.l1:
            raise ValueError("expiry: 'sliding' renews the TTL of an L1, and there is none")
        if self.expiry == "sliding" and self.policy in ("soft-hard", "refresh"):
            raise ValueError(f"expiry: 'sliding' does not go with the policy '{self.policy}'")
        return self

    @model_validator(mode="after")
    def _revalidated(self) -> Self:
        if self.stale_while_revalidate_s is not None and self.front is None:
            raise ValueError(
                f"stale_while_revalidate_s: it is {_fronts()} that serves what has ended; there is"
                " none (behind it, the policy 'soft-hard' does the like)"
            )
        if self.purge_on_write and self.front is None:
            raise ValueError(f"purge_on_write: it is {_fronts()} that is purged; there is none")
        return self

    @model_validator(mode="after")
    def _in_objects(self) -> Self:
        if fault := in_objects.fault(self):
            raise ValueError(fault)
        return self

    @model_validator(mode="after")
    def _copied(self) -> Self:
        if self.replicas and not any(tier.lag for tier in self.stores):
            there = ", ".join(repr(word) for word, tier in STORES.items() if tier.lag)
            raise ValueError(f"replicas: only {there} have copies that answer reads")
        return self

    @model_validator(mode="after")
    def _raced(self) -> Self:
        if self.races and (self.front or not self.stores):
            name = "hedged" if self.hedge_after_ms is None else "hedge_after_ms"
            raise ValueError(
                f"{name}: it is a tier behind memory that the origin may outrun; there is"
                f" none, or it is not modelled with {_fronts()} before it"
            )
        return self

    @model_validator(mode="after")
    def _joined(self) -> Self:
        if not self.single_flight and not self.l1:
            raise ValueError("single_flight: only an isolate's memory has it, and there is none")
        return self

    @model_validator(mode="after")
    def _together(self) -> Self:
        fault = joining.fault(
            joined=self.joined, calls=self.joined_origin_calls,
            caches=bool(self.tiers), in_front=self.front is not None,
        )  # fmt: skip
        if fault:
            raise ValueError(fault)
        return self

    @model_validator(mode="after")
    def _told_of_changes(self) -> Self:
        if not self.listen:
            return self
        if not self.l1:
            raise ValueError("listen: it is memory that drops what others change; there is none")
        if self.store is None or not self.store.tells:
            there = ", ".join(repr(word) for word, tier in STORES.items() if tier.tells)
            raise ValueError(f"listen: only {there} can tell of changes; let one be the last tier")
        if len(self.shared) > 1:
            raise ValueError(
                f"listen: is not modelled with {self.shared[0].word!r} before {self.l2!r}: what "
                "memory drops, that would still have"
            )
        if self.expiry != "inherited":
            raise ValueError(
                f"expiry: {self.expiry!r} is not modelled with listen, since copies would outlive "
                "the store's, and each load would tell others to drop theirs"
            )
        if self.policy != "hard":
            raise ValueError(
                f"policy: {self.policy!r} is not modelled with listen, since each refresh would "
                "tell others to drop what they have"
            )
        return self

    @property
    def l1(self) -> bool:
        """Whether each isolate has a memory."""
        return MEMORY.word in self.tiers

    @property
    def joins(self) -> bool:
        """Whether requests of an isolate wait for a load of their key in progress there."""
        return self.l1 and self.single_flight

    @property
    def stores(self) -> tuple[Tier, ...]:
        """The shared tiers behind the Worker, the nearest first."""
        return _stores(self.tiers)

    @property
    def front(self) -> Tier | None:
        """What answers before the Worker runs."""
        return next((ALL[word] for word in self.tiers if ALL[word].in_front), None)

    @property
    def shared(self) -> tuple[Tier, ...]:
        """All tiers but memory, the nearest first."""
        return tuple(ALL[word] for word in self.tiers if word != MEMORY.word)

    @property
    def store(self) -> Tier | None:
        """The last shared tier, of which those before it have copies."""
        return self.stores[-1] if self.stores else None

    @property
    def l2(self) -> str | None:
        """Its word."""
        return self.store.word if self.store else None

    @property
    def colo_cache(self) -> Tier | None:
        """The cache that each data centre has, before another store or as the only one."""
        return next((tier for tier in self.stores if tier.scope == "colo"), None)

    @property
    def words(self) -> str:
        """The design's name for readers, made of what it consists of, or the case's `label`."""
        if self.label:
            return self.label
        phrases = [MEMORY.word if word == MEMORY.word else ALL[word].phrase for word in self.tiers]
        tiers = ", then ".join(phrases) if phrases else "no cache"
        tiers += " alone" if len(phrases) == 1 else ""
        manners = [POLICY_WORDS[self.policy], EXPIRY_WORDS[self.expiry]]
        manners += ["written only if changed"] if self.write_only_if_changed else []
        manners += ["told of changes"] if self.listen else []
        manners += [f"read from {self.replicas:,} replicas"] if self.replicas else []
        if self.hedge_after_ms is not None:
            manners += [f"the origin asked, too, after {self.hedge_after_ms:g} ms"]
        elif self.hedged:
            manners += ["slow reads asked of the origin, too"]
        manners += ["old answers served meanwhile"] if self.stale_while_revalidate_s else []
        manners += ["purged by writes"] if self.purge_on_write else []
        manners += [f"{self.joined:,} keys in each value"] if (self.joined or 1) > 1 else []
        manners += [] if self.single_flight else ["without single flight"]
        manners += [f"{self.objects:,} in all"] if self.objects else []
        manners += [] if self.object_storage else ["in their memory alone"]
        manners += [] if self.object_loads else ["loaded by the Worker"]
        manners += ["deleted by alarms"] if self.object_alarm else []
        return ", ".join([tiers, *filter(None, manners)])

    @property
    def races(self) -> bool:
        """Whether a slow read asks the origin, too."""
        return self.hedged or self.hedge_after_ms is not None

    @property
    def writing(self) -> tuple[str, ...]:
        """What a write takes, as `Place.takes` does."""
        if not self.object_storage:
            return DURABLE_OBJECT.places[0].takes
        return tuple(name for tier in self.stores for name in tier.writing)

    @property
    def loads_in_objects(self) -> bool:
        """Whether Durable Objects wait for loads."""
        return self.l2 == DURABLE_OBJECT.word and self.object_loads

    @property
    def stored(self) -> str | None:
        """What charges for what the design stores."""
        return self.store.stored if self.store and self.object_storage else None

    @property
    def hard_ttl_s(self) -> float:
        """Seconds after which a value counts as missing."""
        return math.inf if self.policy == "refresh" else self.l2_ttl_s or math.inf

    @property
    def refresh_after_s(self) -> float:
        """Seconds after which a value is loaded again in the background."""
        if self.policy == "refresh":
            return self.l2_ttl_s or math.inf
        return (self.soft_ttl_s if self.policy == "soft-hard" else None) or math.inf
