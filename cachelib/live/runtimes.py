"""The runtimes that are here, which one a platform has, and what each of them cannot show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from cachelib.live import replay, servers
from cachelib.live.node import runtime_versions
from cachelib.live.not_checked import OF_SERVERS, OF_WORKERS, NotChecked
from cachelib.live.valkey import valkey_versions
from cachelib.model.platforms.platform import Platform
from cachelib.model.platforms.profile import Profile
from cachelib.model.tiers.design import Design


class LocalRuntime(NamedTuple):
    """What drives requests through designs on this machine, and how the simulation is to be set."""

    can_run: Callable[[Design], bool]
    local: Callable[[Platform], Platform]
    run_each: Callable[..., list[replay.LiveRun]]  # as `replay.run_each`
    clocks: Mapping[str, str]
    not_checked: tuple[NotChecked, ...]
    versions: Callable[[], dict[str, str]]


WORKERD = LocalRuntime(
    replay.can_run,
    replay.as_local,
    replay.run_each,
    {
        "virtual": (
            "every expiry in L1, KV, R2, the Cache API and Durable Objects goes by the times of "
            "the requests"
        ),
        "real": "latencies, in whole milliseconds of the runtime's clock",
    },
    OF_WORKERS,
    runtime_versions,
)
VALKEY = LocalRuntime(
    servers.can_run,
    servers.as_pods,
    servers.run_each,
    {
        "virtual": (
            "every expiry in memory and in Valkey, and when a message of a change is heard, goes "
            "by the times of the requests"
        ),
        "real": "latencies; and the order of changes, which Valkey's own clock numbers",
    },
    OF_SERVERS,
    valkey_versions,
)
BY_STORE = {"kv": WORKERD, "redis": VALKEY}


def runtime_of(profile: Profile) -> LocalRuntime | None:
    """The one that has what the platform has; None where none is here."""
    return next((runtime for word, runtime in BY_STORE.items() if word in profile.tiers), None)
