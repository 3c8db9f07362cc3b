"""`report --cluster`: the experiments' replays by Dask workers, and the report of a run at home."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from cachelib.cli import main
from cachelib.model.engines.shards.cluster import connected
from cachelib.model.engines.shards.lent import LENT, lent
from cachelib.report.build import build
from cachelib.report.document.collect import Findings
from cachelib.report.experiments.run import Progress
from tests.conftest import SMALL
from tests.report import tiny

pytestmark = pytest.mark.filterwarnings("default")  # of Dask's own, about its own

SWEEP = """
from cachelib.report.experiments.parameters import open_study
from cachelib.model.judgement.processors import each
from cachelib.report.publish import publish
study = open_study(globals())
counts = [1, 2, 3, 5, 8]
found = each(lambda n: study.replay("l1-kv", isolates_per_colo=n), counts)
for n, result in zip(counts, found):
    publish.metric(f"tiny.hits_{n}", result.hit_ratio, unit="ratio", caption=f"hits, {n}")
    publish.metric(f"tiny.p95_{n}", result.quantile_ms(0.95), unit="ms", caption=f"p95, {n}")
"""


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """A case whose replays are worth a message."""
    pytest.importorskip("distributed", reason="no cluster without the extra 'cluster'")
    text = SMALL.read_text("utf-8").replace("3_000", "100_000", 1)
    (tmp_path / "case.yaml").write_text(text, "utf-8")
    parameters = 'case = "trading-sentiment"\ntrace = None\nseed = 1\nrouting = "random"'
    tiny.write(tmp_path / "notebooks" / "21_sweep.ipynb", SWEEP, parameters=parameters)
    return tmp_path


def found(case: Path, out: str, tell: Progress = tiny.quiet) -> dict[str, object]:
    """All that the notebook hands over."""
    report = build(
        {"case": str(case / "case.yaml")}, case / out, jobs=1, progress=tell,
        notebooks=case / "notebooks",
    )  # fmt: skip
    (run,) = report.runs
    assert run.failure is None
    there = replace(run, path=report.folder / "notebooks" / run.path.name)
    return {found.finding.id: found.finding for found in Findings([there])}


def test_a_sweep_gives_at_home_and_on_a_cluster_the_same_though_a_worker_is_lost(
    case: Path,
) -> None:
    said: list[str] = []
    with connected(None, 2, None, said.append) as cluster, lent(cluster, said.append):

        def losing(name: str, status: str, words: str) -> None:
            if status == "started":
                os.kill(next(iter(cluster.client.run(os.getpid).values())), signal.SIGKILL)

        on_cluster = found(case, "there", losing)
    assert len(on_cluster) == 10
    assert on_cluster == found(case, "here")
    assert said[0].startswith("dashboard: http://127.0.0.1:")
    assert said[-1] == "5 replays done by 2 workers"


def test_the_command_says_where_the_dashboard_is_and_how_much_the_workers_did(
    case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(case)
    monkeypatch.setenv("XDG_CACHE_HOME", str(case / "cache"))
    monkeypatch.setitem(build.__kwdefaults__, "notebooks", case / "notebooks")
    done = CliRunner().invoke(main, ["report", "--cluster", "1"])
    assert done.exit_code == 0, done.output
    assert "cluster: at work: dashboard: http://127.0.0.1:" in done.stderr
    assert "cluster: at work: 5 replays done by 1 worker\n" in done.stderr
    assert LENT not in os.environ


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--cluster", "2", "--scheduler", "tcp://a:1"), "give one of --cluster and --scheduler"),
        (("--spool", "."), "--spool is for the workers of --cluster or --scheduler"),
    ],
)
def test_what_cannot_go_together_is_wrong_usage(words: tuple[str, ...], says: str) -> None:
    done = CliRunner().invoke(main, ["report", str(SMALL), *words])
    assert done.exit_code == 2
    assert says in done.stderr


def test_a_cluster_that_is_not_installed_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    done = CliRunner().invoke(main, ["report", str(SMALL), "--scheduler", "tcp://127.0.0.1:1"])
    assert done.exit_code == 2
    assert "pip install 'cachelib-decisions[cluster]'" in done.stderr
    assert "pip install -e '.[cluster]'" in done.stderr
