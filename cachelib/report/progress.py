"""What a run shows while it runs: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from cachelib.report.plan import Plan
from cachelib.report.run import Progress, Status

MARKS = {"ran": "[green]✓", "reused": "[green]✓", "failed": "[red]✗", "not run": "[yellow]–"}


@contextmanager
def display() -> Iterator[Progress]:
    """A function to tell of what becomes of each notebook."""
    if not sys.stderr.isatty():
        yield _line
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress as Bars
    from rich.progress import SpinnerColumn, TaskID, TextColumn

    text = TextColumn("{task.fields[mark]}{task.description}")
    with Bars(SpinnerColumn(finished_text=""), text, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(name: str, status: Status, words: str) -> None:
            said = f"{escape(name)}[dim] {status}{': ' if words else ''}{escape(words)}"
            if status == "started":
                tasks[name] = bars.add_task(said, total=1, mark="")
            else:
                row = tasks.get(name) or bars.add_task("", total=1)
                bars.update(row, description=said, completed=1, mark=f"{MARKS[status]} [/]")

        yield tell


def foretold(steps: Plan) -> str:
    """What a run would do, a line for each notebook and one for the report."""
    lines = {step.name: f"would run: {step.because}" for step in steps.to_run}
    lines |= {step.name: "would be reused" for step in steps.reused}
    lines |= {step.name: f"would not run, though {step.because}" for step in steps.left_out}
    last = f"would be written: {steps.document.because}" if not steps.stands else "is up to date"
    return "\n".join([*(f"{name}: {lines[name]}" for name in sorted(lines)), f"report: {last}"])


def _line(name: str, status: Status, words: str) -> None:
    if status != "started":
        said = f"{name}: {status}: {words}" if words else f"{name}: {status}"
        print(said, file=sys.stderr, flush=True)
