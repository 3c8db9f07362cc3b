"""Findings to a document: what its templates may call, and the numbers of figures and tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, get_args

from jinja2 import Template

from cachelib.model.case.criteria import Criteria
from cachelib.model.case.labels import label
from cachelib.model.case.metrics import METRICS
from cachelib.model.judgement.claims import Verdict
from cachelib.model.judgement.growth import in_words as growth_in_words
from cachelib.model.judgement.study import Study
from cachelib.model.judgement.subject import concerns, shared
from cachelib.report import language
from cachelib.report import text as fit
from cachelib.report.document import against, answer
from cachelib.report.document.beginning import long_lives
from cachelib.report.document.collect import Findings, Found, Kind, MissingFindingError
from cachelib.report.document.links import page_link, source_link, verbatim
from cachelib.report.document.log_page import log_page
from cachelib.report.document.material import Material
from cachelib.report.document.medium import Medium, Said
from cachelib.report.document.options import (
    Point,
    billed_in_each,
    deciding,
    far_stores,
    moved,
    options,
    origin_load,
    points,
    reference,
    rented_nodes,
    rivals,
    way,
    what_it_needs,
)
from cachelib.report.document.traffic import emptied, pages, traffic, unlisted
from cachelib.report.language import Comparison
from cachelib.report.numbers import Scalar, Unit, beside, shown
from cachelib.report.publish.decision import minimised, plain_unit
from cachelib.report.publish.decision import value as amount
from cachelib.report.publish.findings import Metric, Table, Text
from cachelib.report.publish.outcome import Candidate, Outcome
from cachelib.report.publish.ties import breaks_ties
from cachelib.report.templates import made
from cachelib.report.text import Markdown


@dataclass
class Document:
    """One rendering: what its template may call, and the numbers given so far.

    What differs from one output format to another is the `medium`'s; this is what they share.
    """

    material: Material
    medium: Medium
    template: str = "report.md.j2"
    numbers: dict[str, str] = field(default_factory=dict)
    _count: Counter[str] = field(default_factory=Counter)
    _repeated: set[str] = field(default_factory=set)
    _absent: set[str] = field(default_factory=set)  # notebooks that were not run
    _is_numbered: bool = False

    def text(self) -> str:
        """The whole document; twice, since a reference may come before what it refers to."""
        self._render()
        self._is_numbered = True
        return self._render()

    def _render(self) -> str:
        self._count.clear()
        self.medium.begin()
        return self._template(self.template).render(self._context())

    def _template(self, name: str) -> Template:
        templates = self.material.templates.markdown
        if templates.loader is None:
            return templates.get_template(name)
        source, _, _ = templates.loader.get_source(templates, name)
        told = self.study.told(source)
        return templates.get_template(name) if told == source else made(templates, told)

    @property
    def study(self) -> Study:
        return self.material.study

    @property
    def findings(self) -> Findings:
        return self.material.findings

    def _context(self) -> dict[str, Any]:
        return {**self._given, "absent": sorted(self._absent)}

    @cached_property
    def _given(self) -> dict[str, Any]:
        return {
            **self._of_the_decision(),
            "amount": lambda number, unit: self.study.told(amount(number, plain_unit(unit))),
            "actions": answer.actions(self.study.case, self.material.outcome, self.findings),
            "aim": self.study.told(minimised(self.study.case.criteria)),
            "immaterial": _immaterial(self.study.case.criteria),
            "breaks_ties": self.study.told(breaks_ties(self.study.case.criteria)),
            "called": lambda name: self.study.told(label(name)),
            "called_option": lambda name: language.capital(self.study.case.words(name)),
            "quoted_option": lambda name: f"“{language.capital(self.study.case.words(name))}”",
            "anchor": self.medium.anchor,
            "follows": self.medium.follows,
            "beside": beside,
            "rented": rented_nodes(self.study),
            "billed_in_each": billed_in_each(self.study),
            "placed": far_stores(self.study),
            "is_made": self.study.log is None,
            "begins_empty": self.study.log is None and self.study.sample.time == 1,
            "long_lives": long_lives(self.study, self.material.outcome),
            "barred": {name: _cannot_be(why) for name, why in self.study.barred.items()},
            "case": self.study.case,
            "give_or_take": language.give_or_take,
            "how_sure": language.how_sure,
            "growth": growth_in_words(
                self.study.case.growth, writes=self.study.reads_per_write is not None
            ),
            "has": lambda id: id in self.findings,
            "capital": language.capital,
            "compare": self.compare,
            "concerns": lambda name: concerns(self.study, name),
            "counted": language.counted,
            "counts": self.counts,
            "diagram": self.diagram,
            "duration": language.duration,
            "figure": self.figure,
            "labels": {name: self.study.told(metric.label) for name, metric in METRICS.items()},
            "fold": self.fold,
            "ledger": self.material.ledger,
            "log": log_page(told) if (told := self.study.log_described) else None,
            "lines": self.lines,
            "listed": language.listed,
            "mark": self.medium.verdict,
            "n": self.number,
            "option": self.option,
            "page": page_link,
            "panel": self.panel,
            "quoted": self.quoted,
            "ref": self.ref,
            "runs": self.material.runs,
            "section": self.section,
            "shown": shown,
            "source": source_link,
            "said": self.said,
            "sentence": language.sentence,
            "moved": moved(self.findings),
            "so_many": self.so_many,
            "table": self.table,
            "pages": pages(self.study),
            "traffic": traffic(self.study),
            "unit": lambda name: METRICS[name].unit,
            "value": self.value,
            "verbatim": verbatim,
            "way": lambda name: self.study.told(way(self.study.case.design(name))),
            "yaml": fit.yaml,
            "verdicts": {name: self._judged(name) for name in get_args(Verdict)},
        }

    def counts(self, difference: float | None) -> bool:
        """Whether to be worse than the choice by so much is a difference that counts."""
        criteria, best = self.study.case.criteria, self.value("decision.cost")
        if difference is None or criteria.weigh or not isinstance(best, int | float):
            return bool(difference and difference > 0)
        return difference > criteria.score_tolerance(best)

    def _judged(self, verdict: str) -> int:
        return sum(row.verdict == verdict for row in self.material.ledger)

    def _of_the_decision(self) -> dict[str, Any]:
        """The decision as data, and what follows from it; nothing where its notebook failed."""
        outcome = self.material.outcome
        if outcome is None:
            return {
                "outcome": None,
                "unlisted": [],
                "emptied": None,
                "chosen": None,
                "options": [],
                "held_against": None,
                "rivals": [],
                "origin_load": None,
                "stays": None,
                "work_of_the_next": "",
                "asked": [],
                "shared_in_answer": False,
                "as_today": "",
                "chosen_anew": False,
                "gone": None,
            }
        chosen = next((o for o in outcome.options if o.fate == "chosen"), None)
        other = reference(outcome)
        if other == chosen:  # then the best of the others shows what the choice is worth
            other = next((o for o in outcome.options if o != chosen), None)
        consequences = list(points(outcome, chosen, other)) if chosen else []
        return {
            **self._of_the_choice(outcome, chosen, consequences),
            "outcome": outcome,
            "unlisted": unlisted(self.study, outcome.recommended),
            "emptied": emptied(self.study, outcome.recommended),
            "chosen": chosen,
            "options": options(outcome),
            "held_against": reference(outcome),
            "rivals": rivals(outcome),
            "nearness": answer.how_near(outcome),
            "stays": answer.what_stays(self.study.case, outcome, self.study.told),
            "today_misses": answer.misses_of_today(outcome),
            "gone": answer.gone(self.study.case, outcome, self.findings),
            "work_of_the_next": answer.work_of_the_next(outcome),
            "asked": list(answer.asked_about(self.study.case, outcome)),
            "shared_in_answer": answer.speaks_of(shared(self.study), self.study.case, outcome),
            "chosen_needs": what_it_needs(chosen) if chosen else "",
            "deciding": deciding(outcome),
            "consequences": consequences,
            "origin_load": origin_load(outcome, chosen, reference(outcome)) if chosen else None,
        }

    def _of_the_choice(
        self, outcome: Outcome, chosen: Candidate | None, consequences: list[Point]
    ) -> dict[str, Any]:
        """What speaks against it, and what it rests on."""
        case = self.study.case
        about = {
            "as_today": against.as_today(self.study, outcome),
            "ground": against.ground(self.study, outcome),
        }
        if chosen is None:
            return about | {"doubt": "", "its_price": [], "out_of_date": "", "chosen_anew": False}
        aim = "" if case.criteria.weigh else METRICS[case.criteria.aim].label
        return about | {
            "doubt": against.doubt(case, outcome, chosen),
            "its_price": against.its_price(case, chosen, consequences, f"{aim}:"),
            "out_of_date": against.out_of_date(case, chosen),
            "chosen_anew": against.set_anew(self.study, chosen),
        }

    def value(self, id: str) -> Scalar:
        """A metric's bare value, to decide what the text says."""
        return self._typed(id, Metric).value

    def quoted(self) -> list[Found]:
        """What others state and this document has repeated so far, its claims, and the prices."""
        repeated = self._repeated | {claim.metric for claim in self.study.case.claims}
        return [
            found
            for found in self.findings
            if found.finding.how == "quoted"
            and isinstance(found.finding, Metric)
            and (found.finding.id in repeated or found.finding.unit == "price")
        ]

    def number(self, id: str) -> Said:
        """A metric as text, with where it comes from if the medium has room for that."""
        self._repeated.add(id)
        return self.medium.value(self.findings[id], self.said(id))

    def option(self, id: str) -> str:
        """The option that a metric names, as readers know it."""
        return language.capital(self.study.case.words(str(self._typed(id, Metric).value)))

    def said(self, id: str) -> str:
        """A metric as plain text, for headings."""
        metric = self._typed(id, Metric)
        return shown(metric.value, metric.unit)

    def compare(self, id: str, other: str) -> Comparison:
        """Two metrics of one unit, to say which is more and by how much."""
        one, two = self._typed(id, Metric), self._typed(other, Metric)
        return Comparison(float(one.value or 0), float(two.value or 0), one.unit)

    def so_many(self, id: str) -> str:
        """A share as people say it: `7 in 10`."""
        share = self._typed(id, Metric).value
        said = language.in_so_many(float(share or 0))
        return f"{said} of the" if said in ("none", "all") else said

    def fold(self, title: str, caller: Callable[[], str]) -> Markdown:
        """What few need: a template's `call` block under a title."""
        fold = self.medium.fold(title, caller().strip("\n"))
        return Markdown(f"{fold}\n")  # what follows is no part of it, whatever Jinja trims

    def figure(self, id: str) -> Markdown:
        """A chart with its number and caption."""
        return self.medium.figure(self.findings[id], self._next("Figure", id))

    def diagram(self, id: str) -> Markdown:
        """Boxes and arrows with their number and caption."""
        return self.medium.diagram(self.findings[id], self._next("Figure", id))

    def table(self, id: str) -> Markdown:
        """A table with its number and caption."""
        found = self.findings[id]
        told = [
            column.model_copy(update={"name": self.study.told(column.name)})
            for column in self._typed(id, Table).columns
        ]
        finding = found.finding.model_copy(update={"columns": told})
        return self.medium.table(replace(found, finding=finding), self._next("Table", id))

    def lines(self, id: str) -> list[str]:
        """Quoted lines, to be escaped by the template."""
        return self._typed(id, Text).lines

    def panel(self, id: str) -> Markdown:
        """The what-if panel, where the medium can have one."""
        return self.medium.panel(self.findings[id])

    def ref(self, id: str) -> Said:
        """`Figure 3`: where the finding stands in the document."""
        number = self.numbers.get(id, "")
        if self._is_numbered and not number:
            raise MissingFindingError(f"finding {id!r} is referred to, but nowhere shown")
        return self.medium.reference(number, id)

    def section(self, name: str, *notebooks: str, if_: str | None = None) -> Markdown:
        """A section of the report, or, if a notebook it needs failed, what went wrong.

        Nothing where the case has no such subject (where the metric `if_` is not true), nor where
        a notebook was not run: that is told once for all.
        """
        if if_ and if_ in self.findings and not self.value(if_):
            return Markdown("")
        if absent := set(notebooks) - {run.name for run in self.material.runs}:
            self._absent |= absent
            return Markdown("")
        failed = [run for run in self.material.runs if run.name in notebooks and run.failure]
        template = self._template(f"sections/{'_failed' if failed else name}.md.j2")
        title = TITLES.get(name, name.replace("_", " ").capitalize())
        return Markdown(template.render(self._context(), title=title, failed=failed))

    def _typed(self, id: str, kind: type[Kind]) -> Kind:
        return self.findings[id].expected(kind)

    def _next(self, kind: str, id: str) -> str:
        """The number of what comes next of its kind."""
        self._count[kind] += 1
        number = self.numbers[id] = f"{kind} {self._count[kind]}"
        return number


