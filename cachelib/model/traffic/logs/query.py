"""One query over the rows of a log: what each of them is.

Of every row it gives `_file`, `_line`, `skipped` or `filtered` (why it is no request, or NULL),
`time` (seconds since 1970), `unit` (what it was written in), `key`, `host`, `colo`, `op`,
`undecided`, `size`, `ttl`, `sampled` (what it says of sampling), in some formats `once` (what rows
of one request share) and `answered`, and for a description what it counts the values of, each
under a name that begins with `shown_`.
"""

# ruff: noqa: S608 - the user's expressions are parsed before, and run where only rows can be read

from __future__ import annotations

import re
from collections.abc import Mapping

import duckdb

from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs import times
from cachelib.model.traffic.logs.columns import (
    columns,
    distinct,
    identifier,
    listed,
    mentions,
    paths,
    raw,
    substituted,
    titled,
    unwrapped,
)
from cachelib.model.traffic.logs.expressions import checked, misfit
from cachelib.model.traffic.logs.formats import ROLES, Format, commonly
from cachelib.model.traffic.logs.nesting import leaves
from cachelib.model.traffic.logs.quoted_lines import cut_or_matched
from cachelib.model.traffic.logs.refusing import nearest_fields
from cachelib.model.traffic.logs.requests import quoted
from cachelib.model.traffic.logs.shape import Shape
from cachelib.model.traffic.logs.source import LogError
from cachelib.model.traffic.logs.steps import Asked, in_steps
from cachelib.model.traffic.logs.wrappers import COLLECTED

ALIASES = ("method", "status", "host", "url", "agent", "size", "content_type", "cache")


