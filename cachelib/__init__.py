"""An L1/L2 write-through cache; and, in the rooms beside it, what decides whether you need one."""

from typing import TYPE_CHECKING, Any

from cachelib.memory import MemoryCache
from cachelib.options import ABSENT, Answer, LoadTimeoutError, Options, ReentrantLoadError, Stats
from cachelib.stores import MemoryStore, RejectedError, Store, Stored, StoreUnavailableError
from cachelib.stores.codecs import Codec, Compressed, JsonCodec, MessagePackCodec, RawCodec
from cachelib.tiered import AsyncTieredCache, TieredCache

if TYPE_CHECKING:
    from cachelib.stores.sqlite import SqliteStore

__all__ = [
    "ABSENT",
    "Answer",
    "AsyncTieredCache",
    "Codec",
    "Compressed",
    "JsonCodec",
    "LoadTimeoutError",
    "MemoryCache",
    "MemoryStore",
    "MessagePackCodec",
    "Options",
    "RawCodec",
    "ReentrantLoadError",
    "RejectedError",
    "SqliteStore",
    "Stats",
    "Store",
    "StoreUnavailableError",
    "Stored",
    "TieredCache",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`SqliteStore`, which takes a while to import, when it is asked for."""
    if name == "SqliteStore":
        from cachelib.stores.sqlite import SqliteStore

        return SqliteStore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
