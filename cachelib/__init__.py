"""An L1/L2 write-through cache; and, in the rooms beside it, what decides whether you need one."""

from typing import TYPE_CHECKING

from cachelib.beside import explain  # first: it refuses to go on beside another `cachelib`
from cachelib.memory import MemoryCache
from cachelib.options import (
    ABSENT,
    Answer,
    LoadTimeoutError,
    Options,
    ReentrantLoadError,
    Stats,
)
from cachelib.stores import MemoryStore, RejectedError, Store, Stored, StoreUnavailableError
from cachelib.stores.codecs import Codec, Compressed, JsonCodec, MessagePackCodec, RawCodec
from cachelib.stores.sqlite import SqliteStore
from cachelib.tiered import TieredCache
from cachelib.tiered_async import AsyncTieredCache

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

if not TYPE_CHECKING:  # or every name would be there for type checkers

    def __getattr__(name: str) -> object:
        raise explain(name)
