"""Celery: tasks share what they fetch, and do once what was asked for twice.

Run it: `celery -A celery_tasks worker`. The pool of processes is forked with the store open.
"""

from __future__ import annotations

import os

from celery import Celery

from cachelib import MemoryCache, SqliteStore, TieredCache

broker = os.environ.get("BROKER_URL", "redis://localhost:6379/0")
app = Celery("celery_tasks", broker=broker, backend=broker)
store = SqliteStore(os.environ.get("RATES_L2", "rates.db"))
cache = TieredCache(MemoryCache(), store, l2_ttl=3600, lease=30)


@cache.cached()
def rate(currency: str) -> dict[str, object]:
    """The slow part: among all processes, one at a time asks for a currency."""
    return {"rate": len(currency) / 2, "asked_by": os.getpid()}


@app.task
def convert(amount: float, currency: str) -> dict[str, object]:
    found = rate(currency)
    return {"amount": amount * float(str(found["rate"])), **found, "done_by": os.getpid()}
