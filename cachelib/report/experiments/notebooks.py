"""The project's own notebooks, committed with the outputs of their default parameters."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import nbformat

from cachelib.report.experiments.run import NOTEBOOKS, Progress, notebook_names, run_all


def refresh(progress: Progress, folder: Path = NOTEBOOKS) -> None:
    """Execute every notebook and write it back, free of times and counters of the run."""
    with tempfile.TemporaryDirectory() as stage:
        reasons = dict.fromkeys(notebook_names(folder), "their outputs are to be committed")
        runs = run_all(reasons, {}, Path(stage), jobs=2, progress=progress, folder=folder)
        for run in runs:
            if run.failure:
                raise RuntimeError(f"{run.name}: cell {run.failure.cell}: {run.failure.error}")
            node = nbformat.read(run.path, as_version=4)
            nbformat.write(_stripped(node), folder / run.path.name)


def _stripped(node: Any) -> Any:
    node.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in node.cells:
        tags = cell.metadata.get("tags")
        cell.metadata = {"tags": tags} if tags else {}
    return node