KEY = re.compile(r"^(\w+): ((?:is|are) )?")  # of a case, which a message about its file begins with
NAMED = re.compile(r" \(\w+_\w+\)")  # another
SUBJECTS = {
    "hedge_after_ms": "asking the origin, too, when a read is slow",
    "joined": "keeping several keys in one value",
    "replicas": "copies that answer reads",
}
"""What a message is about that has a key for its subject."""


def _cannot_be(why: str) -> str:
    """A message about the file as a clause for readers, who have not got it."""
    told = KEY.sub(lambda key: f"{SUBJECTS[key[1]]} {key[2]}" if key[2] else "", why)
    return NAMED.sub("", told)


TITLES = {"shared_l2": "The shared tier", "ttl": "Time to live", "when": "What would change it"}
"""Of sections whose notebook failed, where their names would not do."""


def _immaterial(criteria: Criteria) -> str:
    """What a difference in what is minimised must come to before it counts; of shares, points."""
    metric, own = METRICS[criteria.aim], criteria.material.get(criteria.aim)
    weight = abs(criteria.weights[criteria.aim])
    unit: Unit = "points" if metric.unit == "ratio" else metric.unit
    if criteria.weigh:  # a sum is in dollars, whatever it is of
        unit = "USD"
    least = criteria.tolerance(criteria.aim, 0.0) * weight
    told = shown(least, unit) if least else ""
    if own is not None:
        return told
    share = f"{shown(metric.relative, 'ratio')} of the best" if metric.relative else ""
    return " or ".join(filter(None, (told, share)))


def file_name(id: str) -> str:
    """A finding's id as a file name and as an anchor."""
    return id.replace(".", "-")
