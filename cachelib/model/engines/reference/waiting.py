"""Loads that take time: the library's own cache, whose callers are put aside until one has landed.

The library's coroutines are held where they wait, for a load or for one who loads, and go on when
the virtual clock reaches it. Who waits for whom is therefore what the library says; that callers
wait for a Durable Object, or in front of the Worker, is what their documentation says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import copy_context
from typing import Any, cast

from cachelib import TieredCache
from cachelib.model.engines.reference.world import OriginDownError, Value, World

SCENE = (
    "row", "colo", "readers_colo", "isolate", "size", "version", "at_hand", "background", "joined",
    "asked_object",
)  # fmt: skip
"""What the world is to a request, and must be again when what it waited for has landed."""


class Wait:
    """What callers wait for, in the order in which they came."""

    def __init__(self) -> None:
        self.errands: list[Errand] = []

    def __await__(self) -> Generator[Wait, None, None]:
        yield self


class Load(Wait):
    """A load in progress: what it brings (None: the origin fails), and where others may meet it."""

    def __init__(self, key: str, value: Value | None, version: int, due: float) -> None:
        super().__init__()
        self.key, self.value, self.version, self.due = key, value, version, due
        self.met: list[dict[str, Load]] = []
        self.colos: list[int] = []  # of what is in front of the Worker, which wait for it

    def met_at(self, place: dict[str, Load]) -> None:
        place[self.key] = self
        self.met.append(place)

    async def landed(self) -> Value:
        await self
        if self.value is None:
            raise OriginDownError(self.key)
        return self.value


class Errand:
    """A request's work, or a refresh's, which waits for something."""

    def __init__(self, work: Coroutine[Any, Any, Any], done: Callable[[Value], None]) -> None:
        self.work, self.done = work, done
        self.context = copy_context()  # the library notes there whose loader runs
        self.scene: tuple[Any, ...] = ()


class Errands:
    """All that waits; loads land in the order in which they began, as all take equally long."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.loads: deque[Load] = deque()

    def begin(
        self, work: Coroutine[Any, Any, Any], done: Callable[[Value], None] = lambda value: None
    ) -> Value | None:
        """What the work comes to, or None while it waits: then `done` is told it later."""
        errand = Errand(work, done)
        return self._go_on(errand)

    def land(self, until: float) -> None:
        """Let every load land that is due."""
        world = self.world
        while self.loads and self.loads[0].due <= until:
            load = self.loads.popleft()
            world.now, world.writing = load.due, False
            for place in load.met:
                del place[load.key]
            for errand in load.errands:
                for name, was in zip(SCENE, errand.scene, strict=True):
                    setattr(world, name, was)
                self.go_on(errand)
            world.background = False

    def go_on(self, errand: Errand) -> None:
        if (value := self._go_on(errand)) is not None:
            errand.done(value)

    def _go_on(self, errand: Errand) -> Value | None:
        try:
            wait = errand.context.run(errand.work.send, None)
        except StopIteration as end:
            return cast(Value, end.value[0].value)
        except OriginDownError:
            return None
        errand.scene = tuple(getattr(self.world, name) for name in SCENE)
        wait.errands.append(errand)
        return None


class Patient(TieredCache):
    """The library's cache under a clock that stands still while anybody looks."""

    def __init__(self, *tiers: Any, errands: Errands, **options: Any) -> None:
        super().__init__(*tiers, **options)
        self.errands = errands
        self.going: dict[str, Load] = {}  # the last of each key

    def seek(
        self,
        key: str,
        loader: Callable[[Patient, str], Any],
        done: Callable[[Value], None],
        life: float,
    ) -> Value | None:
        """`get_or_load`; None if that waits for a load."""
        entry = self._fast(key)
        if entry is not None and entry.since <= self._clock() < entry.refresh_at:
            return cast(Value, self._hot(key, entry))
        options: Any = {"l2_ttl": life} if life > 0 else {}
        return self.errands.begin(self._find(key, lambda key: loader(self, key), options), done)

    _gate = staticmethod(Wait)

    def _owner(self) -> None:  # type: ignore[override]  # nobody gets lost here
        return None

    def _open(self, gate: Wait) -> None:  # type: ignore[override]
        errands, gate.errands = gate.errands, []
        for errand in errands:
            self.errands.go_on(errand)

    async def _wait(self, gate: Wait, timeout: float | None) -> bool:
        await gate
        return True

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        world = self.errands.world
        world.background = True
        self.errands.begin(work)
        world.background = False
