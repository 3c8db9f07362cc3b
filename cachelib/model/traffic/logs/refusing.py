"""What a refusal says: the formats that come nearest, and what each of them lacks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cachelib.model.traffic.logs.formats import Format, formats
from cachelib.model.traffic.logs.matching import NoPatternError, fitting
from cachelib.plural import none_of_its, plural

NEAREST = 3
UNWRITTEN = frozenset(map(chr, [*range(9), *range(14, 27), *range(28, 32), *range(127, 160)]))
"""What no text is written with; \x1b begins a colour."""
MANY = 0.02


def refusal(path: Path, lines: list[str]) -> str:
    """Of lines that are of no format that is known; nothing is shown of what is no text."""
    if is_binary("".join(lines)):
        return (
            f"{path}: is a binary file, of no format that is known (cachelib log --formats lists"
            " them); give the log as text, or as Parquet"
        )
    begun = [found for found in _nearness(lines[0]) if found[0]]
    near = sorted(begun, key=lambda found: -found[0])[:NEAREST]
    shown = lines[0][:100] + ("…" if len(lines[0]) > 100 else "")
    told = "; ".join(f"{known.name} ({what})" for _, known, what in near)
    nearest = f"The nearest: {told}" if near else "No format that is known begins like it"
    return (
        f"{path}: {none_of_its(len(lines), 'line')} a request;"
        f" line 1: not a line of a format that is known: {shown!r}."
        f" {nearest}.{_some_fit(lines)}{_parted(lines)} Say how it is written with"
        " --format and a log_format as nginx"
        " or Apache have it ('$remote_addr [$time_local] \"$request\" $status'), or with"
        " --format csv, tsv or json and --time-column and --key"
    )


def is_binary(text: str) -> bool:
    """Whether many of the letters are such as no text has; a log that is damaged has a few."""
    strange = sum(letter in UNWRITTEN for letter in text)
    return strange > MANY * len(text)


def _some_fit(lines: list[str]) -> str:
    """Lines of a known format among many others."""
    counts = {
        known.name: sum(fitting(known.regex, lines))
        for known in formats().values()
        if known.kind == "line" and not known.untimed
    }
    best = max(counts, key=lambda name: counts[name])
    if not counts[best]:
        return ""
    return (
        f" {counts[best]} of the {len(lines)} {plural(counts[best], 'is', 'are')} of the format"
        f" {best}: --format {best} reads"
        " those, and counts the others as skipped."
    )


def _parted(lines: list[str]) -> str:
    """Lines that the same number of delimiters parts: a table whose header is not there."""
    for delimiter, name in (("\t", "tabs"), ("|", "|"), (";", ";"), (",", "commas")):
        if len(counts := {line.count(delimiter) for line in lines}) == 1 and (n := counts.pop()):
            return (
                f" {name} part each into {n + 1} fields: if no line names them, do so with --fields"
                " (log.fields), as in --fields EdgeStartTimestamp,ClientRequestURI,EdgeColoCode."
            )
    return ""


def _nearness(line: str) -> Iterator[tuple[float, Format, str]]:
    for known in formats().values():
        if known.kind == "line" and not known.untimed:
            words = known.regex.split(" ")
            fits = _fitting(words, line)
            yield fits / len(words), known, _missing(words[:fits], words[fits:])


def _missing(fitting: list[str], others: list[str]) -> str:
    """The fields that a line lacks, from the first on that is not there."""
    had, missing = _fields(fitting), _fields(others)
    if missing:
        return f"lacks {', '.join(missing)}"
    return f"goes on after {had[-1]}" if had else "is made otherwise"


def _fields(words: list[str]) -> list[str]:
    return re.findall(r"\(\?P<(\w+)>", " ".join(words))


def _fitting(words: list[str], line: str) -> int:
    """How many words of a pattern the line begins with."""
    for n in range(len(words), 0, -1):
        try:
            if any(fitting(" ".join(words[:n]), [line])):
                return n
        except NoPatternError:
            continue
    return 0


def nearest_fields(columns: Mapping[str, Any]) -> str:
    """The three named formats that share most fields with these columns, and what each lacks; none
    is near of which no field is there."""
    present = set(columns)
    scored = []
    for known in formats().values():
        if known.kind == "fields":
            missing = known.missing(present)
            if len(missing) < len(known.needs):
                scored.append((len(missing) / len(known.needs), known.name, missing))
    told = "; ".join(
        f"{name} lacks {', '.join(needs).replace('|', ' or ')}"
        for _, name, needs in sorted(scored)[:NEAREST]
    )
    return f"Of the named formats, {told}" if told else "No named format has any of these columns"
