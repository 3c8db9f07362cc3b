"""The local runtime as a child process: started with a topology, ended whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from contextlib import ExitStack, suppress
from functools import cached_property
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self
from urllib.parse import urlsplit

from cachelib.errors import CachelibError
from cachelib.live.node import WORKER, ensure_node_modules, find_node
from cachelib.model.schema.scratch import scratch

RAM = Path("/dev/shm")  # noqa: S108 - the runtime keeps its stores in files; these cost no disk
LOG_LINES = 30
GRACE_S = 5.0
PATIENCE_S = 300.0


class LiveError(CachelibError, RuntimeError):
    """The local runtime did not start, or ended before its work was done; with its last lines."""


class Runtime:
    """A context manager: workerd under Node, listening on a free port of the loopback.

    The child gets nothing of this process's environment. It ends when its standard input does, so
    it cannot outlive this process.
    """

    def __init__(self, topology: dict[str, Any]) -> None:
        self.topology = topology

    def __enter__(self) -> Self:
        node, modules = find_node(), ensure_node_modules()
        self._open = ExitStack()
        place = RAM if RAM.is_dir() else None
        self._files = self._open.enter_context(scratch("cachelib-live-", place))
        self._log = tempfile.TemporaryFile()
        try:
            self._child = subprocess.Popen(  # noqa: S603
                [node, WORKER / "host.js", modules, self._files],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                cwd=self._files,
                env=dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP"), str(self._files)),
                start_new_session=True,
            )
            self._configure()
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
        """The process group of the child and of the runtime below it."""
        return self._child.pid

    def post(self, message: Any) -> Any:
        """What the driver answers to a JSON message; raises `LiveError` with the log if it died."""
        connection = HTTPConnection(self._address, timeout=PATIENCE_S)
        try:
            connection.request("POST", "/", json.dumps(message))
            response = connection.getresponse()
            body = response.read()
        except TimeoutError:
            raise LiveError(f"the Worker gave no answer within {PATIENCE_S:g} s") from None
        except (OSError, HTTPException) as error:
            raise LiveError(self._with_log(f"the local runtime ended mid-run ({error})")) from None
        finally:
            connection.close()
        if response.status != 200:
            said = _without_stacks(_text(body))
            raise LiveError(f"the local runtime answered {response.status}:\n{said}")
        return json.loads(body)

    def close(self) -> None:
        """End the child and everything below it, and remove its files."""
        try:
            if child := getattr(self, "_child", None):
                end(child)
        finally:
            self._log.close()
            self._open.close()

    def _configure(self) -> None:
        pipe: IO[bytes] = self._child.stdin  # type: ignore[assignment]
        with suppress(BrokenPipeError):  # then it says why when it is asked for its address
            pipe.write(json.dumps(self.topology).encode() + b"\n")
            pipe.flush()

    @cached_property
    def _address(self) -> str:
        """Known when the runtime is ready."""
        answers: IO[bytes] = self._child.stdout  # type: ignore[assignment]
        line = answers.readline()
        early = "it ended before it was ready"
        answer = json.loads(line) if line else {"error": self._with_log(early)}
        if "error" in answer:
            raise LiveError(f"the local runtime did not start: {_without_stacks(answer['error'])}")
        return urlsplit(answer["ready"]).netloc

    def _with_log(self, what: str) -> str:
        self._log.seek(0)
        log = _without_stacks(_text(self._log.read()))
        return f"{what}; the last lines of its log:\n{log}" if log else what


def end(child: subprocess.Popen[bytes]) -> None:
    """Ask first, by the end of its input; then end the whole group."""
    for pipe in (child.stdin, child.stdout):
        if pipe:
            pipe.close()
    try:
        child.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        child.kill()
    finally:
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _without_stacks(log: str) -> str:
    """The last lines, without the runtime's own addresses."""
    stack = ("stack:", "    at ")
    lines = [line for line in log.splitlines() if line and not line.startswith(stack)]
    return "\n".join(lines[-LOG_LINES:])
