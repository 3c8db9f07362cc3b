"""The memory of a node: what it holds in the order in which that was asked for."""

from __future__ import annotations

from collections import OrderedDict


class Room:
    """So many bytes for entries, each of which takes some `beside` its value.

    Beyond them what was asked for longest ago is pushed out. What has ended takes room until it is
    asked for, or pushed out; what is larger than all the room is not taken.
    """

    def __init__(self, most: float, beside: int) -> None:
        self.most, self.beside, self.used = int(most), beside, 0
        self.sizes: OrderedDict[str, int] = OrderedDict()  # asked for longest ago first

    def asked(self, key: str) -> None:
        self.sizes.move_to_end(key)

    def take(self, key: str, size: int) -> list[str]:
        """The newest entry; which keys are pushed out for it."""
        self.leave(key)
        self.sizes[key] = size + self.beside
        self.used += self.sizes[key]
        pushed_out = []
        if self.sizes[key] > self.most:
            self.leave(key)
            return [key]
        while self.used > self.most:
            oldest = next(iter(self.sizes))
            pushed_out.append(oldest)
            self.leave(oldest)
        return pushed_out

    def leave(self, key: str) -> bool:
        """Whether it was there."""
        size = self.sizes.pop(key, 0)
        self.used -= size
        return size > 0
