"""Rows of a log to the columns of a trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cachelib.model.traffic.logs.source import LogError
from cachelib.model.traffic.trace import Skipped, Trace

UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}


class Codes:
    """Names as consecutive numbers, in order of first use."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._code: dict[Any, int] = {}

    def of(self, column: pa.Array) -> npt.NDArray[np.int32]:
        coded, known, code = pc.dictionary_encode(column), len(self.names), self._code
        values = coded.dictionary.to_pylist()
        own = np.array([code.setdefault(value, len(code)) for value in values], np.int32)
        self.names += [str(values[i]) for i in np.flatnonzero(own >= known)]
        codes: npt.NDArray[np.int32] = own[coded.indices.to_numpy()]
        return codes


class Coder:
    """Turns batches of rows into pieces of a trace and keeps account of what was no request."""

    def __init__(self, files: list[Path], unit: str, requests_per_s: float) -> None:
        self.files, self.unit, self.rate = files, unit, requests_per_s
        self.keys, self.colos = Codes(), Codes()
        self.notes: list[str] = []
        self.requests = self.repeated = self.unordered = 0
        self._bad: list[tuple[int, int, str]] = []
        self._bad_lines = 0
        self._last = -np.inf

    @property
    def skipped(self) -> Skipped:
        if not self._bad:
            return Skipped()
        file, line, reason = min(self._bad)
        where = f"{self.files[file].name}: " if len(self.files) > 1 else ""
        return Skipped(self._bad_lines, line, where + reason)

    def take(self, batch: pa.RecordBatch) -> Trace:
        if batch["_reason"].null_count < len(batch):
            good = pc.is_null(batch["_reason"])
            broken, batch = batch.filter(pc.invert(good)), batch.filter(good)
            columns = (broken[name].to_pylist() for name in ("_file", "_line", "_reason"))
            self.reject(list(zip(*columns, strict=True)))
        return self._piece(batch)

    def reject(self, rows: list[tuple[int, int, str]]) -> None:
        """Count rows that are no requests, and remember the first."""
        self._bad_lines += len(rows)
        self._bad = [min([*self._bad, *rows])] if rows else self._bad

    def finish(self, *, filtered: bool) -> None:
        """Say what was noticed; no request at all is an error."""
        if not self.requests:
            raise LogError(f"{self.files[0]}: {self._nothing(filtered)}")
        if self.repeated:
            self.notes.append(f"{self.repeated} requests have the time of the one before")

    def _nothing(self, filtered: bool) -> str:
        skipped = self.skipped
        if skipped.lines:
            return (
                f"none of its {skipped.lines} lines is a request;"
                f" line {skipped.first_line}: {skipped.reason}"
            )
        return "the filter keeps none of its requests" if filtered else "the file is empty"

    def _piece(self, batch: pa.RecordBatch) -> Trace:
        time = self._times(batch["time"], len(batch))
        self._watch_order(time)
        self.requests += len(batch)
        ttl = batch["ttl"].to_numpy().astype(np.float32)
        return Trace(
            time_s=time,
            key=self.keys.of(batch["key"]),
            colo=self.colos.of(pc.fill_null(batch["colo"], "")).astype(np.int16),
            op=batch["op"].to_numpy().astype(np.uint8),
            size=batch["size"].to_numpy().astype(np.int32),
            keys=self.keys.names,
            colos=self.colos.names,
            ttl_s=ttl if ttl.any() else None,
        )

    def _times(self, column: pa.Array, n: int) -> npt.NDArray[np.float64]:
        if column.null_count:
            if not self.requests:
                self.notes.append(f"the log has no times: taken as {self.rate:g} a second")
            return np.arange(self.requests, self.requests + n, dtype=np.float64) / self.rate
        time: npt.NDArray[np.float64] = column.to_numpy()
        if self.unit == "auto" and n:
            self.unit = _unit(float(np.median(time)))
            if self.unit != "s":
                self.notes.append(f"times are in {self.unit}: taken as such")
        return np.divide(time, UNITS.get(self.unit, 1.0))

    def _watch_order(self, time: npt.NDArray[np.float64]) -> None:
        if len(time):
            step = np.diff(time, prepend=self._last)
            self.repeated += int((step == 0).sum())
            self.unordered += int((step < 0).sum())
            self._last = time[-1]


def joined(pieces: list[Trace], coder: Coder) -> Trace:
    """The pieces as one trace, sorted by time; requests of one time stay as logged."""
    if coder.unordered:
        coder.notes.append(f"{coder.unordered} requests were out of order: sorted by time")
    time = np.concatenate([p.time_s for p in pieces])
    order = np.argsort(time, kind="stable") if coder.unordered else slice(None)
    ttls = [np.zeros(len(p), np.float32) if p.ttl_s is None else p.ttl_s for p in pieces]
    return Trace(
        time_s=time[order],
        key=np.concatenate([p.key for p in pieces])[order],
        colo=np.concatenate([p.colo for p in pieces])[order],
        op=np.concatenate([p.op for p in pieces])[order],
        size=np.concatenate([p.size for p in pieces])[order],
        keys=coder.keys.names,
        colos=coder.colos.names,
        skipped=coder.skipped,
        notes=tuple(coder.notes),
        ttl_s=np.concatenate(ttls)[order] if any(p.ttl_s is not None for p in pieces) else None,
    )


def _unit(time: float) -> str:
    """Seconds since 1970 stay below 1e11 until the year 5138; what is larger is a finer unit."""
    return "s" if time < 1e11 else "ms" if time < 1e14 else "us" if time < 1e17 else "ns"
