"""The user's SQL: exactly one expression over the columns of a row, and nothing else.

The database's own parser says what the text is. Sub-queries, aggregates, windows and functions
that do not depend on their arguments alone are refused: an expression says what a row is.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs.database import connect
from cachelib.model.traffic.logs.parting import parted_otherwise
from cachelib.model.traffic.logs.source import LogError

MAX_LENGTH = 10_000
ALLOWED = {
    "FUNCTION", "COLUMN_REF", "CASE", "CAST", "CONSTANT", "COMPARISON", "CONJUNCTION", "OPERATOR",
    "BETWEEN", "LAMBDA", "COLLATE", "LAMBDA_REF", "TYPE",
}  # fmt: skip
OF_ITSELF = {
    "version", "user", "current_user", "session_user", "current_role", "current_database",
    "current_catalog", "current_schema", "current_schemas", "current_query", "current_setting",
    "current_connection_id", "current_query_id", "current_transaction_id", "txid_current",
    "in_search_path", "age", "today", "current_localtime", "current_localtimestamp",
}  # fmt: skip
_NEAR = re.compile(r'at or near "(.+?)"')
_MISSING = re.compile(r'Referenced column "(.+?)" (?:was )?not found')
REFUSED = {
    "SUBQUERY": "a query inside of it",
    "WINDOW": "a window over other rows",
    "STAR": "all columns at once",
    "PARAMETER": "a parameter",
}


def refused(reading: Reading) -> Iterator[tuple[str, str]]:
    """What of the user's SQL no log could make an expression over its rows, and why."""
    if not reading.expressions:
        return
    with tempfile.TemporaryDirectory(prefix="cachelib-log-") as spill, connect(Path(spill)) as db:
        for what, sql in reading.expressions.items():
            try:
                checked(db, what, sql, [])
            except LogError as error:
                yield what, str(error).removeprefix(f"{what}: ")


def checked(db: duckdb.DuckDBPyConnection, what: str, sql: str, columns: list[str]) -> str:
    """The expression, to be put between parentheses; raises `LogError` with what it may not be."""
    if sql.strip().lower() in (named := {name.lower(): name for name in columns}):
        return '"' + named[sql.strip().lower()].replace('"', '""') + '"'
    if len(sql) > MAX_LENGTH:
        raise LogError(f"{what}: an expression of {len(sql)} characters; at most {MAX_LENGTH}")
    node = _parsed(db, what, sql)
    consistent = _functions(db)
    for part in _parts(node):
        kind = str(part.get("class", ""))
        if kind and kind not in ALLOWED:
            found = REFUSED.get(kind, kind.lower().replace("_", " "))
            raise LogError(f"{what}: {sql!r} holds {found}; it may be one expression over a row")
        name = str(part.get("function_name", "")).lower()
        if kind == "FUNCTION" and not part.get("is_operator") and name not in consistent:
            raise LogError(
                f"{what}: {sql!r}: the function {name!r} is unknown, or its value does not depend"
                " on its arguments alone"
            )
    return f"({sql}\n)"


def _parsed(db: duckdb.DuckDBPyConnection, what: str, sql: str) -> dict[str, Any]:
    text = "SELECT (" + sql + "\n)"
    (answer,) = db.execute("SELECT json_serialize_sql(?)", [text]).fetchone() or ("{}",)
    tree = json.loads(answer)
    if tree.get("error"):
        near = _NEAR.search(str(tree.get("error_message", "")))
        at = f": {near[1]!r} does not belong where it is" if near else ""
        raise LogError(f"{what}: {sql!r} is no expression as SQL has them{at}")
    statements = tree["statements"]
    node = statements[0]["node"] if len(statements) == 1 else {}
    bare = (
        node.get("type") == "SELECT_NODE"
        and node["from_table"]["type"] == "EMPTY"
        and len(node["select_list"]) == 1
        and not node.get("where_clause")
        and not node.get("group_expressions")
        and not node.get("having")
        and not node.get("qualify")
        and not node.get("sample")
        and not node.get("modifiers")
        and not node["cte_map"]["map"]
    )
    if not bare:
        raise LogError(f"{what}: {sql!r} is more than one expression")
    chosen: dict[str, Any] = node["select_list"][0]
    return chosen


def misfit(error: str, columns: list[str]) -> str:
    """What is wrong with an expression that the database cannot work out, in our own words."""
    seen = f"it has {', '.join(columns[:40])}"
    if missing := _MISSING.search(error):
        name = missing[1]
        return f"there is no column {name!r}; {seen}.{parted_otherwise(columns, name)}"
    return (
        "its functions and signs do not fit what is in the columns: text is made a number with"
        f" try_cast(NAME AS DOUBLE), a number text with CAST(NAME AS VARCHAR); {seen}"
    )


def _parts(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for child in node.values():
            yield from _parts(child)
    elif isinstance(node, list):
        for child in node:
            yield from _parts(child)


def _functions(db: duckdb.DuckDBPyConnection) -> set[str]:
    """Those whose value depends on their arguments alone, as far as the database says; it does not
    say so of a few that tell of itself, of its user or of today."""
    rows = db.execute(
        "SELECT DISTINCT lower(function_name) FROM duckdb_functions()"
        " WHERE function_type = 'scalar' AND stability = 'CONSISTENT'"
        " OR function_type = 'macro' AND NOT starts_with(function_name, 'pg_')"
    ).fetchall()
    found = {str(name) for (name,) in rows} | {"row", "list_value", "struct_pack"}
    return found - OF_ITSELF
