"""One budget of threads for a process, whoever shares work out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cachelib.model.engines import replay as engine
from cachelib.model.engines.replay import replay
from cachelib.model.judgement import processors
from cachelib.model.judgement.processors import each
from cachelib.model.platforms.platform import Platform
from cachelib.model.schema import budget
from cachelib.model.tiers.built_in import BUILT_IN
from tests.model.test_shards import requests


class Counter:
    """How many were at work at once, at most."""

    def __init__(self) -> None:
        self.lock, self.now, self.most = threading.Lock(), 0, 0
        self.another = threading.Event()

    def __call__(self, _: object) -> None:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.another.wait(0.02)
        with self.lock:
            self.now -= 1


@pytest.mark.parametrize(("jobs", "most"), [("1", 1), ("2", 2), ("3", 3), (None, 4)])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_threads_of_threads_are_no_more_than_the_budget(
    monkeypatch: pytest.MonkeyPatch, jobs: str | None, most: int, depth: int
) -> None:
    monkeypatch.setattr(processors, "PROCESSORS", 4)
    monkeypatch.delenv(budget.NOW, raising=False)
    monkeypatch.delenv(budget.JOBS, raising=False)
    if jobs:
        monkeypatch.setenv(budget.JOBS, jobs)
    count = Counter()
    work: Callable[[object], object] = count
    for _ in range(depth):
        work = lambda _, inner=work: each(inner, range(5))  # noqa: E731
    work(None)
    assert count.most == most, "all of it, and no more"
    assert (count.now, budget.parts()) == (0, 1)


def test_replays_share_what_their_threads_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "WORTH_SHARING", 1_000)
    monkeypatch.setenv(budget.JOBS, "4")
    asked: list[int] = []
    hands = engine._hands
    monkeypatch.setattr(engine, "_hands", lambda jobs, *a: asked.append(jobs) or hands(jobs, *a))
    trace = requests(np.random.default_rng(1), 5_000, 100)
    each(lambda seed: replay(trace, BUILT_IN["l1-kv"], Platform(), seed=seed), range(2))
    replay(trace, BUILT_IN["l1-kv"], Platform())
    assert asked == [2, 2, 4]


def test_what_a_file_says_now_counts_and_else_what_was_said_at_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(budget.JOBS, "2")
    assert budget.allowed(9) == 2
    monkeypatch.setenv(budget.NOW, str(tmp_path / "jobs"))
    assert budget.allowed(9) == 2
    for now in (6, 3):
        (tmp_path / "jobs").write_text(str(now))
        assert budget.allowed(9) == now
    with budget.one_of(2):
        assert budget.allowed(9) == 1
    (tmp_path / "jobs").write_text("")
    assert budget.allowed(9) == 2
    monkeypatch.delenv(budget.NOW)
    monkeypatch.delenv(budget.JOBS)
    assert budget.allowed(9) == 9
