"""Kills, forks and interrupts at once, in a short form of `stress.py`."""

from __future__ import annotations

from pathlib import Path

import pytest
from rig import Server, rounds
from stress import stress


def held(result: dict[str, object]) -> None:
    assert result["violations"] == {}
    for event in ("kills", "interrupted", "forked", "load", "get", "set", "revoked", "changed"):
        assert result.get(event), f"{event} did not happen"


@pytest.mark.timeout(1800)
def test_the_rules_hold_over_sqlite(tmp_path: Path) -> None:
    held(stress("sqlite", tmp_path, seconds=rounds(3, 900), processes=2, threads=2))


@pytest.mark.timeout(1800)
def test_the_rules_hold_over_redis(tmp_path: Path, server: Server) -> None:
    held(stress(server.url, tmp_path, seconds=rounds(3, 900), processes=2, threads=2))
