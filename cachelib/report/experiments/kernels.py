"""Kernels that start at once, and can be ended from outside the thread that waits for them."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import uuid4

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from cachelib.model.schema import budget
from cachelib.model.schema.scratch import scratch
from cachelib.report.experiments.zygote import Zygote, environment

SHORT = 60  # characters; the whole path of a Unix socket may have about a hundred


class Provisioner(LocalProvisioner):
    """Takes kernels from a zygote, and starts them anew if that fails."""

    zygote: Zygote

    async def launch_kernel(self, cmd: list[str], **options: Any) -> KernelConnectionInfo:
        self.cwd = options.get("cwd") or os.getcwd()
        try:
            kernel = self.zygote.fork(cmd, self.cwd, options["env"])
        except OSError:
            return await super().launch_kernel(cmd, **options)
        self.process = kernel  # type: ignore[assignment]  # it has what is asked of a Popen
        self.pid = self.pgid = kernel.pid
        return self.connection_info


class Kernels:
    """The kernels of one run, of notebooks with these `imports`."""

    def __init__(self, imports: Iterable[str], at_once: int = 1) -> None:
        """`at_once`: so many run side by side, and share the processors."""
        self.shared = {budget.JOBS: str(_part(at_once))}
        # They talk through Unix sockets: a TCP port that was free may be another program's soon.
        temporary = tempfile.gettempdir()
        place = Path(temporary if len(temporary) < SHORT else "/tmp")  # noqa: S108
        self._open = ExitStack()
        self.folder = self._open.enter_context(scratch("cachelib-kernels-", place))
        if budget.JOBS not in os.environ:
            self.shared[budget.NOW] = str(self.folder / "jobs")
        self._at_work = 0
        # forks are safe on Linux only
        self.zygote = Zygote(imports, self.folder) if sys.platform == "linux" else None
        self.ended = False
        self._names = map(str, count())
        self._started: list[AsyncKernelManager] = []
        self._lock = Lock()

    def manager(self) -> type[AsyncKernelManager]:
        """A class of kernel managers whose kernels belong to this run."""
        kernels = self

        class Manager(AsyncKernelManager):
            async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]
                if kernels.ended:
                    raise RuntimeError("the run has ended")
                path = kernels.folder / next(kernels._names)
                options["env"] = {**kernels.shared, **environment(kernels.folder)}
                self.transport, self.ip = "ipc", str(path)
                self.connection_file = f"{path}.json"
                if kernels.zygote is not None:
                    self.kernel_id = str(uuid4())
                    self.provisioner = Provisioner(
                        kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self
                    )
                    self.provisioner.zygote = kernels.zygote
                await super().start_kernel(**options)
                kernels._take_in(self)

        return Manager

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """One more notebook runs meanwhile: all that do share the processors anew."""
        self._share(1)
        try:
            yield
        finally:
            self._share(-1)

    def _share(self, more: int) -> None:
        with self._lock:
            self._at_work += more
            if self._at_work and not self.ended:
                new = self.folder / "jobs.new"
                with suppress(OSError):  # without it each has the part that it began with
                    new.write_text(str(_part(self._at_work)), "utf-8")
                    new.replace(self.folder / "jobs")

    def _take_in(self, manager: AsyncKernelManager) -> None:
        with self._lock:
            self._started.append(manager)
            if self.ended:
                _kill(manager)

    def end(self) -> None:
        """Kill every kernel and what it has started, now and from now on."""
        with self._lock:
            if self.ended:
                return
            self.ended = True
            for manager in self._started:
                _kill(manager)
        if self.zygote is not None:
            self.zygote.close()
        self._open.close()


def _part(at_once: int) -> int:
    """Of the processors, for each of so many kernels."""
    return max(1, budget.processors() // at_once)


def _kill(manager: AsyncKernelManager) -> None:
    if manager.has_kernel and (group := manager.provisioner.pgid):  # type: ignore[union-attr]
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
