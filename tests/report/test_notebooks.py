"""The project's notebooks: their parameters, and the form that they are committed in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from traitlets.config import Config

from cachelib.report.document.collect import Findings
from cachelib.report.experiments.parameters import OF_THE_CASE, Parameters, settle
from cachelib.report.experiments.run import NOTEBOOKS, Run, parameter_names

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
MOST_LINES = 16


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
class TestEveryNotebook:
    def test_declares_only_typed_parameters_with_valid_defaults(self, path: Path) -> None:
        names = parameter_names(path)
        assert set(names) <= {*Parameters.model_fields, *OF_THE_CASE}
        cell = next(c for c in read(path).cells if "parameters" in c.metadata.get("tags", ()))
        defaults: dict[str, Any] = {}
        exec(cell.source, defaults)  # noqa: S102 - our own notebook
        settle({name: defaults[name] for name in names})

    def test_opens_with_one_heading_and_prose(self, path: Path) -> None:
        first = read(path).cells[0]
        assert first.cell_type == "markdown"
        assert first.source.startswith("# ")
        assert len(first.source.splitlines()) > 3

    def test_has_short_cells(self, path: Path) -> None:
        for cell in read(path).cells:
            if cell.cell_type == "code":
                assert len(cell.source.splitlines()) <= MOST_LINES, cell.source

    def test_is_committed_executed_and_free_of_times_and_machines(self, path: Path) -> None:
        notebook = read(path)
        assert set(notebook.metadata) == {"kernelspec", "language_info"}
        for cell in notebook.cells:
            assert set(cell.metadata) <= {"tags"}
        assert any(cell.get("outputs") for cell in notebook.cells)
        assert str(NOTEBOOKS.parent) not in path.read_text("utf-8")

    def test_has_outputs_that_nbval_compares(self, path: Path) -> None:
        tags = [tag for cell in read(path).cells for tag in cell.metadata.get("tags", ())]
        assert "nbval-check-output" in tags


def test_no_finding_is_published_twice() -> None:
    findings = list(Findings([Run(path.stem, path, 0.0, None) for path in PATHS]))
    assert len(findings) > 10


def test_a_notebook_runs_under_plain_papermill(tmp_path: Path) -> None:
    out = tmp_path / "out.ipynb"
    papermill.execute_notebook(
        str(NOTEBOOKS / "02_isolation.ipynb"),
        str(out),
        {"requests_per_month": 2000, "isolate_counts": [1, 3]},
        progress_bar=False,
        config=Config({"KernelManager": {"transport_encryption": "auto"}}),
    )
    findings = Findings([Run("02_isolation", out, 0.0, None)])
    assert findings["isolation.requests"].finding.value == pytest.approx(2000, rel=0.1)  # type: ignore[union-attr]
