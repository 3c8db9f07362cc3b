"""What a request is: which methods, answers and kinds of requests a cache has to do with.

Methods: GET and HEAD read, PUT and PATCH write, DELETE deletes (RFC 9110). A POST is a question:
of a form it is a write, of GraphQL a read; it counts as a read until somebody says, and that is
said. All others are no business of a cache.

Statuses: those that a cache may keep without being told (RFC 9110, 15.1), 302 and 303 as
Cloudflare's cache keeps them (developers.cloudflare.com/cache/how-to/configure-cache-status-code),
and 304, which confirms what a reader has. They are asked of reads: a write is one whatever it was
answered with, below 400, and a method about which somebody has to decide may be one. So a POST that
was answered with 201 counts with the others, and is asked about.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from cachelib.model.traffic.log_reading import Reading, Taken
from cachelib.model.traffic.trace import DELETE, READ, WRITE

METHODS: dict[str, Taken] = {
    "GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write",
    "DELETE": "delete", "PURGE": "delete", "POST": "read",
}  # fmt: skip
UNDECIDED = ("POST",)
CACHEABLE = (200, 203, 204, 206, 300, 301, 302, 303, 304, 308, 404, 405, 410, 414, 501)
SUCCEEDED = range(200, 300)
HEADERS = {"authorization": "an Authorization header", "set_cookie": "a Set-Cookie header"}
SUBREQUEST = "a subrequest"  # why a format ignores a request that a Worker made
STREAMS = ("text/event-stream", "multipart/x-mixed-replace", "application/grpc")
CODES = {"read": READ, "write": WRITE, "delete": DELETE}
OPERATIONS = {
    "read": "read get gets get_lease head r 0",
    "write": "write set set_lease put post patch add replace cas append prepend incr decr w 1",
    "delete": "delete purge del remove 2",
}


def plain_words(roles: Mapping[str, str]) -> dict[str, str]:
    """SQL for what the functions below ask of a row, by the names under which they do."""
    found = {}
    if "op" in roles:
        found["_word"] = f"lower(trim({roles['op']}))"
    if "method" in roles:
        found["_verb"] = f"upper({roles['method']})"
    if "status" in roles:
        found["_code"] = f"try_cast({roles['status']} AS INTEGER)"
    if "content_type" in roles:
        found["_kind"] = f"lower({roles['content_type']})"
    for role in HEADERS:
        if role in roles:
            found[f"_has_{role}"] = f"coalesce({roles[role]}, '') NOT IN ('', '-')"
    return found


def operation(roles: Mapping[str, str], reading: Reading) -> str:
    """SQL for READ, WRITE or DELETE; NULL where an operation is no word that is known."""
    if "op" in roles:
        words = " ".join(
            f"WHEN _word IN ({', '.join(map(repr, names.split()))}) THEN {CODES[kind]}"
            for kind, names in OPERATIONS.items()
        )
        return f"CASE {words} END"
    changing = _changing(reading) if "method" in roles else {}
    if not changing:
        return str(READ)
    words = " ".join(
        f"WHEN _verb IN ({', '.join(map(quoted, names))}) THEN {code}"
        for code, names in changing.items()
    )
    return f"CASE {words} ELSE {READ} END"


def _changing(reading: Reading) -> dict[int, list[str]]:
    """The methods that write or delete."""
    found: dict[int, list[str]] = {}
    for name, kind in _methods(reading).items():
        if kind in ("write", "delete"):
            found.setdefault(CODES[kind], []).append(name)
    return found


def undecided(roles: Mapping[str, str], reading: Reading) -> str:
    """SQL that is true of a request whose method somebody has to decide about."""
    open_ = [name for name in UNDECIDED if name not in _asked(reading)]
    if "method" not in roles or not open_ or "op" in roles:
        return "false"
    return f"coalesce(_verb IN ({', '.join(map(quoted, open_))}), false)"


def filters(roles: Mapping[str, str], ignored: Mapping[str, str], reading: Reading) -> list[str]:
    """SQL `WHEN ... THEN reason` for each kind of request that is none of the cache's."""
    found = []
    for reason, condition in ignored.items():
        if not (reason == SUBREQUEST and "subrequests" in reading.keep):
            found.append(f"WHEN {condition} THEN {quoted(reason)}")
    if "method" in roles and "op" not in roles:
        kept = [name for name, kind in _methods(reading).items() if kind != "ignore"]
        known = one_of("_verb", [*map(quoted, kept), "''", "'-'"])
        found.append(f"WHEN NOT {known} THEN 'method ' || _verb")
    if "status" in roles:
        found += _by_status(roles, reading)
    if "content_type" in roles and "streams" not in reading.keep:
        starts = " OR ".join(f"starts_with(_kind, {quoted(name)})" for name in STREAMS)
        found.append(f"WHEN {starts} THEN 'a stream (' || split_part(_kind, ';', 1) || ')'")
    for role, says in HEADERS.items():
        if role in roles and role.replace("_", "-") not in reading.keep:
            found.append(f"WHEN _has_{role} THEN {quoted(says)}")
    return found


def _by_status(roles: Mapping[str, str], reading: Reading) -> list[str]:
    kept = {*CACHEABLE} | {code for code, kind in reading.statuses.items() if kind == "read"}
    kept -= {code for code, kind in reading.statuses.items() if kind == "ignore"}
    can_change = operation(roles, reading) != str(READ)
    found = []
    if can_change and "failed-writes" not in reading.keep:
        found.append(f"WHEN op <> {READ} AND _code >= 400 THEN 'a write that failed'")
    reads = f"op = {READ} AND " if can_change else ""
    succeeded = f"({undecided(roles, reading)} AND {in_runs('_code', _succeeded(reading))})"
    unkept = f"NOT {in_runs('_code', kept)} AND NOT {succeeded}"
    found.append(f"WHEN {reads}{unkept} THEN {_named_status()}")
    return found


def _succeeded(reading: Reading) -> list[int]:
    """Statuses by which a write says that it was done, but for those that the user ignores."""
    return [code for code in SUCCEEDED if reading.statuses.get(code) != "ignore"]


def _named_status() -> str:
    """0 and -1 are how CloudFront, Envoy, Squid and HAProxy say that no answer began."""
    return (
        "CASE WHEN _code > 0 THEN 'status ' || _code ELSE 'no answer (status ' || _code || ')' END"
    )


def _asked(reading: Reading) -> dict[str, Taken]:
    return {name.upper(): kind for name, kind in reading.methods.items()}


def _methods(reading: Reading) -> dict[str, Taken]:
    return METHODS | _asked(reading)


def one_of(column: str, literals: Iterable[str]) -> str:
    """SQL for whether a column is one of several; of a long IN the database makes a join, which is
    slower by far for some ten of them."""
    return "(" + " OR ".join(f"{column} = {literal}" for literal in literals) + ")"


def in_runs(column: str, numbers: Collection[int]) -> str:
    """SQL for whether a column is one of the numbers, by runs of consecutive ones."""
    first = [n for n in sorted(numbers) if n - 1 not in numbers]
    last = [n for n in sorted(numbers) if n + 1 not in numbers]
    runs = [f"{column} BETWEEN {a} AND {b}" for a, b in zip(first, last, strict=True)]
    return f"({' OR '.join(runs) or 'NULL'})"


def quoted(text: str) -> str:
    """As a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"
