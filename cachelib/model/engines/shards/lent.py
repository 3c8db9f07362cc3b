"""Whole replays as tasks of a cluster that another process has lent to this one.

A report makes a hundred or two of them in its notebooks' kernels: designs, points of sweeps, points
at which formulas are held against a simulation. Requests lie in a file of the cluster's folder,
written once under a name for their content; a task reads it and depends on nothing else, so a
worker that is lost costs no more than its tasks, which others do again.
"""

from __future__ import annotations

import json
import os
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from threading import Lock, get_ident
from typing import Any, TypeVar

from cachelib.model.engines.shards.cluster import (
    TIMES,
    ClusterError,
    Workers,
    client_of,
    not_lost_again,
)
from cachelib.model.engines.shards.packing import read_trace, write_trace
from cachelib.model.engines.shards.saying import EVERY_S, Say
from cachelib.model.engines.shards.spool import DifferentVersionsError, differing, versions
from cachelib.model.schema.scratch import scratch
from cachelib.model.traffic.trace import Trace
from cachelib.plural import plural

LENT = "CACHELIB_CLUSTER"
"""In the environment of those who may use a cluster: where it is, as JSON."""
WORTH_SENDING = 1 << 16  # requests; fewer are replayed before a message is there
READ = 4  # files of requests that a worker keeps in memory

Done = TypeVar("Done")


@contextmanager
def lent(cluster: Workers, say: Say) -> Iterator[None]:
    """Processes that are started meanwhile replay on the cluster; `say` is told how often."""
    with scratch("cachelib-requests-", cluster.folder) as folder:
        cluster.seen_by_all(folder)
        client, workers = cluster.client, cluster.count
        told = _Told(say, workers)
        client.subscribe_topic(folder.name, told)
        os.environ[LENT] = json.dumps([client.scheduler.address, str(folder), workers])
        try:
            yield
        finally:
            del os.environ[LENT]
        told.finish(client.get_events(folder.name))


class _Told:
    """Counts what processes tell of their replays, and says it now and then."""

    def __init__(self, say: Say, workers: int) -> None:
        self.say, self.workers, self.done, self.last = say, workers, 0, time.monotonic()

    def __call__(self, event: object) -> None:
        self.done += 1
        if time.monotonic() - self.last >= EVERY_S:
            self._say()

    def finish(self, events: Sequence[object]) -> None:
        """All that the scheduler has heard; it keeps a thousand, and the last may not be here."""
        self.done = max(self.done, len(events))
        self._say()

    def _say(self) -> None:
        self.last = time.monotonic()
        replays, workers = plural(self.done, "replay"), plural(self.workers, "worker")
        self.say(f"{self.done} {replays} done by {self.workers} {workers}")


class Borrowed:
    """The cluster, for the process that may use it."""

    def __init__(self, address: str, folder: str, workers: int) -> None:
        self.folder, self.workers, self.client = Path(folder), workers, client_of(address)
        self._files: dict[int, tuple[weakref.ref[Trace], Path]] = {}

    def replayed(self, run: Callable[..., Done], trace: Trace, **settings: Any) -> Done:
        """What `run` makes of a trace, by whichever worker is free."""
        task = (run, str(self._file(trace)), settings, versions())
        try:
            with not_lost_again():
                done: Done = self.client.submit(_there, *task, pure=False, retries=TIMES).result()
            self.client.log_event(self.folder.name, None)
        except (CancelledError, OSError) as error:
            raise ClusterError(
                f"the cluster is gone, or a worker does not see {self.folder} ({error!r})"
            ) from None
        return done

    def _file(self, trace: Trace) -> Path:
        """Where the requests lie. Traces do not change, so one that was written is known again."""
        known, file = self._files.get(id(trace), (None, None))
        if known is None or file is None or known() is not trace:
            file = self._written(trace)
            self._files[id(trace)] = weakref.ref(trace), file
        return file

    def _written(self, trace: Trace) -> Path:
        packed = BytesIO()
        write_trace(packed, trace)
        content = packed.getbuffer()
        file = self.folder / sha256(content).hexdigest()
        if not file.exists():
            new = file.with_suffix(f".{os.getpid()}-{get_ident()}")
            new.write_bytes(content)
            new.replace(file)
        return file


_opening = Lock()


def workers() -> int:
    """How many this process was lent; 0 for no cluster."""
    said = os.environ.get(LENT)
    return int(json.loads(said)[2]) if said else 0


def borrowed(requests: int) -> Borrowed | None:
    """The cluster that this process was lent, if it was and so many requests are worth a task."""
    said = os.environ.get(LENT)
    if not said or requests < WORTH_SENDING:
        return None
    with _opening:
        return _connected(said)


@lru_cache(1)
def _connected(said: str) -> Borrowed:
    return Borrowed(*json.loads(said))


def _there(
    run: Callable[..., Done], file: str, settings: dict[str, Any], theirs: dict[str, str]
) -> Done:
    """On a worker. Raises `DifferentVersionsError`, `OSError`."""
    if theirs != (mine := versions()):
        raise DifferentVersionsError(differing(theirs, mine))
    return run(_read(file), **settings)


@lru_cache(READ)
def _read(file: str) -> Trace:
    with Path(file).open("rb") as packed:
        return read_trace(packed)
