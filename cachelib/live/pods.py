"""The processes of a service, as children: each a `pod` with a memory of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import IO, Any, Self

from cachelib.live.runtime import LiveError, end

LOG_LINES = 5


class Pods:
    """A context manager: so many processes of this Python, which end when their input does."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __enter__(self) -> Self:
        self._open = ExitStack()
        self._log = self._open.enter_context(tempfile.TemporaryFile())
        self.children: list[subprocess.Popen[bytes]] = []
        try:
            for _ in range(self.number):
                self.children.append(
                    subprocess.Popen(
                        [sys.executable, "-P", "-m", "cachelib.live.pod"],
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        stderr=self._log,
                        start_new_session=True,  # Ctrl-C is for who started it, and ends all
                    )
                )
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

    def ask(self, messages: Mapping[int, Any]) -> dict[int, Any]:
        """What some answer, by number, who work on it at once.

        Raises `LiveError` with what went wrong.
        """
        for pod, message in messages.items():
            self._say(pod, message)
        return {pod: self._answer(pod) for pod in messages}

    def close(self) -> None:
        """End them all."""
        for child in self.children:  # all are told before the first is waited for
            with suppress(BrokenPipeError):
                child.stdin.close()  # type: ignore[union-attr]
        for child in self.children:
            end(child)
        self._open.close()

    def _say(self, pod: int, message: Any) -> None:
        pipe: IO[bytes] = self.children[pod].stdin  # type: ignore[assignment]
        try:
            pipe.write(json.dumps(message).encode() + b"\n")
            pipe.flush()
        except BrokenPipeError:
            raise LiveError(self._ended(pod)) from None

    def _answer(self, pod: int) -> Any:
        pipe: IO[bytes] = self.children[pod].stdout  # type: ignore[assignment]
        line = pipe.readline()
        if not line:
            raise LiveError(self._ended(pod))
        said = json.loads(line)
        if isinstance(said, dict):
            raise LiveError(f"process {pod + 1} of the service failed: {said['error']}")
        return said

    def _ended(self, pod: int) -> str:
        self._log.seek(0)
        said = self._log.read().decode("utf-8", "replace").splitlines()[-LOG_LINES:]
        return "\n".join([f"process {pod + 1} of the service ended mid-run", *said])
