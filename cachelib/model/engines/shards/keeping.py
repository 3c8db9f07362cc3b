"""Shards that were replayed, kept until all of a run are: one that is interrupted goes on.

A share is kept by the content of all that it depends on, the requests themselves among it, so one
of another log, design or version is never taken for it. What is kept is no code and not trusted:
what cannot be read is replayed.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from cachelib.model.engines.compiled.engine import Sums
from cachelib.model.engines.shards.saying import Say
from cachelib.model.engines.shards.shard import Share
from cachelib.model.engines.shards.spool import Runner, Task
from cachelib.model.engines.tally import Tally
from cachelib.model.schema import budget
from cachelib.plural import plural

FOLDER = "cachelib-replayed"
LONG_S = 30 * 86_400.0
UNREADABLE = (OSError, ValueError, KeyError, EOFError, BadZipFile)


@contextmanager
def told_if_interrupted(spool: Path | None, say: Say) -> Iterator[None]:
    """Whoever ends the run meanwhile is told how many shards are kept for the next."""
    try:
        yield
    except KeyboardInterrupt:
        kept = len(list((spool / FOLDER).glob("*.npz"))) if spool else 0
        if kept:
            are = plural(kept, "shard is", "shards are")
            say(f"{kept} {are} kept in {spool}: the same command goes on from there")
        raise


def going_on(spool: Path, runner: Runner) -> Runner:
    """The runner, which keeps in a folder what it has done, and takes from there what it had."""
    folder = spool / FOLDER

    def run(tasks: Sequence[Task]) -> Iterator[tuple[Task, Share]]:
        folder.mkdir(mode=0o700, exist_ok=True)
        _sweep(folder)
        # to read all that is in the files takes a while
        with ThreadPoolExecutor(budget.allowed(budget.processors())) as pool:
            contents = pool.map(Task.content, tasks)
        files = {
            id(task): folder / f"{name}.npz" for task, name in zip(tasks, contents, strict=True)
        }
        left = []
        for task in tasks:
            share = _read(files[id(task)], task)
            if share is None:
                left.append(task)
            else:
                yield task, share
        for task, share in runner(left):
            _write(files[id(task)], share)
            yield task, share
        for file in files.values():  # all is told, so nothing need go on
            file.unlink(missing_ok=True)

    return run


def _sweep(folder: Path) -> None:
    """Remove what nobody came back for."""
    for file in folder.glob("*.npz*"):
        with suppress(OSError):
            if file.stat().st_mtime < time.time() - LONG_S:
                file.unlink()


def _write(file: Path, share: Share) -> None:
    """Under its name when it is whole, or not at all: a disk that is full stops no run."""
    new = file.with_suffix(f".npz-{os.getpid()}")
    with suppress(OSError):
        with new.open("wb") as out:
            np.savez(out, allow_pickle=False, **_columns(share))
        new.replace(file)


def _read(file: Path, task: Task) -> Share | None:
    try:
        with file.open("rb") as raw, np.load(raw, allow_pickle=False) as kept:
            return _share(kept, Tally(task.design, task.platform, task.seed))
    except UNREADABLE:
        return None


def _columns(share: Share) -> dict[str, npt.NDArray[Any]]:
    sums, tally = share.sums, share.tally
    whole = {
        "counts": sums.counts,
        "stored": str(sums.stored),
        "totals": [[str(n) for n in each.total.tolist()] for each in tally.histograms],
    }
    return {
        "whole": np.array(json.dumps(whole)),
        "listed": sums.listed,
        "codes": tally.codes,
        **{f"histogram-{nth}": each.counts for nth, each in enumerate(tally.histograms)},
    }


def _share(kept: Mapping[str, npt.NDArray[Any]], tally: Tally) -> Share:
    whole = json.loads(str(kept["whole"]))
    tally.codes = kept["codes"]
    for nth, each in enumerate(tally.histograms):
        each.counts = kept[f"histogram-{nth}"]
        each.total = np.array([int(n) for n in whole["totals"][nth]], object)
    return Share(Sums(whole["counts"], int(whole["stored"]), kept["listed"]), tally)
