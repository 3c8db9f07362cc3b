import pytest

from cachelib.live.node import NodeMissingError, ensure_node_modules, find_node


@pytest.fixture(scope="session")
def node() -> None:
    """Skip, with the reason, where there is no local runtime."""
    try:
        find_node()
        ensure_node_modules()
    except NodeMissingError as error:
        pytest.skip(str(error))
