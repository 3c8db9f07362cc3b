"""What a request is: which methods, answers and kinds of requests a cache has to do with.

Methods: GET and HEAD read, PUT and PATCH write, DELETE deletes (RFC 9110). A POST is a question:
of a form it is a write, of GraphQL a read; it counts as a read until somebody says, and that is
said. All others are no business of a cache.

Statuses: those that a cache may keep without being told (RFC 9110, 15.1), 302 and 303 as
Cloudflare's cache keeps them (developers.cloudflare.com/cache/how-to/configure-cache-status-code),
and 304, which confirms what a reader has.
"""

from __future__ import annotations

from cachelib.model.traffic.log_reading import Reading, Taken
from cachelib.model.traffic.trace import DELETE, READ, WRITE

METHODS: dict[str, Taken] = {
    "GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write",
    "DELETE": "delete", "PURGE": "delete", "POST": "read",
}  # fmt: skip
UNDECIDED = ("POST",)
CACHEABLE = (200, 203, 204, 206, 300, 301, 302, 303, 304, 308, 404, 405, 410, 414, 501)
STREAMS = ("text/event-stream", "multipart/x-mixed-replace", "application/grpc")
CODES = {"read": READ, "write": WRITE, "delete": DELETE}
OPERATIONS = {
    "read": "read get gets get_lease head r 0",
    "write": "write set set_lease put post patch add replace cas append prepend incr decr w 1",
    "delete": "delete purge del remove 2",
}
THE_FILTER = "the filter (where)"


def operation(op: str | None, method: str | None, reading: Reading) -> str:
    """SQL for READ, WRITE or DELETE; NULL where an operation is no word that is known."""
    if op is not None:
        words = " ".join(
            f"WHEN lower(trim({op})) IN ({', '.join(map(repr, names.split()))}) THEN {CODES[kind]}"
            for kind, names in OPERATIONS.items()
        )
        return f"CASE {words} END"
    if method is None:
        return str(READ)
    taken = _methods(reading)
    others = {name: kind for name, kind in taken.items() if kind not in ("read", "ignore")}
    if not others:
        return str(READ)
    words = " ".join(
        f"WHEN upper({method}) = {quoted(name)} THEN {CODES[kind]}" for name, kind in others.items()
    )
    return f"CASE {words} ELSE {READ} END"


def undecided(method: str | None, reading: Reading) -> str:
    """SQL that is true of a request whose method somebody has to decide about."""
    open_ = [name for name in UNDECIDED if name not in _asked(reading)]
    if method is None or not open_ or "op" in reading.columns:
        return "false"
    return f"coalesce(upper({method}) IN ({', '.join(map(quoted, open_))}), false)"


def filters(roles: dict[str, str], ignored: dict[str, str], reading: Reading) -> list[str]:
    """SQL `WHEN ... THEN reason` for each kind of request that is none of the cache's."""
    found = []
    for reason, condition in ignored.items():
        if not (reason == "a subrequest" and "subrequests" in reading.keep):
            found.append(f"WHEN {condition} THEN {quoted(reason)}")
    if (method := roles.get("method")) and "op" not in roles:
        kept = [name for name, kind in _methods(reading).items() if kind != "ignore"]
        known = ", ".join(map(quoted, ["", "-", *kept]))
        found.append(f"WHEN upper({method}) NOT IN ({known}) THEN 'method ' || upper({method})")
    if status := roles.get("status"):
        found += _by_status(status, roles, reading)
    if (kind := roles.get("content_type")) and "streams" not in reading.keep:
        starts = " OR ".join(f"starts_with(lower({kind}), {quoted(name)})" for name in STREAMS)
        found.append(f"WHEN {starts} THEN 'a stream (' || split_part({kind}, ';', 1) || ')'")
    for role, says in (
        ("authorization", "an Authorization header"),
        ("set_cookie", "a Set-Cookie header"),
    ):
        if role in roles and role.replace("_", "-") not in reading.keep:
            found.append(f"WHEN coalesce({roles[role]}, '') NOT IN ('', '-') THEN {quoted(says)}")
    return found


def _by_status(status: str, roles: dict[str, str], reading: Reading) -> list[str]:
    kept = {*CACHEABLE} | {code for code, kind in reading.statuses.items() if kind == "read"}
    kept -= {code for code, kind in reading.statuses.items() if kind == "ignore"}
    code = f"try_cast({status} AS INTEGER)"
    changes = operation(roles.get("op"), roles.get("method"), reading)
    found = []
    if changes != str(READ) and "failed-writes" not in reading.keep:
        found.append(f"WHEN {changes} <> {READ} AND {code} >= 400 THEN 'a write that failed'")
    reads = "" if changes == str(READ) else f"{changes} = {READ} AND "
    numbers = ", ".join(map(str, sorted(kept)))
    found.append(f"WHEN {reads}{code} > 0 AND {code} NOT IN ({numbers}) THEN 'status ' || {code}")
    return found


def _asked(reading: Reading) -> dict[str, Taken]:
    return {name.upper(): kind for name, kind in reading.methods.items()}


def _methods(reading: Reading) -> dict[str, Taken]:
    return METHODS | _asked(reading)


def quoted(text: str) -> str:
    """As a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"
