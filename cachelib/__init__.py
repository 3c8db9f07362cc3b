"""An L1/L2 write-through cache; and, in the rooms beside it, what decides whether you need one."""

from cachelib.memory import MemoryCache
from cachelib.stores import MemoryStore, Store, Stored
from cachelib.stores.sqlite import SqliteStore
from cachelib.tiered import JsonCodec, RawCodec, Stats, TieredCache

__all__ = [
    "JsonCodec",
    "MemoryCache",
    "MemoryStore",
    "RawCodec",
    "SqliteStore",
    "Stats",
    "Store",
    "Stored",
    "TieredCache",
]
__version__ = "0.1.0"
