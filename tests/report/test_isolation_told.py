"""What the chapter on memory says where there are as many isolates as the traffic needs."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

from cachelib.report.document.formats.markdown import InMarkdown
from cachelib.report.document.material import Material
from cachelib.report.document.render import Document
from cachelib.report.experiments import parameters
from cachelib.report.publish.findings import Figure, Metric
from tests.report.in_process import run_notebooks

PODS = Path(__file__).with_name("cases") / "pods.yaml"
SERVERS = "platform: {profile: servers-redis}"
COUNTS = (1, 4, 16)
SCALED = ", isolate_requests_per_s: 0.01"


def material(scaled: bool) -> Material:
    """Three pods in each region, or as many as are needed, three at most."""
    return material_of(SCALED if scaled else "")


@cache
def material_of(more: str) -> Material:
    """The first experiment with pods, with more said of the platform."""
    path, case = Path(mkdtemp()) / "case.yaml", PODS.read_text("utf-8")
    assert SERVERS in case
    path.write_text(case.replace(SERVERS, SERVERS.replace("}", more + "}")), "utf-8")
    few = {"isolate_counts": COUNTS, "traffic_factors": (0.1, 1)}
    settled = parameters.settle({"case": str(path), **few})
    runs, findings = run_notebooks(settled.for_kernels | few, only="02_isolation")
    return Material(settled.study, findings, runs)


@pytest.mark.parametrize("scaled", [True, False])
def test_the_line_over_the_number_of_pods_is_of_so_many_pods(scaled: bool) -> None:
    figure = material(scaled).findings["isolation.by_isolates"].finding
    assert isinstance(figure, Figure)
    assert figure.data is not None
    (column,) = [n for n, name in enumerate(figure.data.columns) if "%" in name]
    found = [float(str(row[column])) for row in figure.data.rows]
    assert found[0] > 1.2 * found[1] > 1.4 * found[2]
    first, last = (f"{at:.3g}" for at in (found[0], found[-1]))
    assert f"from {first}\u00a0% at 1 to {last}\u00a0% at 16 pods" in figure.alt
    assert "always so many pods" in figure.caption


def test_where_their_number_follows_the_traffic_it_is_said_to_and_of_the_average() -> None:
    caches = material(scaled=True).findings["isolation.caches"].finding
    assert isinstance(caches, Metric)
    assert caches.value == 3, "in FRA 0.0174 / 0.01 a second and in DUB a third, each and a half"
    assert caches.how == "closed form"
    told = text(scaled=True)
    said = "needs 3 pods on average, all regions together; had one answered all of it, it would"
    assert f"This traffic {said}" in told
    assert "Their number follows the traffic; Figure 3 shows what memory would find were it" in told
    assert "Figure 4 shows the same for other traffic." in told


def test_where_it_is_given_all_of_them_are_meant() -> None:
    told = text(scaled=False)
    assert "Had all 6 pods been one, it would have been" in told
    assert "Figure 3 shows the same for other numbers of pods, Figure 4 for other traffic." in told
    assert "decides how many" not in told, "nobody says who does: of pods it is no vendor"
    assert "follows the traffic" not in told


STAYING = "each reader at one pod, of 30 readers who ask at a time in each region"


def test_that_readers_stay_with_one_is_said_where_they_do() -> None:
    assert STAYING in written(more=", routing: sticky, sticky_readers: 30")
    assert "each reader at one" not in text(scaled=False)


def text(scaled: bool) -> str:
    return written(more=SCALED if scaled else "")


def written(more: str) -> str:
    there = material_of(more)
    written = Document(there, InMarkdown(there.templates), "sections/isolation.md.j2").text()
    return written.replace("\u00a0", " ")
