"""FastAPI: results of coroutines are cached, concurrent requests share one load.

Run it: `QUOTES_L2=quotes.db fastapi run fastapi_app.py`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel

from cachelib import ABSENT, AsyncTieredCache, JsonCodec, MemoryCache, SqliteStore


class Quote(BaseModel):
    symbol: str
    price: float


store = SqliteStore(os.environ.get("QUOTES_L2", "quotes.db"))
cache = AsyncTieredCache(
    MemoryCache(max_entries=10_000), store, codec=JsonCodec(Quote), l1_ttl=5, l2_ttl=60,
    stale_if_error=600, on_l2_error="degrade",
)  # fmt: skip
prices = {"GOOG": 178.2, "MSFT": 430.1}  # the slow place, say a database
reads: list[str] = []


@cache.cached(negative_ttl=10)
async def quote(symbol: str) -> Quote:
    reads.append(symbol)
    await asyncio.sleep(0.05)
    if symbol not in prices:
        return ABSENT  # type: ignore[return-value]  # known not to be there: not asked for again
    return Quote(symbol=symbol, price=prices[symbol])


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await cache.close()
    store.close()


app = FastAPI(lifespan=lifespan)


@app.get("/quotes/{symbol}")
async def read_quote(found: Annotated[Quote, Depends(quote)]) -> Quote:
    if found is ABSENT:
        raise HTTPException(404)
    return found


@app.put("/quotes/{symbol}")
async def write_quote(symbol: str, price: float) -> Quote:
    prices[symbol] = price
    return await quote.refresh(symbol)


@app.get("/summary")
@cache.cached(l2_ttl=30)
async def summary() -> dict[str, int]:
    return {"symbols": len(prices)}
