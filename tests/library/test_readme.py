"""The examples of the library's page run, and its tables name what there is."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from rig import Server

import cachelib
from cachelib import Options, TieredCache

PAGE = Path(cachelib.__file__).with_name("README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_runs(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    source = EXAMPLES[number].replace("redis://localhost:6379/0", server.url)
    exec(compile(source, f"example {number}", "exec"), names)  # noqa: S102
    if "store" in names:
        names["store"].close()


def test_there_is_an_example_each_for_sqlite_redis_asyncio_and_counters() -> None:
    sqlite, redis, asynchronous, counters = EXAMPLES
    assert ".incr(" in counters
    assert "SqliteStore(" in sqlite
    assert "RedisStore(" in redis
    assert "asyncio.run(" in asynchronous


def test_every_option_is_explained_and_no_other() -> None:
    cells = re.findall(r"^\| (`.*?) \|", PAGE.split("## Speed")[0], re.MULTILINE)
    explained = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    parameters = set(inspect.signature(TieredCache).parameters) - {"l1", "l2", "options"}
    assert explained == parameters | Options.__annotations__.keys()


def test_the_table_of_speed_is_the_benchmarks() -> None:
    table = PAGE.split("<!-- benchmark -->")[1].split("<!-- /benchmark -->")[0]
    benchmark = Path(__file__).parents[2] / "benchmarks" / "library.py"
    for row in table.strip().splitlines():
        if row.startswith("| ") and "per second" not in row:
            name = row.split("|")[1].strip()
            assert f'"{name}"' in benchmark.read_text()
    assert "| ratio |" in table
