"""The default report, cold, beside its floor: as many notebooks that do nothing but import.

Run `python benchmarks/report.py`; it prints seconds and their ratio. Both go through papermill, two
at a time; the floor's notebooks import pandas and matplotlib and end.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import papermill

from cachelib.report.build import build
from cachelib.report.run import notebook_names

IMPORTS = "import pandas\nimport matplotlib.pyplot"


def main() -> None:
    names = notebook_names()
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        floor = _seconds(lambda: _floor(names, here))
        report = _seconds(lambda: _report(here / "report"))
    print(f"{len(names)} notebooks, two at a time")
    print(f"floor    {floor:6.1f} s")
    print(f"report   {report:6.1f} s")
    print(f"ratio    {report / floor:6.2f}")


def _report(out: Path) -> None:
    build({"case": "trading-sentiment"}, out, jobs=2, progress=lambda *_: None)


def _floor(names: list[str], here: Path) -> None:
    empty = here / "empty.ipynb"
    cells = [nbformat.v4.new_code_cell(IMPORTS)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), empty)

    def one(name: str) -> None:
        papermill.execute_notebook(
            empty, here / name, progress_bar=False, kernel_name="python3", language="python"
        )

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, names))


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
