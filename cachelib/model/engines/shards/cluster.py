"""Shards as tasks of a Dask cluster: one that runs somewhere, or some workers on this machine.

`distributed` is an extra, and its messages are pickles: a cluster is to be trusted like oneself.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from cachelib.errors import CachelibError
from cachelib.model.engines.shards.saying import Say
from cachelib.model.engines.shards.shard import Share
from cachelib.model.engines.shards.spool import Runner, Task, differing, on_threads, versions
from cachelib.plural import plural

LOOPBACK = "127.0.0.1"
TIMES = 3  # that a task is begun anew
PATIENCE_S = 60.0
AGAIN_S = 120.0
"""In which a lost worker has to be there again. Dask gives up on it after 15 s, for good, and of a
busy machine that is too few: no worker was left, and what was asked of them never came."""
SHARDS_A_WORKER = 32  # the smaller one is, the nearer lies what it remembers


ALLOCATION = {"MALLOC_TRIM_THRESHOLD_": 1 << 28, "MALLOC_MMAP_THRESHOLD_": 1 << 28}
"""Dask has its workers give memory back at once, and numpy's arrays are then new pages each time,
which took a fifth of a replay. So it is as it was measured to be fastest."""
WORKING = {
    **{f"distributed.nanny.pre-spawn-environ.{name}": n for name, n in ALLOCATION.items()},
    "distributed.worker.profile.enabled": False,  # of Python, while machine code runs
    "distributed.deploy.lost-worker-timeout": AGAIN_S,
    "distributed.scheduler.no-workers-timeout": 1.5 * AGAIN_S,  # or else it waits for ever
}


class ClusterError(CachelibError, RuntimeError):
    """A cluster that cannot be used, and what to do."""


class NotInstalledError(ClusterError, ValueError):
    """A cluster was asked for where what it needs is not installed: nothing was run."""


class Cluster(Protocol):
    """Who replays shards, and the folder through which they get them."""

    @property
    def folder(self) -> Path: ...
    @property
    def shards(self) -> int: ...
    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Share]]: ...


@dataclass(frozen=True)
class Processors:
    """This machine's, `jobs` at once, in the place of a cluster: with so many shards as are asked,
    of which no more are in memory."""

    jobs: int
    folder: Path
    shards: int

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Share]]:
        """The shards' shares; a `Runner`."""
        with ThreadPoolExecutor(self.jobs, "cachelib-shard") as pool:
            yield from on_threads(pool)(tasks)


@dataclass(frozen=True)
class Workers:
    """Of Dask, a process each."""

    client: Any
    folder: Path

    @property
    def count(self) -> int:
        """How many there are, at least one that may yet come."""
        return max(1, len(self.client.scheduler_info(n_workers=-1)["workers"]))

    @property
    def shards(self) -> int:
        return SHARDS_A_WORKER * self.count

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Share]]:
        """The shards' shares; a `Runner`. A task whose worker is lost is done by another."""
        from distributed import as_completed

        if tasks:
            self.seen_by_all(tasks[0].file.parent)
        futures = {
            self.client.submit(Task.run, task, pure=False, retries=TIMES): task for task in tasks
        }
        try:
            with not_lost_again():
                for future in as_completed(list(futures)):
                    yield futures[future], future.result()
        finally:
            self.client.cancel(list(futures))

    def check(self) -> None:
        """Raises `ClusterError` where workers would not give this machine's bits."""
        try:
            self.client.get_versions(check=True)
            theirs = self.client.run(versions)
        except (ImportError, AttributeError) as error:
            raise ClusterError(
                f"a worker cannot run this version of cachelib ({error}): install the same one on "
                "all workers and start them anew"
            ) from None
        except ValueError as error:
            raise ClusterError(f"the cluster's versions are not those here: {error}") from None
        for worker, found in theirs.items():
            if found != (mine := versions()):
                raise ClusterError(
                    f"the worker {worker} would not give the same bits: {differing(mine, found)}; "
                    "install the same versions and start it anew"
                )

    def seen_by_all(self, folder: Path) -> None:
        """Raises `ClusterError` where a worker does not see a folder."""
        seen = self.client.run(os.path.isdir, str(folder))
        blind = [worker for worker, sees in seen.items() if not sees]
        if blind:
            raise ClusterError(
                f"{len(blind)} of the workers {plural(len(blind), 'does', 'do')} not see"
                f" {self.folder}, the first of them {blind[0]}: name a folder that all machines"
                " share with --spool"
            )


@contextmanager
def not_lost_again() -> Iterator[None]:
    """A task that costs one worker after another, or finds none, as an error: what to do."""
    from distributed.scheduler import KilledWorker, NoWorkerError

    try:
        yield
    except KilledWorker as error:
        raise ClusterError(
            f"workers were lost again and again at the same task ({error}): most often they "
            "have too little memory; start them with more, or more of them"
        ) from None
    except NoWorkerError as error:
        raise ClusterError(f"no worker is left ({error}); start some and run it again") from None


def client_of(address: str) -> Any:
    """A cluster's client for one more process. Raises `ClusterError`."""
    from distributed import Client

    try:
        return Client(address, timeout=PATIENCE_S, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise ClusterError(f"{address}: the cluster is gone ({error})") from None


@contextmanager
def connected(
    scheduler: str | None, workers: int | None, spool: Path | None, say: Say
) -> Iterator[Workers]:
    """A cluster that listens at an address, or `workers` processes of this machine."""
    try:
        import dask
        import distributed
    except ImportError:
        raise NotInstalledError(
            "a cluster needs more than is installed: pip install 'cachelib-decisions[cluster]',"
            " or in a clone of the repository pip install -e '.[cluster]'"
        ) from None
    with ExitStack() as stack:
        folder = spool or Path(stack.enter_context(TemporaryDirectory(prefix="cachelib-spool-")))
        address = scheduler
        if address is None:
            stack.enter_context(dask.config.set(WORKING))  # also for a worker that comes later
            address = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=workers, threads_per_worker=1, host=LOOPBACK,
                    dashboard_address=f"{LOOPBACK}:0", local_directory=str(folder),
                )
            )  # fmt: skip
        try:
            client = stack.enter_context(distributed.Client(address, timeout=PATIENCE_S))
            client.wait_for_workers(workers or 1, timeout=PATIENCE_S)
        except (OSError, TimeoutError, ValueError) as error:
            raise ClusterError(
                f"{scheduler or 'the local cluster'}: no scheduler with workers answers there "
                f"({error}); start one with `dask scheduler` and `dask worker`"
            ) from None
        cluster = Workers(client, folder)
        say(f"dashboard: {client.dashboard_link}")
        cluster.check()
        yield cluster


__all__ = [
    "Cluster",
    "ClusterError",
    "Processors",
    "Runner",
    "Workers",
    "client_of",
    "connected",
    "not_lost_again",
]
