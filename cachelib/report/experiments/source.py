"""A notebook as it is written: its cells without their outputs."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from cachelib.evidence.files import regular
from cachelib.report.experiments.parameters import declared

IMPORT = re.compile(r"^[ \t]*((?:from|import)[ \t].*)$", re.MULTILINE)


DECIDING = "cachelib.model.judgement.decision"
"""Who imports this decides between options."""
COUNTED_WITH = ("late_after_s", "material")
"""Of the criteria, what experiments read, too: what is out of date, and what is no difference."""


def unjudged(case: Mapping[str, Any]) -> dict[str, Any]:
    """A settled case without what only a decision reads: limits, aim, work and what it costs.

    What an experiment is not given it cannot depend on, so that it stands when that changes.
    """
    told = {name: value for name, value in case.items() if name != "decision"}
    criteria, options = case.get("criteria", {}), case.get("options", {})
    told["criteria"] = {name: criteria[name] for name in COUNTED_WITH if name in criteria}
    told["options"] = {name: _unpriced(notes) for name, notes in options.items()}
    told["assumptions"] = {
        name: number for name, number in case["assumptions"].items() if name != "hourly_rate_usd"
    }
    return told


def _unpriced(notes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in notes.items() if name not in ("hours", "changes")}


class Source:
    """The notebook at `path`; read without nbformat, whose import takes longer than a report."""

    def __init__(self, path: Path) -> None:
        self.path = path
        cells = json.loads(path.read_text("utf-8"))["cells"]
        self.cells = [
            (cell["cell_type"], "".join(cell["source"]), cell["metadata"].get("tags", []))
            for cell in cells
        ]

    @cached_property
    def digest(self) -> str:
        return digest(json.dumps(self.cells).encode())

    @property
    def parameters_cell(self) -> str:
        return next((text for _, text, tags in self.cells if "parameters" in tags), "")

    @property
    def declared(self) -> list[str]:
        """The parameters that it takes."""
        return declared(self.parameters_cell)

    def wanted(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the `given` parameters that it takes, and of the case what it can depend on."""
        wanted = {name: given[name] for name in self.declared if name in given}
        if isinstance(case := wanted.get("case"), Mapping):
            wanted["case"] = {**case, "settled": self.read_of(case["settled"])}
        return wanted

    def read_of(self, case: Mapping[str, Any]) -> Mapping[str, Any]:
        """What it is given of a case: all, if it decides; else not what only a decision reads."""
        return case if self._decides else unjudged(case)

    @cached_property
    def _decides(self) -> bool:
        return any(DECIDING in statement for statement in self.imports())

    def default(self, name: str) -> Any:
        """What the parameters cell sets a parameter to; None where it does not say."""
        for statement in ast.parse(self.parameters_cell).body:
            if isinstance(statement, ast.Assign) and name in declared(ast.unparse(statement)):
                return ast.literal_eval(statement.value)
        return None

    def python(self) -> Iterator[str]:
        """The code cells; of a cell that is no Python, for IPython's magic, only its imports."""
        for kind, text, _ in self.cells:
            if kind == "code":
                yield text if _parses(text) else "\n".join(filter(_parses, IMPORT.findall(text)))

    def imports(self) -> Iterator[str]:
        """The import statements of the code cells."""
        for code in self.python():
            for statement in ast.parse(code).body:
                if isinstance(statement, ast.Import | ast.ImportFrom):
                    yield ast.unparse(statement)


def _parses(code: str) -> bool:
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def digest_of_file(path: Path) -> str:
    with regular(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
