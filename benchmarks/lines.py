"""Which lines each test executes, and how long it takes: a plugin of pytest's, for mutants.py.

Each process leaves a JSON file in the folder that TRACED_TO names: for each test that passes its
seconds, and for each source file the lines it executes.
"""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from coverage import Coverage

TO = Path(os.environ["TRACED_TO"])
SOURCES = Path.cwd() / "cachelib"
IMPORTED = ""
"""The context of what is executed outside a test: when a module is imported."""

_coverage = Coverage(data_file=None, source=[str(SOURCES)], config_file=False)
_seconds: dict[str, float] = defaultdict(float)
_failed: set[str] = set()


def pytest_sessionstart() -> None:
    _coverage.start()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """With fixtures: what a module shares is executed by the first test that asks for it."""
    begun = time.monotonic()
    _coverage.switch_context(item.nodeid)
    try:
        return (yield)
    finally:
        _coverage.switch_context(IMPORTED)
        _seconds[item.nodeid] += time.monotonic() - begun


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed:
        _failed.add(report.nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    """Before a worker says that it has ended, which nobody waits for any longer then."""
    _coverage.stop()
    if not _seconds:
        return  # the process that only hands out the tests
    lines = _lines()
    tests = {
        test: {"seconds": seconds, "lines": lines[test]}
        for test, seconds in _seconds.items()
        if test not in _failed
    }
    (TO / f"{os.getpid()}.json").write_text(json.dumps(tests), "utf-8")


def _lines() -> dict[str, dict[str, list[int]]]:
    data = _coverage.get_data()
    lines: dict[str, dict[str, list[int]]] = defaultdict(dict)
    for file in data.measured_files():
        name = Path(file).relative_to(SOURCES.parent).as_posix()
        for line, tests in data.contexts_by_lineno(file).items():
            for test in tests:
                lines[test].setdefault(name, []).append(line)
    return lines
