"""Two reports side by side: whether the answer changed, what was asked differently, the rest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from cachelib.errors import CachelibError
from cachelib.evidence.files import regular
from cachelib.model.case.labels import LABELS
from cachelib.report import text
from cachelib.report.document.causes import causes
from cachelib.report.document.options import FATES
from cachelib.report.language import capital, counted, listed
from cachelib.report.numbers import Scalar, Unit, is_number, shown
from cachelib.report.templates import html_environment

Each = TypeVar("Each")
DECISION = "decision.recommended"
MOST = 12
"""Numbers that are told at once; the rest is folded."""


class NoReportError(CachelibError, ValueError):
    """A folder in which no report can be read."""


@dataclass(frozen=True)
class Change:
    """One thing that differs; None on the side where it is not."""

    name: str
    before: Scalar
    after: Scalar
    about: str = ""
    unit: Unit = ""

    @property
    def delta(self) -> float | None:
        """By how much a number grew."""
        if not (is_number(self.before) and is_number(self.after)):
            return None
        return float(self.after) - float(self.before)  # type: ignore[arg-type]

    @property
    def in_words(self) -> str:
        """`10 % → 12 % (+2 points)`."""
        said = f"{shown(self.before, self.unit)} → {shown(self.after, self.unit)}"
        if self.delta is None:
            return said
        size = shown(abs(self.delta), "points" if self.unit == "ratio" else self.unit)
        return f"{said} ({'+' if self.delta > 0 else '−'}{size})"

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name, "before": self.before, "after": self.after, "delta": self.delta,
            "about": self.about, "unit": self.unit,
        }  # fmt: skip


@dataclass(frozen=True)
class Standing:
    """What became of an option in either report; nothing where it is not in it.

    `shares`: the length of a bar for each score, of the greatest; None where there is none.
    """

    words: str
    fates: tuple[str, str]
    scores: tuple[str, str]
    shares: tuple[float | None, float | None]


@dataclass(frozen=True)
class Comparison:
    """What differs between the reports in two folders."""

    a: str
    b: str
    decision: Change
    parameters: list[Change]
    options: list[Change]
    metrics: list[Change]
    claims: list[Change]
    words: Mapping[str, str] = field(default_factory=dict)
    """What options are called."""
    causes: list[str] = field(default_factory=list)
    """What of that the earlier report says changes the answer, in sentences."""
    standings: list[Standing] = field(default_factory=list)
    """Every option in both, the later choice first."""
    only_in_a: list[str] = field(default_factory=list)
    only_in_b: list[str] = field(default_factory=list)
    """Chapters that one report alone has: what they say is not compared."""
    is_decided: bool = True
    """Whether both have the chapter that decides."""

    @property
    def decision_changed(self) -> bool:
        return self.decision.before != self.decision.after

    @property
    def partly(self) -> list[str]:
        """What is not compared, in a sentence for each report that has some chapters only."""
        lacking = ((self.a, self.only_in_b), (self.b, self.only_in_a))
        return [
            f"{folder} has only some chapters: of {listed(chapters)} nothing is compared."
            for folder, chapters in lacking
            if chapters
        ]

    @property
    def answer(self) -> str:
        """The same for people, in a sentence or two."""
        if not self.is_decided:
            return "Whether the answer changed is not known: one of the reports does not decide."
        before, after = (self._called(name) for name in (self.decision.before, self.decision.after))
        if not self.decision_changed:
            return f"The answer is the same: {after}.{self._of_the_choice()}"
        asked = len(self.parameters)
        why = counted(asked, "thing was asked differently", "things were asked differently")
        seen = (
            f"{capital(why)}." if asked else "Nothing was asked differently: the code has changed."
        )
        return f"The answer has changed, from {before} to {after}. {seen}"

    def _of_the_choice(self) -> str:
        """What the choice that stayed gained or lost in what is minimised."""
        scored = [one for one in self.options if one.unit and one.name == self.decision.after]
        return f" Its score: {scored[0].in_words}." if scored else ""

    def _called(self, name: Scalar) -> str:
        return "none" if name is None else f"“{self.words.get(str(name), name)}”"

    @property
    def verdict(self) -> str:
        """The line that matters most."""
        if not self.is_decided:
            return "decision changed: not known, one of the reports does not decide"
        before, after = (self._called(name) for name in (self.decision.before, self.decision.after))
        if self.decision_changed:
            return f"decision changed: yes, {before} → {after}"
        return f"decision changed: no, {after}"

    @property
    def parts(self) -> dict[str, list[Change]]:
        return {
            "parameters": self.parameters, "options": self.options, "claims": self.claims,
            "metrics": self.metrics,
        }  # fmt: skip

    def as_text(self) -> str:
        """For the terminal: nothing in it can move the cursor."""
        lines = [self.verdict, *self.partly, *self.causes]
        for name, changes in self.parts.items():
            lines += ["", f"{name}: {len(changes) or 'none'} changed"]
            shown = changes if name in ("options", "claims") else changes[:MOST]
            lines += [f"  {one.name}: {one.in_words}  {one.about}".rstrip() for one in shown]
            if len(shown) < len(changes):
                lines.append(
                    f"  and {len(changes) - len(shown)} more, which --html and --json have"
                )
        return "\n".join(map(text.plain, lines))

    def as_json(self) -> dict[str, Any]:
        parts = {name: [one.as_json() for one in changes] for name, changes in self.parts.items()}
        decision = {
            **self.decision.as_json(),
            "changed": self.decision_changed if self.is_decided else None,
        }
        decision["causes"] = self.causes
        only = {"only_in_a": self.only_in_a, "only_in_b": self.only_in_b}
        return {"a": self.a, "b": self.b, **only, "decision": decision, **parts}

    def as_html(self) -> str:
        from cachelib.report.document.page import style

        template = html_environment().get_template("compare.html.j2")
        return template.render(comparison=self, style=style(), many=MOST)


@dataclass(frozen=True)
class _Written:
    """What a report's files say."""

    decision: dict[str, Any]
    manifest: dict[str, Any]

    @property
    def choice(self) -> Scalar:
        recommended: Scalar = self.metrics.get(DECISION, {}).get("value")
        return recommended

    @property
    def asked(self) -> dict[str, Scalar]:
        """Parameters and the case, each number under its own name.

        Not where the case was found, whose numbers are here; nor why a number is what it is, nor
        its unit, which goes with its name.
        """
        case, given = self.manifest.get("case", {}), dict(self.manifest["parameters"])
        if case:
            given.pop("case", None)
        leaves = _leaves("", {**case, **given})
        return {name: value for name, value in leaves if not name.endswith((".why", ".unit"))}

    @property
    def metrics(self) -> dict[str, Any]:
        return dict(self.decision["metrics"])

    @property
    def outcome(self) -> dict[str, Any]:
        """The decision as data; empty in reports of before it was written."""
        return self.decision.get("outcome") or {}

    @property
    def options(self) -> dict[str, dict[str, Any]]:
        """Options by name."""
        return {option["name"]: option for option in self.outcome.get("options", ())}

    @property
    def chapters(self) -> list[str]:
        """The notebooks that were run; none in reports of before that was written."""
        return list(self.manifest.get("notebooks", ()))

    @property
    def claims(self) -> dict[str, Any]:
        return {claim["id"]: claim for claim in self.decision.get("claims", ())}


