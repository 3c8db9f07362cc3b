"""The columns of a log, as SQL over its rows."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cachelib.model.traffic.logs.formats import Format
from cachelib.model.traffic.logs.requests import quoted
from cachelib.model.traffic.logs.shape import Shape
from cachelib.model.traffic.logs.wrappers import COLLECTED


def titled(known: Format) -> str:
    return "Common Log Format" if known.name == "clf" else known.title


def paths(shape: Shape) -> dict[str, str]:
    """Where each column lies in JSON: as seen, or else as documented."""
    known = shape.format
    documented: list[str] = []
    if known is not None:
        needed = [name for need in known.needs for name in need.split("|")]
        documented = [name for name in needed if not name.endswith(".*")]
        documented += [a for alts in known.roles.values() for a in alts if "{" not in a]
        documented += [c for sql in (*known.ignore.values(), known.once) for c in columns(sql) if c]
    guessed = {
        name: "$"
        + "".join(re.sub(r"^(.*?)((?:\[\d+\])*)$", r'."\1"\2', part) for part in name.split("."))
        for name in documented
    }
    return distinct(guessed | dict(shape.paths))


def unwrapped(shape: Shape) -> tuple[str, str]:
    """SQL for a line without what was put around it, and for when it was collected, if known."""
    text, time = "text", ""
    for wrapper in shape.wrapped:
        time = wrapper.time_sql(text) or time
        text = wrapper.sql(text)
    return text, time


def raw(shape: Shape) -> dict[str, str]:
    """SQL for the text of each column, as it stands in the log."""
    _, collected = unwrapped(shape)
    own = _own(shape)
    return own if not collected else {COLLECTED: collected} | own


def _own(shape: Shape) -> dict[str, str]:
    if shape.container in ("json", "json-values"):
        # Their place among those taken out of the text is known when the query is whole.
        return {name: f"\x00{name}\x00" for name in paths(shape)}
    if shape.container == "lines" and shape.format is not None:
        names = re.findall(r"\(\?P<(\w+)>", shape.format.regex)
        raw = {name: f"_r.{identifier(name)}" for name in names}
        for name, sql in shape.format.columns.items():
            raw[name] = substituted(sql, raw | {"text": "_inner"})
        return raw
    if shape.container == "pairs":
        return {name: shape.pairs.sql(name) for name in shape.columns}
    return {name: identifier(name) for name in shape.columns}


def columns(alternative: str) -> list[str]:
    return re.findall(r"\{([^{}]+)\}", alternative) or [alternative]


def substituted(alternative: str, raw: Mapping[str, str], missing: str = "") -> str:
    if "{" not in alternative:
        return raw[alternative]
    return re.sub(
        r"\{([^{}]+)\}",
        lambda found: raw[found[1]] if found[1] in raw else missing or raw[found[1]],
        alternative,
    )


def mentions(text: str, name: str) -> bool:
    return bool(text) and name.lower() in text.lower()


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def listed(texts: list[str]) -> str:
    return "[" + ", ".join(map(quoted, texts)) + "]"


def lowered(role: str, roles: Mapping[str, str]) -> str:
    """A role's value as text, alike where only its case differs and that says nothing."""
    if role in ("method", "host"):
        letters = "upper" if role == "method" else "lower"
        return f"{letters}({roles[role]})"
    return f"CAST({roles[role]} AS VARCHAR)"


def distinct(named: dict[str, str]) -> dict[str, str]:
    """Without names that differ from an earlier one in upper and lower case only."""
    seen: set[str] = set()
    kept = {}
    for name, value in named.items():
        if name.lower() not in seen:
            seen.add(name.lower())
            kept[name] = value
    return kept
