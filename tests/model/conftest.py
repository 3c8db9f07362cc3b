"""What the tests of the model share."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest

from cachelib.model.traffic.logs import apart
from cachelib.model.traffic.logs.reading import LogStream, Rows, answers_here, told


@pytest.fixture(autouse=True)
def expressions_in_this_process(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user's SQL without a process of its own, which takes a second to start.

    The query is the same; test_log_sql.py, which is about that process, keeps it.
    """
    if not request.module.__name__.endswith("test_log_sql"):
        monkeypatch.setattr(apart, "answers_from_apart", here)


def here(stream: LogStream, rows: Rows) -> Iterator[pa.RecordBatch]:
    return answers_here(stream, told(stream.files, stream.reading), rows)
