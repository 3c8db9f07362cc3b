"""An L1/L2 write-through cache; and, in the rooms beside it, what decides whether you need one."""

from cachelib.codecs import Codec, Compressed, JsonCodec, MessagePackCodec, RawCodec
from cachelib.memory import MemoryCache
from cachelib.options import ABSENT, Answer, LoadTimeout, Options, ReentrantLoad, Stats
from cachelib.stores import MemoryStore, Rejected, Store, Stored, StoreUnavailable
from cachelib.stores.sqlite import SqliteStore
from cachelib.tiered import TieredCache

__all__ = [
    "ABSENT",
    "Answer",
    "Codec",
    "Compressed",
    "JsonCodec",
    "LoadTimeout",
    "MemoryCache",
    "MemoryStore",
    "MessagePackCodec",
    "Options",
    "RawCodec",
    "ReentrantLoad",
    "Rejected",
    "SqliteStore",
    "Stats",
    "Store",
    "StoreUnavailable",
    "Stored",
    "TieredCache",
]
__version__ = "0.1.0"
