"""How many shards a replay out of a folder needs, so that it stays within a given memory."""

from __future__ import annotations

import math

from cachelib.errors import CachelibError

FIXED_B = 400_000_000
"""The program, and requests as they are read, with the names of their keys."""
A_DESIGN_B = 500_000_000
"""Requests on their way into the shards' files; all designs' are at once."""
A_REQUEST_B = 600
"""What a request leaves behind at most, each of another key: 540 were measured."""
MOST = 4_096
"""Shards: of more, each gets so few requests at a time that to write them takes too long."""


class RoomError(CachelibError, ValueError):
    """A memory in which a replay has no room."""


def shards_within(memory_b: float, requests: float, designs: int, at_once: int) -> int:
    """How many, of which `at_once` are in memory. Raises `RoomError`."""
    fixed = FIXED_B + designs * A_DESIGN_B
    least = fixed + at_once * requests * A_REQUEST_B / MOST
    if memory_b <= least:
        raise RoomError(
            f"--memory {memory_b / 1e9:.3g}GB: a replay of about {requests:,.0f} requests takes"
            f" {least / 1e9:.2g}GB at least; give more, or fewer --jobs or --designs"
        )
    return max(1, math.ceil(at_once * requests * A_REQUEST_B / (memory_b - fixed)))