def compare(a: Path, b: Path) -> Comparison:
    """The reports in two folders; raises `NoReportError`."""
    whole_a, whole_b = _read(a), _read(b)
    before, after = _in_common(whole_a, whole_b), _in_common(whole_b, whole_a)
    metrics, claims = before.metrics | after.metrics, before.claims | after.claims
    return Comparison(
        a=str(a),
        b=str(b),
        decision=Change("decision", before.choice, after.choice),
        parameters=[
            replace(change, about=_asked(change.name, before.options | after.options))
            for change in _changes(before.asked, after.asked)
        ],
        options=list(_of_options(before, after)),
        causes=list(_causes(before, after)),
        standings=list(_standings(before, after)),
        only_in_a=_only_in(whole_a, whole_b),
        only_in_b=_only_in(whole_b, whole_a),
        is_decided=all(DECISION in side.metrics for side in (whole_a, whole_b)),
        words={name: option["words"] for name, option in (before.options | after.options).items()},
        metrics=[
            replace(
                change, about=metrics[change.name]["caption"], unit=metrics[change.name]["unit"]
            )
            for change in _changes(_each("value", before.metrics), _each("value", after.metrics))
        ],
        claims=[
            replace(change, about=claims[change.name].get("quote", ""))
            for change in _changes(_each("verdict", before.claims), _each("verdict", after.claims))
        ],
    )


