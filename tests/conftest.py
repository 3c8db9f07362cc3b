"""What several rooms' tests need."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("CACHELIB_SHARED", ROOT.parent / "shared"))


def examples(usual: int) -> int:
    """How many cases a property is tried on; `CACHELIB_EXAMPLES=4` tries four times as many."""
    return max(1, round(usual * float(os.environ.get("CACHELIB_EXAMPLES", "1"))))


@pytest.fixture(scope="session")
def traces() -> Path:
    """The folder of real traces, which do not belong to the project."""
    folder = SHARED / "traces"
    if not folder.is_dir():
        pytest.skip(f"no real traces at {folder}; set CACHELIB_SHARED to the folder above them")
    return folder
