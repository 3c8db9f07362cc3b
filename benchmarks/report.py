"""The default report, cold, beside its floor: as many notebooks that do nothing but import.

Run `python benchmarks/report.py`; it prints seconds and their ratio. Both go through papermill, two
at a time; the floor's notebooks import pandas and matplotlib and end. Then the same report again,
of which nothing has changed, from the command to its end: the first time what it was made from is
compared, from then on the stamps of files alone.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import papermill
from traitlets.config import Config

from cachelib.report.build import build
from cachelib.report.experiments.run import notebook_names

CASE = "trading-sentiment"
IMPORTS = "import pandas\nimport matplotlib.pyplot"


def main() -> None:
    names = notebook_names()
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        floor = _seconds(lambda: _floor(names, here))
        report = _seconds(lambda: _report(here / "report"))
        compared = _seconds(lambda: _again(here / "report"))
        again = _seconds(lambda: _again(here / "report"))
    print(f"{len(names)} notebooks, two at a time")
    print(f"floor    {floor:6.1f} s")
    print(f"report   {report:6.1f} s")
    print(f"ratio    {report / floor:6.2f}")
    print(f"compared {compared:6.2f} s")
    print(f"again    {again:6.2f} s")


def _report(out: Path) -> None:
    build({"case": CASE}, out, jobs=2, progress=lambda *_: None)


def _again(out: Path) -> None:
    words = ["report", CASE, "--out", str(out)]
    subprocess.run([sys.executable, "-m", "cachelib.cli", *words], check=True, capture_output=True)


def _floor(names: list[str], here: Path) -> None:
    empty = here / "empty.ipynb"
    cells = [nbformat.v4.new_code_cell(IMPORTS)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), empty)

    def one(name: str) -> None:
        papermill.execute_notebook(
            empty,
            here / f"{name}.ipynb",
            progress_bar=False,
            kernel_name="python3",
            language="python",
            config=Config({"KernelManager": {"transport_encryption": "auto"}}),
        )

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, names))


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
