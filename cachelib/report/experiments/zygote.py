"""The zygote: it has imported what the notebooks import, and is forked into their kernels.

A fork has at once what costs a kernel of its own two seconds: the imports, and what this package's
modules load at their first use, if they have a function `warm_up`. What a kernel changes stays its
own.
"""

from __future__ import annotations

import gc
import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import IO

import psutil

PATIENCE_S = 60.0  # an import may hang, and the notebook that has it is to be stopped for that
LAUNCHER = "ipykernel_launcher"
# What a kernel sets before its first import of matplotlib; here that is imported earlier.
INLINE = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
# Only a process of one thread may be forked safely; these libraries start others when imported.
ALONE = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}


class Forked(psutil.Process):
    """A kernel forked from the zygote, with what a `subprocess.Popen` has."""

    stdin: None = None
    stdout: None = None
    stderr: None = None

    def poll(self) -> int | None:
        """0 when it has ended, however it did, even if nobody has taken note of its end yet."""
        with suppress(psutil.NoSuchProcess):
            if self.is_running() and self.status() != psutil.STATUS_ZOMBIE:
                return None
        return 0


class Zygote:
    """Starts at once, in the background; ends with `close`, or with this process."""

    def __init__(self, imports: Iterable[str], folder: Path) -> None:
        """Work in `folder`, an empty one: what lies in the user's is not to be imported or read."""
        here, there = socket.socketpair()
        here.settimeout(PATIENCE_S)
        self._lines, self._lock = here.makefile("rw"), Lock()
        with here, there:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-P", "-m", __name__, str(there.fileno()), *imports],
                env={**INLINE, **environment(folder), **ALONE},
                cwd=folder,
                pass_fds=(there.fileno(),),
                start_new_session=True,
                stdin=subprocess.DEVNULL,
            )

    def fork(self, command: Sequence[str], cwd: str, env: Mapping[str, str]) -> Forked:
        """A kernel in a process group of its own. Raises `OSError` if the zygote gives none."""
        order = {"words": command[command.index(LAUNCHER) :], "cwd": cwd, "env": dict(env)}
        with self._lock:
            if self._lines.closed:
                raise ConnectionError("the zygote was closed")
            _say(self._lines, order)
            if not (pid := self._lines.readline()):
                raise ConnectionError("the zygote has ended")
        return Forked(int(pid))

    def close(self) -> None:
        """End it; kernels that were forked from it end soon after."""
        self._process.kill()
        self._process.wait()
        with self._lock:
            self._lines.close()


def environment(temporary: Path) -> dict[str, str]:
    """This process's, in which Python imports nothing from the current folder.

    What is temporary goes into a folder that vanishes even if the process is killed.
    """
    given = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    path = os.pathsep.join(map(os.path.abspath, given))  # an empty entry means the current folder
    return {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1", "TMPDIR": str(temporary)}


def _say(lines: IO[str], what: object) -> None:
    lines.write(json.dumps(what) + "\n")
    lines.flush()


def _prepare(imports: Iterable[str]) -> None:
    for statement in ("import ipykernel.kernelapp", *imports):
        with suppress(Exception):  # the notebook that has it will tell
            exec(statement, {})  # noqa: S102 - as its kernel does
    for name, module in list(sys.modules.items()):
        if name.startswith("cachelib.") and hasattr(module, "warm_up"):
            with suppress(Exception):
                module.warm_up()
    gc.freeze()  # or the first collection of every fork would copy it all


def _serve(connection: socket.socket) -> None:
    parent = os.getpid()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system takes away kernels that end
    with connection, connection.makefile("rw") as lines:
        while order := lines.readline():
            if not (pid := os.fork()):
                break
            os.setpgid(pid, pid)  # it does so too: now it is so, whichever comes first
            _say(lines, pid)
    if order:
        os.setpgid(0, 0)
        _become_kernel(parent, **json.loads(order))


def _become_kernel(parent: int, words: list[str], cwd: str, env: Mapping[str, str]) -> None:
    from ipykernel.kernelapp import launch_new_instance

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    random.seed()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update({**INLINE, **env})
    sys.argv = [*words, f"--IPKernelApp.parent_handle={parent}"]  # it ends when that does
    launch_new_instance()


if __name__ == "__main__":
    number, *statements = sys.argv[1:]
    _prepare(statements)
    with suppress(
        BrokenPipeError
    ):  # whoever asked was killed; a kernel that waits for it ends, too
        _serve(socket.socket(fileno=int(number)))
