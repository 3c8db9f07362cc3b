"""Findings to a document: one Markdown source, shown as Markdown and as one HTML page."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup, escape

from cachelib.model.case.criteria import Criteria
from cachelib.model.case.labels import label
from cachelib.model.case.metrics import METRICS
from cachelib.model.judgement.claims import Verdict
from cachelib.model.judgement.growth import in_words as growth_in_words
from cachelib.model.judgement.study import Study
from cachelib.model.judgement.subject import concerns
from cachelib.report import language
from cachelib.report import text as fit
from cachelib.report.document.collect import Findings, MissingFindingError
from cachelib.report.document.ledger import Row, judge_all
from cachelib.report.document.log_page import log_page
from cachelib.report.document.options import Option, options
from cachelib.report.experiments.run import Run
from cachelib.report.language import Comparison
from cachelib.report.numbers import Scalar, shown
from cachelib.report.publish.diagrams import to_svg
from cachelib.report.publish.figures import with_own_ids
from cachelib.report.publish.findings import (
    Diagram,
    Drawn,
    Figure,
    Finding,
    Metric,
    Panel,
    Sequence,
    Table,
    Text,
    column_head,
)
from cachelib.report.templates import html_environment, markdown_environment
from cachelib.report.text import Markdown

Target = Literal["markdown", "html"]
Kind = TypeVar("Kind", bound=Metric | Table | Figure | Diagram | Sequence | Text | Panel)
MERMAID = {"diagram": "diagrams/layers.mmd.j2", "sequence": "diagrams/sequence.mmd.j2"}

# A block or a number of the HTML page stands in the Markdown as a token that no input can spell:
# `text.plain` drops the characters it is made of.
OPEN, CLOSE = "\ue000", "\ue001"
# What was timed differs from run to run, and the Markdown of the same case must not.
MEASURED = "measured: see report.html"


@dataclass
class Document:
    """One rendering of the report: what its template may call, and the numbers given so far."""

    study: Study
    findings: Findings
    runs: list[Run]
    target: Target
    numbers: dict[str, str] = field(default_factory=dict)
    blocks: list[str] = field(default_factory=list)
    _numbered: bool = False

    def record(self) -> str:
        """The decision as a record in the form of MADR 4."""
        self._count = {"Figure": 0, "Table": 0}
        template = markdown_environment().get_template("adr.md.j2")
        return template.render(self._context(), section=self.section, yaml=fit.yaml)

    def markdown(self) -> str:
        """The whole document; twice, since a reference may come before what it refers to."""
        self._render()
        self.blocks.clear()
        self._numbered = True
        return self._render()

    def _render(self) -> str:
        self._count = {"Figure": 0, "Table": 0}
        template = markdown_environment().get_template("report.md.j2")
        return template.render(self._context(), section=self.section)

    def _context(self) -> dict[str, Any]:
        return {
            "aim": _aim(self.study.case.criteria),
            "called": label,
            "called_option": lambda name: language.capital(self.study.case.words(name)),
            "barred": self.study.barred,
            "case": self.study.case,
            "growth": growth_in_words(self.study.case.growth),
            "has": lambda id: id in self.findings,
            "capital": language.capital,
            "compare": self.compare,
            "concerns": lambda name: concerns(self.study, name),
            "counted": language.counted,
            "diagram": self.diagram,
            "duration": language.duration,
            "figure": self.figure,
            "labels": {name: metric.label for name, metric in METRICS.items()},
            "fold": self.fold,
            "ledger": self.ledger,
            "log": log_page(told) if (told := self.study.log_described) else None,
            "lines": self.lines,
            "listed": language.listed,
            "mark": self.mark,
            "n": self.number,
            "options": self.options,
            "option": self.option,
            "page": page_link,
            "panel": self.panel,
            "html": self.target == "html",
            "quoted": [found for found in self.findings if found.finding.how == "quoted"],
            "ref": self.ref,
            "runs": self.runs,
            "shown": shown,
            "said": self.said,
            "so_many": self.so_many,
            "table": self.table,
            "traffic": _traffic(self.study),
            "unit": lambda name: METRICS[name].unit,
            "value": self.value,
            "verbatim": verbatim,
            "verdicts": {name: self._judged(name) for name in get_args(Verdict)},
        }

    @cached_property
    def ledger(self) -> list[Row]:
        """The claims, judged."""
        case = self.study.case
        return judge_all(case.claims, self.findings, case.written)

    def _judged(self, verdict: str) -> int:
        return sum(row.verdict == verdict for row in self.ledger)

    @property
    def options(self) -> list[Option]:
        """The designs with their pros and cons."""
        id = "decision.designs"
        return options(self._typed(id, Table)) if id in self.findings else []

    def mark(self, verdict: Verdict) -> Markdown | str:
        """A verdict, which the page colours."""
        return verdict if self.target == "markdown" else self._block("verdict", verdict=verdict)

    def value(self, id: str) -> Scalar:
        """A metric's bare value, to decide what the text says."""
        return self._typed(id, Metric).value

    def number(self, id: str) -> Markdown | str:
        """A metric as text, in HTML linked to the cell that it comes from."""
        metric = self._typed(id, Metric)
        text = shown(metric.value, metric.unit)
        if self.target == "markdown":
            return MEASURED if metric.how == "measured" else text
        return self._block("number", found=self.findings[id], text=text, index=len(self.blocks))

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
        """What few need: closed on the page, and open on paper."""
        inside = caller().strip("\n")
        opening = f"<details>\n<summary>{escape(title)}</summary>"
        if self.target == "markdown":
            return Markdown(f"{opening}\n\n{inside}\n\n</details>")
        return Markdown(f"{self._raw(opening)}\n\n{inside}\n\n{self._raw('</details>')}")

    def figure(self, id: str) -> Markdown:
        """A chart with its number and caption."""
        figure = self._typed(id, Figure)
        return self._drawing(figure, f"figures/{file_name(id)}.svg", self.findings[id].svg or "")

    def diagram(self, id: str) -> Markdown:
        """Boxes and arrows: SVG in HTML, Mermaid in Markdown."""
        diagram = self._drawn(id)
        if self.target == "html":
            return self._drawing(diagram, "", to_svg(diagram))
        template = html_environment().get_template(MERMAID[diagram.kind])
        chart = template.render(diagram=diagram, quoted=fit.mermaid)
        return Markdown(f"```mermaid\n{chart}```\n\n{self._caption(diagram, 'Figure')}")

    def table(self, id: str) -> Markdown:
        """A table with its number and caption."""
        table = self._typed(id, Table)
        caption = self._caption(table, "Table")
        if self.target == "html":
            return self._block("table", found=self.findings[id], number=self.numbers[id])
        if table.how == "measured":
            return Markdown(f"{caption}, {MEASURED}")
        template = markdown_environment().get_template("table.md.j2")
        return Markdown(f"{template.render(table=table, head=column_head)}\n{caption}")

    def lines(self, id: str) -> list[str]:
        """Quoted lines, to be escaped by the template."""
        return self._typed(id, Text).lines

    def panel(self, id: str) -> Markdown:
        """The what-if panel, for the page only."""
        data = self._typed(id, Panel).data
        here = data["at"]["numbers"]
        sliders = [
            slider
            | {
                "low": math.log(min(slider["low"], here[slider["name"]])),
                "high": math.log(max(slider["high"], here[slider["name"]])),
                "here": math.log(max(here[slider["name"]], 1e-9)),
            }
            for slider in data["sliders"]
            if here[slider["name"]] > 0  # nothing can be so many times nothing
        ]
        return self._block(
            "panel",
            data=htmlsafe_json_dumps(data),
            sliders=sliders,
            designs=[design["name"] for design in data["designs"]],
        )

    def ref(self, id: str) -> Markdown | str:
        """`Figure 3`: where the finding stands in the document."""
        number = self.numbers.get(id, "")
        if self._numbered and not number:
            raise MissingFindingError(f"finding {id!r} is referred to, but nowhere shown")
        if self.target == "markdown":
            return number
        return Markdown(f"[{number}](#{file_name(id)})")

    def section(self, name: str, *notebooks: str, if_: str | None = None) -> Markdown:
        """A section of the report, or, if a notebook it needs did not finish, what went wrong.

        Nothing where the case has no such subject: where the metric `if_` is not true.
        """
        if if_ and if_ in self.findings and not self.value(if_):
            return Markdown("")
        failed = [run for run in self.runs if run.name in notebooks and run.failure]
        absent = set(notebooks) - {run.name for run in self.runs}
        template = markdown_environment().get_template(
            "sections/_failed.md.j2" if failed or absent else f"sections/{name}.md.j2"
        )
        return Markdown(
            template.render(
                self._context(),
                name=name,
                failed=failed,
                absent=sorted(absent),
            )
        )

    def _typed(self, id: str, kind: type[Kind]) -> Kind:
        finding = self.findings[id].finding
        if not isinstance(finding, kind):
            raise MissingFindingError(f"finding {id!r} is a {finding.kind}, not a {kind.__name__}")
        return finding

    def _drawn(self, id: str) -> Drawn:
        if isinstance(self.findings[id].finding, Sequence):
            return self._typed(id, Sequence)
        return self._typed(id, Diagram)

    def _drawing(self, finding: Figure | Drawn, path: str, svg: str) -> Markdown:
        caption = self._caption(finding, "Figure")
        if self.target == "markdown":
            return Markdown(f"![{fit.markdown(finding.alt)}]({path})\n\n{caption}")
        own = Markup(with_own_ids(fit.xml(svg), file_name(finding.id)))  # noqa: S704 - ours, not the user's
        number = self.numbers[finding.id]
        return self._block("figure", found=self.findings[finding.id], svg=own, number=number)

    def _caption(self, finding: Finding, kind: Literal["Figure", "Table"]) -> str:
        self._count[kind] += 1
        number = self.numbers[finding.id] = f"{kind} {self._count[kind]}"
        return f"*{number}. {fit.markdown(finding.caption)}* ({finding.how})"

    def _block(self, partial: str, **values: Any) -> Markdown:
        template = html_environment().get_template(f"partials/{partial}.html.j2")
        self.blocks.append(template.render(head=column_head, anchor=file_name, **values).strip())
        return Markdown(f"{OPEN}{len(self.blocks) - 1}{CLOSE}")

    def _raw(self, markup: str) -> str:
        """Markup of ours, as the token that stands for it."""
        self.blocks.append(markup)
        return f"{OPEN}{len(self.blocks) - 1}{CLOSE}"


