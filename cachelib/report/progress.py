"""What a run shows while it runs: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cachelib.report.experiments.run import Progress, Status
from cachelib.report.reuse.plan import Plan
from cachelib.report.reuse.previous import Step
from cachelib.report.text import terminal

if TYPE_CHECKING:
    from rich.console import Console

MARKS = {
    "started": "", "ran": "[green]✓[/] ", "reused": "[green]✓[/] ", "failed": "[red]✗[/] ",
    "not run": "[yellow]–[/] ", "sampled": "[yellow]–[/] ", "at work": "",
}  # fmt: skip

MOST_REASONS = 50
"""Of one result, that are read without being asked for."""


@contextmanager
def display() -> Iterator[Progress]:
    """A function to tell of what becomes of each notebook."""
    if not sys.stderr.isatty():
        yield _line
        return
    from rich.console import Console

    with live(Console(stderr=True)) as tell:
        yield tell


@contextmanager
def silence() -> Iterator[Progress]:
    """A function that tells nobody."""
    yield lambda name, status, words: None


@contextmanager
def live(console: Console) -> Iterator[Progress]:
    """A row for each notebook, with a spinner while it runs."""
    from rich.markup import escape
    from rich.progress import Progress as Rows
    from rich.progress import SpinnerColumn, TaskID, TextColumn
    from rich.table import Column

    text = TextColumn("{task.description}", table_column=Column())  # by default it cuts lines
    with Rows(SpinnerColumn(finished_text=""), text, console=console) as rows:
        tasks: dict[str, TaskID] = {}

        def tell(name: str, status: Status, words: str) -> None:
            said = f"{MARKS[status]}{escape(name)}[dim] {status} {escape(terminal(words))}"
            if name not in tasks:
                tasks[name] = rows.add_task(said, total=1)
            rows.update(tasks[name], description=said, completed=int(MARKS[status] != ""))

        yield tell


def _line(name: str, status: Status, words: str) -> None:
    if status != "started":
        said = f"{name}: {status}: {words}" if words else f"{name}: {status}"
        print(terminal(said), file=sys.stderr, flush=True)


def foretold(steps: Plan, *, is_all: bool = False) -> str:
    """What a run would do, a line for each notebook and one for the report, with the reasons.

    After a change of the code there are hundreds of them: `is_all` leaves none out.
    """

    def why(step: Step) -> str:
        cut = not is_all and len(step.reasons) > MOST_REASONS
        return step.reasons_said(MOST_REASONS) + "; -v lists them" if cut else step.reasons_said()

    lines = {step.name: f"would run: {why(step)}" for step in steps.to_run}
    lines |= {step.name: "would be reused" for step in steps.reused}
    lines |= {step.name: f"left out by --only ({why(step)})" for step in steps.left_out}
    last = "is up to date" if steps.stands else f"would be written: {why(steps.document)}"
    return "\n".join([*(f"{name}: {lines[name]}" for name in sorted(lines)), f"report: {last}"])
