"""What an interrupt, at whatever instant, cannot leave locked.

A Ctrl-C, a soft time limit or a timer's signal raises wherever the thread happens to be: in the
midst of a clean-up, too. So whoever ends an operation looks again at what it still holds, and
whoever waits for another looks, now and then, whether that one is still there.
"""

from __future__ import annotations

import sys
from _thread import RLock
from types import FrameType

ROOM = 25  # calls, more than any operation needs besides the loader's, the codec's, the store's


class OwnedLock(RLock):  # type: ignore[misc]  # final in the type stubs only
    """A lock that knows its holder. To take and give it back is one step of C, as before."""

    def locked(self) -> bool:
        """By any thread."""
        if self.held():
            return True
        if self.acquire(blocking=False):
            self.release()
            return False
        return True

    def held(self) -> bool:
        """By this thread."""
        return bool(self._is_owned())  # type: ignore[attr-defined]

    def let_go(self) -> None:
        """Give back what an interrupted `with` has left."""
        while self.held():
            self.release()


class Owner:
    """The frame that makes this: it has promised to end something."""

    __slots__ = ("_frame",)

    def __init__(self) -> None:
        self._frame: FrameType | None = sys._getframe(1)

    def gone(self) -> bool:
        """An interrupt has torn that frame down before it could keep its promise.

        A frame that runs refuses to be cleared; what is cleared here has ended. To look for it
        among the frames of a running thread is not safe: the interpreter may be taking the
        uppermost apart while a destructor in it lets others run.
        """
        if self._frame is not None:
            try:
                self._frame.clear()
            except RuntimeError:
                return False
            self._frame = None
        return True


def make_room(calls: int = ROOM) -> None:
    """RecursionError here, before anything is begun, rather than in a clean-up."""
    if calls:
        make_room(calls - 1)