def _aim(criteria: Criteria) -> str:
    """What is to be least or most, in words."""
    if not criteria.weigh:
        return METRICS[criteria.aim].label
    parts = (f"{shown(rate)} × {METRICS[name].label}" for name, rate in criteria.weigh.items())
    return "the sum of " + " and ".join(parts)


def _traffic(study: Study) -> dict[str, Any]:
    """The traffic in the words of the report."""
    trace = study.trace
    return {
        "requests": len(trace),
        "distinct_keys": len(set(trace.key.tolist())),
        "days": study.days,
        "sample": study.sample.in_words,
        "remarks": [remark.says for remark in study.remarks],
        "colos": [colo or "not said" for colo in trace.colos],
        "source": "as logged" if study.log else "generated as the case says",
        "skipped": trace.skipped.lines,
        "first_skipped": trace.skipped.first_line,
    }


def file_name(id: str) -> str:
    """A finding's id as a file name and as an anchor."""
    return id.replace(".", "-")


def page_link(notebook: str) -> Markdown:
    """A link to an executed notebook's page."""
    return Markdown(f"[{fit.markdown(notebook)}](notebooks/{notebook}.html)")


def verbatim(text: str) -> Markdown:
    """A code block whose fence is longer than any in the text."""
    text = fit.block(text)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return Markdown(f"{fence}\n{text}\n{fence}")


def write_figures(findings: Findings, folder: Path) -> None:
    """Every chart as a file for the Markdown to show."""
    folder.mkdir(exist_ok=True)
    for found in findings:
        if isinstance(found.finding, Figure) and found.svg:
            (folder / f"{file_name(found.finding.id)}.svg").write_text(fit.xml(found.svg), "utf-8")
