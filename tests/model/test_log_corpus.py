"""A corpus of logs, each read twice: by the reader, and by plain Python from vendors' documents."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cachelib.model.traffic.logs import Reading, read_log
from cachelib.model.traffic.trace import DELETE, READ, WRITE
from tests.model import independent, independent_clouds

HERE = Path(__file__).parent
CORPUS = sorted([*(HERE / "logs").iterdir(), *(HERE / "corpus").iterdir()])


def counts(path: Path) -> independent.Counts:
    trace = read_log(path, Reading())
    ops = np.bincount(trace.op, minlength=3)
    asked = np.bincount(trace.key, minlength=len(trace.keys))
    return independent.Counts(
        len(trace), int((asked > 0).sum()), int(ops[READ]), int(ops[WRITE]), int(ops[DELETE]),
        round(trace.span_s, 3),
    )  # fmt: skip


def test_the_corpus_has_eighty_samples_or_more() -> None:
    assert len(CORPUS) >= 80


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: str(path.name))
def test_two_readers_agree_on_every_count(path: Path) -> None:
    assert counts(path) == independent_clouds.counts(path)
