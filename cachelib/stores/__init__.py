"""L2 back ends behind one small protocol: bytes, and the time at which they expire."""

from cachelib.stores.memory import MemoryStore
from cachelib.stores.protocol import (
    ChangeFeed,
    LeaseStore,
    RejectedError,
    Store,
    Stored,
    StoreUnavailableError,
)

__all__ = [
    "ChangeFeed",
    "LeaseStore",
    "MemoryStore",
    "RejectedError",
    "Store",
    "StoreUnavailableError",
    "Stored",
]
