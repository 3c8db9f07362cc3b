"""The database that reads rows: locked in, so that it reads nothing but what is handed to it."""

from __future__ import annotations

from pathlib import Path

import duckdb

from cachelib.model.traffic.logs.recipes import macros
from cachelib.model.traffic.logs.requests import quoted

MEMORY = "1GB"  # beyond it the database sorts on disk
DISK = "20GB"


def connect(spill: Path, *, threads: int = 1) -> duckdb.DuckDBPyConnection:
    """A database that reads nothing but what is handed to it, within bounds."""
    db = duckdb.connect()
    db.execute(f"SET temp_directory = {quoted(str(spill))}; SET memory_limit = '{MEMORY}'")
    db.execute(f"SET max_temp_directory_size = '{DISK}'; SET TimeZone = 'UTC'")
    db.execute(f"SET threads = {threads}")
    # DuckDB's progress bar needs ipywidgets inside a notebook.
    db.execute("SET enable_external_access = false; SET enable_progress_bar = false")
    for statement in macros():
        db.execute(statement)
    db.execute("SET lock_configuration = true")
    return db
