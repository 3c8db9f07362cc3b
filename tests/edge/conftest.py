import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("CACHELIB_SHARED", ROOT.parent / "shared"))


@pytest.fixture(scope="session")
def traces() -> Path:
    folder = SHARED / "traces"
    if not folder.is_dir():
        pytest.skip(f"the shared traces are not at {folder}; set CACHELIB_SHARED")
    return folder