class Query:
    """The query over one shape of rows, as one reading wants it."""

    def __init__(
        self, db: duckdb.DuckDBPyConnection, shape: Shape, reading: Reading, *, where: str
    ) -> None:
        self.db, self.shape, self.reading, self.where = db, shape, reading, where
        self.raw = raw(shape)
        self.mapping = self._mapping()
        self.unused: tuple[str, ...] = ()
        """Roles that only a description or the user's expressions ask for."""
        self.careful = True
        """Whether a row that is not JSON costs itself alone, and not the whole answer."""

    def described_mapping(self) -> dict[str, str]:
        """What was taken for what, as the user would write it."""
        own = self.reading.expressions
        json = self.shape.container in ("json", "json-values")
        found = {}
        for role, alternatives in self.mapping.items():
            seen = [
                alt.replace("{", "").replace("}", "")
                for alt in alternatives
                if not json or all(column in self.shape.columns for column in columns(alt))
            ]
            if seen:
                found[role] = " or ".join(seen)
        return found | {what: sql for what, sql in own.items() if what != "where"}

    def _placed(self, sql: str) -> str:
        """Columns of JSON by their place among those that are taken out of the text."""
        place = {name: i for i, name in enumerate(self.wanted(), 1)}
        return re.sub(r"\x00(.+?)\x00", lambda found: f"_r[{place[found[1]]}]", sql)

    def _mapping(self) -> dict[str, tuple[str, ...]]:
        """Role to columns, or to SQL over columns in braces."""
        known = self.shape.format
        if known is not None:
            found = {
                role: self._present(alternatives) for role, alternatives in known.roles.items()
            }
            found = {role: columns for role, columns in found.items() if columns}
            mark = commonly(leaves(self.shape.columns)).get("sampling")
            found |= {} if mark is None else {"sampling": (mark,)}
        else:
            common = commonly(leaves(self.shape.columns))
            found = {role: (column,) for role, column in common.items()}
            if both := self._day_and_hour():
                found["time"] = (both,)
        if "time" not in found and COLLECTED in self.raw:
            found["time"] = (COLLECTED,)
        return {role: columns for role, columns in found.items() if role in ROLES}

    def _day_and_hour(self) -> str:
        """SQL for a time that two columns share, as `date` and `time` do."""
        named = {name.lower(): name for name in self.shape.columns}
        hours = [value for value in self.shape.columns.get(named.get("time", ""), []) if value]
        if "date" not in named or not hours or not all(map(times.HOUR.fullmatch, hours)):
            return ""
        return f"{{{named['date']}}} || ' ' || {{{named['time']}}}"

    def _present(self, alternatives: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(alt for alt in alternatives if all(c in self.raw for c in columns(alt)))

    def _sql(self, alternatives: tuple[str, ...], *, plain: bool) -> str:
        """The first alternative that is there and not empty."""
        told = [substituted(alt, self.raw) for alt in alternatives]
        if len(told) == 1:
            return told[0]
        return "coalesce(" + ", ".join(t if plain else f"nullif({t}, '')" for t in told) + ")"

    def asked(self, *, described: bool = False) -> Asked:
        """The query in both its forms."""
        careful = self.sql(described=described)
        return Asked(self.sql(described=described, careful=False), careful)

    def sql(self, *, described: bool = False, careful: bool = True) -> str:
        """The whole query, over the relation `rows`."""
        self.careful = careful
        own = " ".join(self.reading.expressions.values())
        if not described and not own:
            self.unused = ("cache", "agent")
        return self._placed(self._query(described=described))

    def _query(self, *, described: bool) -> str:
        shape, reading = self.shape, self.reading
        numbers = self._has_types
        roles = {
            role: self._sql(alternatives, plain=numbers)
            for role, alternatives in self.mapping.items()
            if role not in self.unused
        }
        if numbers:
            for role in set(roles) - {"time", "size", "ttl", "sampling"}:
                roles[role] = f"CAST({roles[role]} AS VARCHAR)"
        names = list(self._named(roles))
        own = {
            what: f"TRY({checked(self.db, what, sql, names)})"
            for what, sql in reading.expressions.items()
        }
        self._bind(own, roles)
        user = {what: sql for what, sql in own.items() if what != "where"}
        self._require(roles | user)
        # What the user says is computed over named columns, in an outer query.
        inner = ["_file", "_line", "_bad", *self._used(roles, own)]
        inner += [f'{sql} AS "_{role}"' for role, sql in roles.items() if role not in user]
        conditions = {
            reason: substituted(sql, self.raw, missing="NULL")
            for reason, sql in (shape.format.ignore if shape.format else {}).items()
        }
        inner += [f'({sql}) AS "_ignore{i}"' for i, sql in enumerate(conditions.values())]
        inner.append(f"{self._check()} AS _unread")
        if described and (whole := self._whole()):
            inner.append(f"{whole} AS _whole")
        once = shape.format.once if shape.format else ""
        if once:
            inner.append(f"{substituted(once, self.raw, missing='NULL')} AS _once")
        place = {role: f'"_{role}"' for role in roles} | user
        ignored = {reason: f'"_ignore{i}"' for i, reason in enumerate(conditions)}
        rows = f"(SELECT {', '.join(inner)} FROM {self._source()})"
        is_text = not self._has_types and "size" not in user
        return in_steps(
            rows,
            place,
            reading,
            ignored=ignored,
            where=own.get("where"),
            time=self._time(place.get("time")),
            bytes_as_text=is_text,
            empty_is_no_key=shape.container == "lines" and shape.format is not None,
            described=described,
            whole="_whole" if described and self._whole() else None,
            once="_once" if once else None,
        )

    def _whole(self) -> str:
        """All of a row, as it stands in the log; empty where that is not asked of it."""
        if "text" in self.shape.schema.names:
            return "text"
        if self.shape.container != "delimited":
            return ""
        return f"concat_ws(chr(31), {', '.join(map(identifier, self.shape.schema.names[3:]))})"

    @property
    def _has_types(self) -> bool:
        """Whether the columns are numbers and dates, and not text."""
        return self.shape.container in ("binary", "parquet", "extents")

    def _used(self, roles: Mapping[str, str], own: Mapping[str, str]) -> list[str]:
        """The columns that the user's expressions name, by their names and in their types."""
        text = " ".join(own.values())
        return [
            f"{sql} AS {identifier(name)}"
            for name, sql in self._named(roles).items()
            if mentions(text, name)
        ]

    def _named(self, roles: Mapping[str, str]) -> dict[str, str]:
        """What the user may name: the log's own columns, and what is known of every log."""
        shape = self.shape
        found = {name: self._typed(name, sql) for name, sql in self.raw.items()}
        if shape.schema is not None and "text" in shape.schema.names:
            found.setdefault("text", "text")
        taken = {name.lower() for name in found}
        common = {"url" if role == "key" else role: sql for role, sql in roles.items()}
        for name in ALIASES:
            if name in common and name not in taken:
                number = name in ("status", "size")
                found[name] = f"try_cast({common[name]} AS BIGINT)" if number else common[name]
        return distinct(found)

    def _typed(self, name: str, sql: str) -> str:
        """Numbers as numbers, where all values seen are such."""
        seen = [value for value in self.shape.columns.get(name, []) if value not in ("", "-")]
        if not self._has_types and seen:
            if all(re.fullmatch(r"-?\d{1,18}", value) for value in seen):
                return f"try_cast({sql} AS BIGINT)"
            if all(re.fullmatch(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", value) for value in seen):
                return f"try_cast({sql} AS DOUBLE)"
        return sql

    def _bind(self, own: Mapping[str, str], roles: Mapping[str, str]) -> None:
        """Let the database say what is wrong with an expression, before a row is read."""
        empty = self.shape.schema.empty_table()
        self.db.register("nothing", empty)
        for what, sql in own.items():
            used = self._used(roles, {what: sql})
            source = self._source("nothing")
            expression = self.reading.expressions[what]
            try:
                found = self.db.sql(
                    self._placed(
                        f"SELECT {sql} FROM (SELECT {', '.join([*used, '1'])} FROM {source})"
                    )
                )
                if what == "where" and str(found.types[0]) not in ("BOOLEAN", '"NULL"'):
                    raise LogError(
                        f"{self.where}: where: {expression!r} is neither true nor false of a row:"
                        " compare it with something, as in status = 200"
                    )
            except duckdb.Error as error:
                named = list(self._named(roles))
                raise LogError(
                    f"{self.where}: {what}: {expression!r}: {misfit(str(error), named)}"
                ) from None
        self.db.unregister("nothing")

    def _require(self, roles: Mapping[str, str]) -> None:
        seen = ", ".join(list(self.shape.columns)[:40])
        near = f" {nearest_fields(self.shape.columns)}." if self.shape.format is None else ""
        if "key" not in roles:
            raise LogError(
                f"{self.where}: which column is the key? Say so with --key (columns.key);"
                f" it has {seen}.{near}"
            )
        untimed = self.shape.format is not None and self.shape.format.untimed
        if "time" not in roles and not untimed and self.reading.requests_per_s is None:
            raise LogError(
                f"{self.where}: which column is the time? Say so with --time-column NAME"
                f" (columns.time), or give --rate (requests_per_s) if it has none;"
                f" it has {seen}.{self._looks_like_times()}{near}"
            )

    def _looks_like_times(self) -> str:
        for name, values in self.shape.columns.items():
            known = [value for value in values if value]
            if known and all(
                re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d|1\d{9}(\d{3}|\d{6}|\d{9})?(\.\d+)?$", v)
                for v in known
            ):
                return f" {name!r} looks like it: --time-column {name}."
        return ""

    def _time(self, sql: str | None) -> times.Time:
        if sql is None:
            return times.NONE
        own = "time" in self.reading.columns or self.reading.time_unit != "auto"
        if not own and self._are_times(times.EXCEL_DAY):
            raise LogError(f"{self.where}: {times.asked_of_days(*self.mapping['time'])}")
        clf = self._are_times(times.CLF_STAMP)
        return times.told(self._type_of(sql), self.reading.time_unit, clf=clf)

    def _type_of(self, sql: str) -> str:
        """The database's type for the time, which the log or the user's expression decides."""
        self.db.register("nothing", self.shape.schema.empty_table())
        roles = {role: self._sql(alts, plain=True) for role, alts in self.mapping.items()}
        used = self._used(roles, self.reading.expressions)
        if "time" not in self.reading.columns:
            used.append(f'{roles["time"]} AS "_time"')
        inner = f"SELECT {', '.join([*used, '1'])} FROM {self._source('nothing')}"
        kind = str(self.db.sql(self._placed(f"SELECT {sql} FROM ({inner})")).types[0])
        self.db.unregister("nothing")
        return kind

    def _are_times(self, written: re.Pattern[str]) -> bool:
        """Whether the times seen are all written so."""
        column = self.mapping.get("time", ("",))[0]
        values = [value for value in self.shape.columns.get(column, []) if value]
        return bool(values) and all(written.fullmatch(value) for value in values[:20])

    def _source(self, rows: str = "rows") -> str:
        shape = self.shape
        text, _ = unwrapped(shape)
        if shape.container in ("json", "json-values"):
            paths = [self._paths()[name] for name in self.wanted()]
            extracted = f"json_extract_string({text}, {listed(paths)})" if paths else "NULL"
            if paths and self.careful:
                extracted = f"try({extracted})"
            return f"(SELECT *, {extracted} AS _r FROM {rows})"
        if shape.container == "lines" and shape.format is not None:
            regex, groups = self._regex(shape.format)
            matched = f"regexp_extract(_inner, {quoted(regex)}, {listed(groups)})"
            lines = f"(SELECT *, {text} AS _inner FROM {rows})"
            if shape.format.name == "clf":
                return cut_or_matched(lines, groups, matched)
            return f"(SELECT *, {matched} AS _r FROM {lines})"
        if shape.container == "pairs":
            return f"(SELECT *, {text} AS _inner FROM {rows})"
        return rows

    def wanted(self) -> list[str]:
        """The columns of JSON that are used at all: only those are taken out of the text."""
        known = self.shape.format
        roles = self.mapping.items()
        told = [alt for role, alts in roles if role not in self.unused for alt in alts]
        told += [*known.ignore.values(), known.once] if known else []
        used = {column for alt in told for column in columns(alt)}
        own = " ".join(self.reading.expressions.values())
        return [name for name in self._paths() if name in used or (own and mentions(own, name))]

    def _paths(self) -> dict[str, str]:
        return paths(self.shape)

    def _regex(self, known: Format) -> tuple[str, list[str]]:
        """The pattern with only those groups that are used: RE2 is faster with four than five."""
        names = re.findall(r"\(\?P<(\w+)>", known.regex)
        told = [alt for alternatives in self.mapping.values() for alt in alternatives]
        text = " ".join([*told, *known.ignore.values(), *known.columns.values()])
        own = " ".join(self.reading.expressions.values())
        used = [
            name
            for name in names
            if any(name in columns(alt) for alt in told)
            or f"{{{name}}}" in text
            or mentions(own, name)
        ]
        regex = known.regex
        for name in names:
            regex = regex.replace(f"(?P<{name}>", "(" if name in used else "(?:")
        return regex, used

    def _check(self) -> str:
        shape = self.shape
        if shape.container in ("json", "json-values"):
            lacking = self._lacking(shape.format) if shape.format is not None else []
            missing = f"CASE {' '.join(lacking)} END" if lacking else "NULL"
            return f"CASE WHEN _r IS NULL THEN 'not JSON' ELSE {missing} END"
        if shape.container == "lines" and shape.format is not None and not shape.format.untimed:
            _, groups = self._regex(shape.format)
            unlike = quoted("not a line of " + titled(shape.format))
            return f"CASE WHEN coalesce(_r.{identifier(groups[0])}, '') = '' THEN {unlike} END"
        return "NULL::VARCHAR"

    def _lacking(self, known: Format) -> list[str]:
        """WHEN a needed field is not there, for each that is the time or the key."""
        own = self.reading.expressions
        roles = [
            role
            for role in ("time", "key")
            if role not in own and not any("{" in alt for alt in known.roles[role])
        ]
        found = []
        for role in roles:
            names = [name for name in known.roles[role] if name in self.wanted()]
            empty = " AND ".join(f"{self.raw[name]} IS NULL" for name in names)
            if names and not known.ignore.get("no HTTP request"):
                found.append(f"WHEN {empty} THEN {quoted('no ' + names[0])}")
        return found
