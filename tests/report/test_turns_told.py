"""What the chapter on cost says where the origin begins so many loads a second."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachelib.report.document.formats.markdown import InMarkdown
from cachelib.report.document.material import Material
from cachelib.report.document.render import Document
from cachelib.report.experiments import parameters
from tests.report.in_process import run_notebooks

PODS = Path(__file__).with_name("cases") / "pods.yaml"
SERVERS = "platform: {profile: servers-redis"
SAID = (
    "The database begins 0.02 loads a second, one after another. Beyond that a load waits for its"
    " turn, for 30 s at most; then it fails."
)


def chapter(folder: Path, more: str) -> str:
    path, case = folder / "case.yaml", PODS.read_text("utf-8")
    assert SERVERS in case
    path.write_text(case.replace(SERVERS, SERVERS + more), "utf-8")
    settled = parameters.settle({"case": str(path)})
    runs, findings = run_notebooks(settled.for_kernels, only="07_cost")
    there = Material(settled.study, findings, runs)
    written = Document(there, InMarkdown(there.templates), "sections/cost.md.j2").text()
    return written.replace("\u00a0", " ")


@pytest.mark.parametrize("has_rate", [True, False])
def test_how_many_loads_wait_and_fail_is_told_where_the_origin_has_a_rate(
    tmp_path: Path, has_rate: bool
) -> None:
    more = ", origin_requests_per_s: 0.02, origin_queue_s: 30" if has_rate else ""
    told = chapter(tmp_path, more)
    assert (SAID in told) == has_rate
    assert ("| option | loads a month | wait for their turn | fail |" in told) == has_rate
    assert ("are brought to the simulation" in told or "is brought to the simulation" in told) == (
        has_rate
    )
