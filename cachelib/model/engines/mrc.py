"""Miss ratio curves: the hits of every LRU size in one pass over the requests.

A request hits an LRU cache of C entries iff fewer than C other keys came since its key's last
request (Mattson et al., IBM Systems Journal 9 (1970)); the distances are counted with a Fenwick
tree over last-request times. Sampling is by key (SHARDS: Waldspurger et al., FAST 2015).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cachelib.model.engines.compiler import compiled
from cachelib.model.engines.random import key_of, mixed
from cachelib.model.traffic.logs import Reading, in_order
from cachelib.model.traffic.remarks import CURVE, DECISION, answered, in_words, remarks, unanswered
from cachelib.model.traffic.trace import READ, Trace
from cachelib.plural import plural

NONE_OF_ITS_BUSINESS = ("invented", "mixed", "one-placed")
"""Kinds of remarks on a log: of times and places, of which a stack distance knows nothing."""
DRAWN = "not known: the requests that the log leaves out are drawn from a model of it"
GROUPS = 8  # parts of a sample, whose spread gives the error


@dataclass(frozen=True)
class Curve:
    """Hits and hit ratio by number of entries; `error` is the standard error of the ratios."""

    requests: int
    keys: int
    entries: npt.NDArray[np.int64]
    hits: npt.NDArray[np.float64]
    sample_rate: float = 1.0
    error: npt.NDArray[np.float64] | None = None

    @property
    def hit_ratio(self) -> npt.NDArray[np.float64]:
        return self.hits / self.requests

    def as_dict(self) -> dict[str, Any]:
        """What `cachelib mrc --json` prints."""
        rows = []
        for i, size in enumerate(self.entries.tolist()):
            hits = self.hits[i]
            row = {
                "entries": size,
                "hits": int(hits) if self.error is None else round(float(hits), 1),
                "hit_ratio": float(hits / self.requests),
            }
            if self.error is not None:
                row["standard_error"] = float(self.error[i])
            rows.append(row)
        return {
            "requests": self.requests,
            "keys": self.keys,
            "exact": self.error is None,
            "sample_rate": self.sample_rate,
            "curve": rows,
        }


def miss_ratio_curve(
    pieces: Iterable[Trace],
    sizes: Sequence[int] | None = None,
    *,
    sample_rate: float = 1.0,
    logged: float = 1.0,
    seed: int = 0,
) -> Curve:
    """The curve at `sizes` (default: about 100 from one entry to all keys, evenly on a log scale).

    Every request counts as a use of its key. With `sample_rate` below 1, only keys whose hash
    falls below it are followed: time and memory shrink by as much, and the result has an error.
    `logged`: the share of all keys whose requests these are; the sizes are of a cache for all.
    """
    if not 0 < sample_rate <= 1:
        raise ValueError(f"sample_rate must be above 0 and at most 1, not {sample_rate}")
    if sizes is not None and min(sizes, default=1) < 1:
        raise ValueError("sizes must be 1 entry or more")
    whole, groups = _Distances(), [_Distances() for _ in range(GROUPS)]
    requests = keys = 0
    rate = sample_rate * logged
    for piece in pieces:
        requests, keys = requests + len(piece), max(keys, len(piece.keys))
        if rate == 1:
            whole.add(piece.key)
            continue
        sampled, group = _sample(piece.key, sample_rate, seed)
        whole.add(sampled)
        for number, distances in enumerate(groups):
            distances.add(sampled[group == number])
    every = round(keys / logged)
    chosen = _log_sizes(every) if sizes is None else np.unique(np.array(sizes, np.int64))
    if rate == 1:
        return Curve(requests, keys, chosen, whole.hits(chosen).astype(np.float64))
    ratio = whole.hit_ratio(chosen, rate, requests / logged)
    ratios = np.array([g.hit_ratio(chosen, rate / GROUPS, requests / logged) for g in groups])
    error = ratios.std(axis=0, ddof=1) / np.sqrt(GROUPS)
    return Curve(requests, keys, chosen, ratio * requests, rate, error)


def mrc_log(
    log: Path | Sequence[Path],
    *,
    sizes: Sequence[int] | None = None,
    sample_rate: float = 1.0,
    reading: Reading | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """The curve of a log, read piece by piece: what `cachelib mrc --json` prints."""

    changes = 0
    by_key = 1.0 if reading is None else reading.of_keys

    def counted(pieces: Iterator[Trace]) -> Iterator[Trace]:
        nonlocal changes
        for piece in pieces:
            changes += int((piece.op != READ).sum())
            yield piece

    def curve(pieces: Iterator[Trace]) -> Curve:
        pieces = counted(pieces)
        return miss_ratio_curve(pieces, sizes, sample_rate=sample_rate, logged=by_key, seed=seed)

    stream, found = in_order(log, reading, curve)
    notes = [_of_changes(changes, found.requests)] if changes else []
    skipped = stream.coder.skipped
    told = remarks(stream.coder.account, stream.reading)
    told = tuple(remark for remark in told if remark.kind not in NONE_OF_ITS_BUSINESS)
    answered(told, CURVE)
    is_drawn = stream.reading.rate < by_key
    return (
        found.as_dict()
        | ({"exact": False, "error": DRAWN} if is_drawn else {})
        | {
            "skipped_lines": skipped.lines,
            "remarks": in_words(told),
            "carries_a_decision": not unanswered(told, DECISION),
            "notes": [*stream.coder.notes, *notes],
        }
    )


def _of_changes(changes: int, requests: int) -> str:
    change = plural(changes, "writes or deletes", "write or delete")
    share = f"{changes:,} of {requests:,} {plural(requests, 'request')} {change}"
    return f"{share}: each counts as a use of its key, so hits and hit ratio are of them, too"


class _Distances:
    """A histogram of LRU stack distances, fed piece by piece."""

    def __init__(self) -> None:
        self.last = np.empty(0, np.int64)  # by key: the position of its last request, 0 for none
        self.counts = np.zeros(1, np.int64)
        self.requests = 0

    def add(self, key: npt.NDArray[np.int32]) -> None:
        if not len(key):
            return
        self.last = _grown(self.last, int(key.max()) + 1)
        live = np.flatnonzero(self.last)
        self.last[live[np.argsort(self.last[live])]] = np.arange(1, len(live) + 1)
        tree = _tree_of_ones(len(live), len(live) + len(key) + 1)
        self.counts = _grown(self.counts, len(tree) + 1)
        _count(key, self.last, tree, self.counts, len(live))
        self.requests += len(key)

    def hits(self, sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        cumulative = np.cumsum(self.counts)
        taken: npt.NDArray[np.int64] = cumulative[np.minimum(sizes, len(cumulative) - 1)]
        return taken

    def hit_ratio(
        self, sizes: npt.NDArray[np.int64], rate: float, requests: float
    ) -> npt.NDArray[np.float64]:
        """Of this sample: a distance stands for 1/rate of it, and the sample's size for its share.

        A sample that caught too many requests caught popular keys, whose hits any size has
        (the SHARDS-adj correction).
        """
        scaled = np.maximum((sizes * rate).astype(np.int64), 0)
        expected = rate * requests
        return np.clip((self.hits(scaled) + expected - self.requests) / expected, 0, 1)


def _sample(
    key: npt.NDArray[np.int32], rate: float, seed: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """The requests whose keys are followed, and the group that each key belongs to."""
    codes = np.uint64(key_of(seed, 0)) ^ key.astype(np.uint64)
    place = mixed(codes) / 2.0**64 / rate
    chosen = place < 1
    return key[chosen], (place[chosen] * GROUPS).astype(np.int64)


def _log_sizes(keys: int) -> npt.NDArray[np.int64]:
    return np.unique(np.geomspace(1, max(keys, 1), 100).round().astype(np.int64))


def _grown(array: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.int64]:
    return np.concatenate([array, np.zeros(max(0, length - len(array)), np.int64)])


def _tree_of_ones(ones: int, length: int) -> npt.NDArray[np.int64]:
    """A Fenwick tree over positions 1..length-1 that holds a one at each of the first `ones`."""
    position = np.arange(length)
    covered_from = position - (position & -position)
    tree: npt.NDArray[np.int64] = np.clip(np.minimum(position, ones) - covered_from, 0, None)
    return tree


@compiled
def _count(key, last, tree, counts, now):  # type: ignore[no-untyped-def]
    """For each request, the number of keys used since its key's last one, that key included."""
    live = now
    for k in key:
        now += 1
        if last[k]:
            older, at = 0, last[k] - 1
            while at > 0:
                older += tree[at]
                at -= at & -at
            counts[live - older] += 1
            at = last[k]
            while at < len(tree):
                tree[at] -= 1
                at += at & -at
        else:
            live += 1
        last[k] = now
        at = now
        while at < len(tree):
            tree[at] += 1
            at += at & -at
