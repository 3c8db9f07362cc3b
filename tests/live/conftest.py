import sys
from pathlib import Path

import pytest

from cachelib.live.node import NodeMissingError, ensure_node_modules, find_node

sys.path.insert(0, str(Path(__file__).parents[1] / "library"))  # the contract of stores
pytest.register_assert_rewrite("test_stores")


@pytest.fixture(scope="session")
def local_runtime() -> None:
    """Skip, with the reason, where there is no local runtime."""
    try:
        find_node()
        ensure_node_modules()
    except NodeMissingError as error:
        pytest.skip(str(error))
