"""Kernels that can be ended from outside the thread that waits for them."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from threading import Lock
from typing import Any

from jupyter_client.manager import AsyncKernelManager


class Kernels:
    """The kernels of one run."""

    def __init__(self) -> None:
        self._started: list[AsyncKernelManager] = []
        self._lock = Lock()
        self.ended = False

    def manager(self) -> type[AsyncKernelManager]:
        """A class of kernel managers whose kernels belong to this run."""
        kernels = self

        class Manager(AsyncKernelManager):
            async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]
                await super().start_kernel(**options)
                kernels._take_in(self)

        return Manager

    def _take_in(self, manager: AsyncKernelManager) -> None:
        with self._lock:
            self._started.append(manager)
            if self.ended:
                _kill(manager)

    def end(self) -> None:
        """Kill every kernel and what it has started, now and from now on."""
        with self._lock:
            self.ended = True
            for manager in self._started:
                _kill(manager)


def _kill(manager: AsyncKernelManager) -> None:
    if manager.has_kernel and (group := manager.provisioner.pgid):  # type: ignore[union-attr]
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
