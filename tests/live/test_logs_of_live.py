"""`cachelib live --trace` takes what `report --trace` takes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from cachelib.commands.live import live

LINE = '192.0.2.1 - - [10/Oct/2025:13:{:02d}:{:02d} +0000] "GET /{} HTTP/1.1" 200 5\n'


def test_a_folder_is_one_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for hour in range(2):
        lines = (LINE.format(30 * hour + i // 60, i % 60, i % 7) for i in range(300))
        (tmp_path / f"access.log.{hour}").write_text("".join(lines))
    seen: list[int] = []

    def run(traffic: Any, *_: Any, **__: Any) -> SimpleNamespace:
        seen.append(len(traffic))
        return SimpleNamespace(as_dict=dict, conforms=True)

    monkeypatch.setattr("cachelib.live.result.run_designs", run)
    done = CliRunner().invoke(live, ["--trace", str(tmp_path), "--json"])
    assert (done.exit_code, seen) == (0, [600]), done.output


def test_of_a_platform_that_no_runtime_here_is_like_nothing_is_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Counts on workerd would say "conforms" of pods that were never there."""
    monkeypatch.setattr("cachelib.live.runtimes.BY_STORE", {})
    done = CliRunner().invoke(live, ["shop-redis"])
    assert done.exit_code == 2
    assert "says nothing of other platforms" in " ".join(done.output.split())