def _only_in(one: _Written, other: _Written) -> list[str]:
    """Chapters of one report alone; where the other does not say what it has, none."""
    known = set(other.chapters)
    return [chapter for chapter in one.chapters if known and chapter not in known]


def _in_common(one: _Written, other: _Written) -> _Written:
    """A report without what another cannot have, since it was made of some chapters only."""
    if not _only_in(one, other):
        return one
    kept = {
        "metrics": {id: each for id, each in one.metrics.items() if id in other.metrics},
        "claims": [claim for id, claim in one.claims.items() if id in other.claims],
        "outcome": one.outcome if other.outcome else {},
    }
    return replace(one, decision=one.decision | kept)


def _read(folder: Path) -> _Written:
    try:
        files = (folder / f"{name}.json" for name in ("decision", "manifest"))
        written = _Written(*(json.loads(regular(file).read_text("utf-8")) for file in files))
        written.metrics, written.asked, written.options  # noqa: B018
    except FileNotFoundError as error:
        missing = Path(str(error.filename)).name
        raise NoReportError(f"{folder}: there is no report (it has no {missing})") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NoReportError(f"{folder}: no report can be read here: {error}") from None
    return written


def _of_options(before: _Written, after: _Written) -> Iterator[Change]:
    """What became of each option, and its score, where that differs."""
    unit: Unit = after.outcome.get("unit", "")
    both = before.options | after.options
    columns: tuple[tuple[str, Unit], ...] = (("fate", ""), ("score", unit))
    for what, of in columns:
        sides = (
            {name: option[what] for name, option in side.options.items()}
            for side in (before, after)
        )
        for change in _changes(*sides):
            yield replace(change, about=both[change.name]["words"], unit=of)


def _causes(before: _Written, after: _Written) -> Iterator[str]:
    """Nothing where the answer is the same."""
    if before.choice == after.choice:
        return
    for change in _changes(before.asked, after.asked):
        yield from causes(before.outcome, change.name, change.before, change.after)


def _standings(before: _Written, after: _Written) -> Iterator[Standing]:
    """The options of both, in the later report's order, then those that only the earlier has."""
    sides = (before, after)
    units: list[Unit] = [side.outcome.get("unit", "") for side in sides]
    scores = [option["score"] for side in sides for option in side.options.values()]
    most = max((abs(score) for score in scores if score is not None), default=0)
    for name, option in (after.options | before.options).items():
        found = [side.options.get(name) for side in sides]
        numbers: list[float | None] = [one["score"] if one else None for one in found]
        yield Standing(
            words=option["words"],
            fates=_pair(FATES.get(one["fate"], one["fate"]) if one else "–" for one in found),
            scores=_pair(shown(score, unit) for score, unit in zip(numbers, units, strict=True)),
            shares=_pair(
                abs(score) / most if score is not None and most else None for score in numbers
            ),
        )


def _pair(values: Iterable[Each]) -> tuple[Each, Each]:
    one, other = values
    return one, other


def _asked(name: str, options: Mapping[str, Any]) -> str:
    """`assumptions.origin_ms.high` as "time of the origin, high"; nothing where it has no words."""
    parts = name.split(".")
    if parts[0] == "options" and parts[2:] == ["hours", "value"] and parts[1] in options:
        return f"hours of work for “{options[parts[1]]['words']}”"
    known = next((part for part in reversed(parts) if part in LABELS), None)
    if known is None:
        return ""
    return f"{LABELS[known]}, {parts[-1]}" if parts[-1] in ("low", "high") else LABELS[known]


def _each(key: str, records: Mapping[str, Any]) -> dict[str, Scalar]:
    return {id: record[key] for id, record in records.items()}


def _changes(before: Mapping[str, Scalar], after: Mapping[str, Scalar]) -> Iterator[Change]:
    for name in {**before, **after}:
        if before.get(name) != after.get(name):
            yield Change(name, before.get(name), after.get(name))


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Scalar]]:
    """Every scalar in nested data under a dotted name; what has an id or a name goes by that."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(f"{name}.{key}".lstrip("."), inner)
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for nr, item in enumerate(value):
            known = item if isinstance(item, Mapping) else {"name": item}
            key = known.get("id") or known.get("name") or known.get("metric") or nr
            yield from _leaves(f"{name}.{key}", item)
    else:
        yield name, ", ".join(map(str, value)) if isinstance(value, list) else value
