"""One ordered hook for forks: what holds locks, connections or threads lets go of them in time.

SQLite's locks belong to a process, and its mutexes to a thread: a connection that crosses a fork,
even unused, lets others delete a log that the child still writes to, and a thread that was inside
SQLite leaves its mutexes locked in the child for ever. So all is closed *before* a fork.

Before it the upper layers come first: whoever waits for a cache's lock may then return its
connection. After it the stores come first: what a cache starts again needs a store that works.
A child that is spawned, or comes from a fork server, inherits nothing of this.

A module that another thread is just importing (`encodings.idna`, at the first connection of a
process) stays locked in the child for ever. Python does not see to that; so a fork waits for it.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from enum import IntEnum
from threading import get_ident
from time import monotonic, sleep
from weakref import ref

PATIENCE = 2.0  # seconds that a fork waits for others' imports


class Layer(IntEnum):
    """How far from the disk or the network something is."""

    STORE = 0
    TIER = 1
    CACHE = 2


class Forkable:
    """Something that a fork must find in order."""

    def before_fork(self) -> None:
        """Let go of what must not cross; another thread may be in the midst of something."""

    def after_fork_in_parent(self) -> None:
        """Go on."""

    def after_fork(self) -> None:
        """Make anew what a child lacks: of the parent's threads, only this one is here."""


_living: list[tuple[Layer, ref[Forkable]]] = []


def mind_forks(thing: Forkable, layer: Layer) -> None:
    """Call the hooks of `thing`, while it lives, around every fork of this process."""
    _living[:] = [entry for entry in _living if entry[1]() is not None]
    _living.append((layer, ref(thing)))


def _inside_out() -> list[Forkable]:
    found = ((layer, living()) for layer, living in list(_living))
    ordered = sorted(
        ((layer, thing) for layer, thing in found if thing is not None), key=lambda pair: pair[0]
    )
    return [thing for _, thing in ordered]


_held: dict[int, list[Forkable]] = {}  # by the thread that forks


def _being_imported() -> set[str]:
    """By any thread."""
    found = set()
    for name, module in list(sys.modules.items()):
        with suppress(AttributeError):  # not `getattr`: it would load what is to be loaded later
            spec = object.__getattribute__(module, "__dict__").get("__spec__")
            if getattr(spec, "_initializing", False):
                found.add(name)
    return found


def _own_imports() -> set[str]:
    """By this thread."""
    own, frame = set(), sys._getframe()
    while (above := frame.f_back) is not None:
        frame = above
        if frame.f_code.co_name == "<module>":
            own.add(str(frame.f_globals.get("__name__")))
    return own


def _await_imports() -> None:
    """Those of other threads; not for ever, as one of them may wait for this thread."""
    give_up = monotonic() + PATIENCE
    while _being_imported() - _own_imports() and monotonic() < give_up:
        sleep(0.001)


def _before() -> None:
    _await_imports()
    things = _held[get_ident()] = _inside_out()
    for thing in reversed(things):
        thing.before_fork()
    _await_imports()  # that have begun since


def _in_parent() -> None:
    for thing in _held.pop(get_ident(), ()):
        thing.after_fork_in_parent()


def _in_child() -> None:
    _held.clear()
    for thing in _inside_out():
        thing.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
