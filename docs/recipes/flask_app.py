"""Flask: views and what they call, cached. Run it: `flask --app flask_app run`.

Flask-Caching needs another package of the name cachelib, so it cannot be installed beside this one;
nor is it needed.
"""

from __future__ import annotations

import os
import time

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue

from cachelib import MemoryCache, SqliteStore, TieredCache

store = SqliteStore(os.environ.get("REPORTS_L2", "reports.db"))
cache = TieredCache(
    MemoryCache(max_entries=1000), store, l1_ttl=5, l2_ttl=60, lease=30, tag_refresh=1
)
app = Flask(__name__)


@cache.cached(tags=("reports",))
def report(year: int) -> dict[str, object]:
    time.sleep(0.05)  # the slow part
    return {"year": year, "made_by": os.getpid()}


@app.get("/reports/<int:year>")
def show(year: int) -> ResponseReturnValue:
    answer = jsonify(report(year))
    answer.headers["X-Process"] = str(os.getpid())
    return answer


@app.post("/reports/<int:year>/refresh")
def refresh(year: int) -> ResponseReturnValue:
    return jsonify(report.refresh(year))


@app.delete("/reports")
def clear() -> ResponseReturnValue:
    report.cache_clear()
    return "", 204


@app.get("/stats")
def stats() -> ResponseReturnValue:
    return jsonify(cache.stats._asdict())
