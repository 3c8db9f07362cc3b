"""What a run shows while it runs: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from cachelib.report.run import Progress, Status


@contextmanager
def display() -> Iterator[Progress]:
    """A function to tell of each notebook's start and end."""
    if not sys.stderr.isatty():
        yield _line
        return
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    spinner, text = SpinnerColumn(finished_text="✓"), TextColumn("{task.description}")
    with Bars(spinner, text, TimeElapsedColumn(), console=Console(stderr=True)) as bars:
        tasks = {}

        def tell(name: str, status: Status, seconds: float) -> None:
            if status == "started":
                tasks[name] = bars.add_task(name, total=1)
            else:
                note = name if status == "finished" else f"[red]{name} failed"
                bars.update(tasks[name], description=note, completed=1)

        yield tell


def _line(name: str, status: Status, seconds: float) -> None:
    if status != "started":
        print(f"{name}: {status} in {seconds:.1f} s", file=sys.stderr, flush=True)
