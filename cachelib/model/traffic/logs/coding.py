"""Rows of a log to the columns of a trace, with an account of every row."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cachelib.model.platforms.colos import UnknownColoError, coordinates
from cachelib.model.traffic.account import THE_FILTER, Account
from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs.hashing import HashedCodes
from cachelib.model.traffic.logs.numbering import Codes, Codes32
from cachelib.model.traffic.logs.once import Once
from cachelib.model.traffic.logs.source import LogError
from cachelib.model.traffic.logs.steps import NO_TIME, SHOWN
from cachelib.model.traffic.logs.turning import put_back
from cachelib.model.traffic.trace import Skipped, Trace, one_after_another
from cachelib.plural import none_of_its, plural

UNIT_NAMES = ("text", "s", "ms", "us", "ns")
IATA = re.compile(r"([A-Za-z]{3})(?:[^A-Za-z\-].*)?")
LONG_AGO = 1e8  # seconds since 1970: March 1973
TOO_EARLY = "a time before 1973, where the others are later"
# Stands between host and key until it is known whether there are several hosts: a character that
# Unicode keeps free of meaning.
HOST_END = "\uffff"


class Coder:
    """Turns batches of rows into pieces of a trace and keeps account of what was no request."""

    def __init__(self, files: list[Path], reading: Reading, names: Path | None = None) -> None:
        """`names`: a folder for the keys' names, if there are too many for memory."""
        self.files, self.reading = files, reading
        self.keys: Codes | HashedCodes = Codes() if names is None else HashedCodes(names)
        self.colos = Codes()
        self.notes: list[str] = []
        self.requests = self.repeated = self.unordered = self.undecided = self.unplaced = 0
        self.untimed = False
        self.put_back: list[float] = []
        self.hosts: set[str] = set()
        self.units: Counter[str] = Counter()
        self.filtered: Counter[str] = Counter()
        self.sampled: Counter[float] = Counter()
        self.reasons: Counter[str] = Counter()
        self.shares: dict[str, Counter[str]] = {}
        self.account: Account | None = None
        self.own_places = False
        """Whether a data centre may have a name of its vendor's own."""
        self.hint: Callable[[], str] = str
        """What to do where no time can be read."""
        self._first_bad: tuple[int, int, str] | None = None
        self._once = Once()
        self._rows: list[npt.NDArray[np.uint64]] = []  # what each says, as a number
        self._hosted: bool | None = None  # whether its keys' names begin with a host
        self._dated: bool | None = None  # whether its times are dates, and not seconds of a trace
        self._colo: dict[str, str | None] = {}
        self._last, self._last_file = -np.inf, 0
        self._first_s, self._last_s = np.inf, -np.inf

    @property
    def skipped(self) -> Skipped:
        if self._first_bad is None:
            return Skipped()
        file, line, reason = self._first_bad
        where = f"{self.files[file].name}: " if len(self.files) > 1 else ""
        return Skipped(self.reasons.total(), line, where + reason)

    def take(self, batch: pa.RecordBatch) -> Trace:
        """The requests among the rows; all others are counted."""
        if "whole" in batch.schema.names and not batch["whole"].null_count:
            self._rows.append(batch["whole"].to_numpy().copy())  # a view would keep all columns
        if batch["skipped"].null_count < len(batch):
            batch = self._reject(batch, batch["skipped"])
        batch = self._of_one_age(self._once.of(batch))
        if batch["filtered"].null_count < len(batch):
            good = pc.is_null(batch["filtered"])
            self.filtered.update(_counted(batch["filtered"].drop_null()))
            self._describe(batch)
            batch = batch.filter(good)
        else:
            self._describe(batch)
        colos, places = self._places(batch["colo"])
        if None in places:
            faults = pa.array(
                [
                    None if place is not None else f"an unknown data centre {name!r}"
                    for name, place in zip(colos.dictionary.to_pylist(), places, strict=True)
                ],
                pa.string(),
            )
            batch = self._reject(batch, faults.take(colos.indices))
            colos, places = self._places(batch["colo"])
        return self._piece(batch, pa.array(places, pa.string()), colos.indices.to_numpy())

    def _of_one_age(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Without times that were never set, as 0 is, where the others are dates."""
        time = batch["time"]
        if self._dated is None and time.null_count < len(time):
            self._dated = bool(np.median(time.drop_null().to_numpy()) > LONG_AGO)
        if not self._dated:
            return batch
        early = pc.fill_null(pc.less(time, LONG_AGO), False)
        early = pc.and_(early, pc.is_null(batch["filtered"]))
        if not pc.any(early).as_py():
            return batch
        return self._reject(batch, pc.if_else(early, TOO_EARLY, pa.scalar(None, pa.string())))

    def _places(self, column: pa.Array) -> tuple[pa.DictionaryArray, list[str | None]]:
        """The names, each once, and the data centres that they are."""
        colos = pc.dictionary_encode(column, null_encoding="encode")
        return colos, [self._place(name or "") for name in colos.dictionary.to_pylist()]

    def _place(self, name: str) -> str | None:
        """The data centre's IATA code, empty for none, None for one that is no airport."""
        if name not in self._colo:
            found = _airport(name)
            self._colo[name] = "" if found is None and self.own_places else found
        return self._colo[name]

    def _reject(self, batch: pa.RecordBatch, reasons: pa.Array) -> pa.RecordBatch:
        """Count the rows that have a reason, remember the first, and return the others."""
        good = pc.is_null(reasons)
        broken = batch.filter(pc.invert(good))
        told = reasons.drop_null()
        self.reasons.update(_counted(told))
        rows = zip(
            broken["_file"].to_pylist(), broken["_line"].to_pylist(), told.to_pylist(), strict=True
        )
        first = min(rows, default=None)
        if first is not None and (self._first_bad is None or first < self._first_bad):
            self._first_bad = first
        return batch.filter(good)

    @property
    def twins(self) -> int:
        """Rows that say, to the letter, what another says; 0 where nobody asked."""
        rows = np.concatenate([np.zeros(0, np.uint64), *self._rows])
        return len(rows) - len(np.unique(rows))

    def _describe(self, batch: pa.RecordBatch) -> None:
        for column in batch.schema.names:
            if column.startswith(SHOWN):
                seen = self.shares.setdefault(column.removeprefix(SHOWN), Counter())
                seen.update(_counted(pc.fill_null(batch[column], "")))

    def finish(
        self, rows: int, name: str, why: str, mapping: dict[str, str], unread: int = 0
    ) -> None:
        """Close the account; no request at all is an error that says why."""
        self._name_keys()
        keys, tracked = self.keys.counted()
        if not self.requests:
            raise LogError(f"{self.files[0]}: {self._nothing()}")
        self.account = Account(
            format=name, why=why, rows=rows, requests=self.requests,
            filtered=dict(self.filtered.most_common()), skipped=dict(self.reasons.most_common()),
            mapping=mapping, units=dict(self.units), undecided=self.undecided,
            unplaced=self.unplaced, repeated=self.repeated, unordered=self.unordered,
            twins=self.twins, put_back=tuple(self.put_back) if set(self.units) == {"text"} else (),
            hosts=len(self.hosts), sampled=dict(self.sampled), untimed=self.untimed,
            span_s=float(self._last_s - self._first_s),
            rate_given=self.reading.requests_per_s is not None,
            keys=keys, tracked=tracked, unread=unread,
        )  # fmt: skip
        self._note()

    def _note(self) -> None:
        if self.repeated:
            have = plural(self.repeated, "request has", "requests have")
            self.notes.append(f"{self.repeated} {have} the time of the one before")
        finer = [unit for unit in self.units if unit not in ("text", "s")]
        if len(self.units) > 1:
            told = ", ".join(f"{n} in {_unit(unit)}" for unit, n in self.units.items())
            self.notes.append(f"times are in several units, told row by row: {told}")
        elif finer:
            self.notes.append(f"times are in {finer[0]}: taken as such")
        if self.untimed:
            rate = self.reading.requests_per_s or 1.0
            self.notes.append(f"the log has no times: taken as {rate:g} a second")
        self.notes += [
            f"{n} {plural(n, 'row')} ignored: {why}" for why, n in self.filtered.most_common()
        ]
        if self.undecided:
            self.notes.append(
                f"{self.undecided} of {self.requests} {plural(self.requests, 'request')}"
                f" {plural(self.undecided, 'is a POST and counts', 'are POST and count')} as reads,"
                " which a cache does not do unless told: say methods: {POST: read}, write or ignore"
                " (--method POST=ignore)"
            )
        if self.unplaced:
            name = plural(self.unplaced, "names", "name")
            of = f"{self.requests} {plural(self.requests, 'request')}"
            self.notes.append(f"{self.unplaced} of {of} {name} no data centre")
        if len(self.hosts) > 1:
            self.notes.append(f"{len(self.hosts)} hosts: the host is part of the key")

    def _name_keys(self) -> None:
        """Take the host into the names where there are several, and out of them otherwise."""
        names = self.keys.names
        if not self._hosted:
            self.hosts = set()
        elif names:
            several = len(self.hosts) > 1
            names[:] = [
                name.replace(HOST_END, "", 1) if several else name.partition(HOST_END)[2]
                for name in names
            ]

    def _nothing(self) -> str:
        skipped, filtered = self.skipped, self.filtered
        if skipped.lines:
            others = plural(filtered.total(), "other is", "others are")
            also = f"; {filtered.total()} {others} ignored" if filtered else ""
            return (
                f"{none_of_its(skipped.lines, 'line')} a request;"
                f" line {skipped.first_line}: {skipped.reason}{also}"
                f"{self.hint() if skipped.reason == NO_TIME else ''}"
            )
        if filtered and list(filtered) == [THE_FILTER]:
            return "the filter keeps none of its requests"
        if filtered:
            told = ", ".join(f"{n} {why}" for why, n in filtered.most_common(5))
            return (
                f"{none_of_its(filtered.total(), 'row')} a request"
                f" that a cache may answer: {told}."
                " Say what they are with methods, statuses or keep (--method POST=read,"
                " --status 503=read, --keep subrequests)"
            )
        return "there is a header, and no row below it"

    def _piece(self, batch: pa.RecordBatch, places: pa.Array, at: npt.NDArray[np.int32]) -> Trace:
        """The requests; `at` says in which of the places each was."""
        time = self._times(batch["time"], len(batch))
        self._watch_order(time, batch["_file"].to_numpy())
        self.requests += len(batch)
        if batch["sampled"].null_count < len(batch):
            for row in pc.value_counts(batch["sampled"].drop_null()).to_pylist():
                self.sampled[row["values"]] += row["counts"]
        self.undecided += pc.sum(batch["undecided"]).as_py() or 0
        units = np.bincount(batch["unit"].to_numpy(), minlength=len(UNIT_NAMES))
        if not self.untimed:
            self.units.update({UNIT_NAMES[i]: int(units[i]) for i in np.flatnonzero(units)})
        nowhere = pc.equal(places, "").to_numpy(zero_copy_only=False)
        self.unplaced += int(nowhere[at].sum())
        ttl = batch["ttl"].to_numpy().astype(np.float32)
        return Trace(
            time_s=time,
            key=self._keys(batch),
            colo=self.colos.of(places)[at].astype(np.int16),
            op=batch["op"].to_numpy().astype(np.uint8),
            size=batch["size"].to_numpy().astype(np.int32),
            keys=self.keys.names,
            colos=self.colos.names,
            ttl_s=ttl if ttl.any() else None,
        )

    def _keys(self, batch: pa.RecordBatch) -> Codes32:
        """The numbers of the keys with their hosts: each pair is named once, not each request."""
        has_hosts = batch["host"].null_count < len(batch)
        if self._hosted is None and len(batch):
            self._hosted = has_hosts
        if not has_hosts and not self._hosted:
            hashes = batch["hash"].to_numpy() if "hash" in batch.schema.names else None
            return self.keys.of(batch["key"], hashes)
        hosts = pc.dictionary_encode(batch["host"], null_encoding="encode")
        keys = pc.dictionary_encode(batch["key"])
        self.hosts.update(pc.fill_null(hosts.dictionary, "").to_pylist())
        several = max(len(keys.dictionary), 1)
        coded = hosts.indices.to_numpy().astype(np.int64) * several + keys.indices.to_numpy()
        pairs = pc.dictionary_encode(pa.array(coded))
        each = pairs.dictionary.to_numpy()
        host = pc.fill_null(hosts.dictionary, "").take(each // several)
        names = pc.binary_join_element_wise(host, keys.dictionary.take(each % several), HOST_END)
        codes: Codes32 = self.keys.numbers(names.to_pylist())[pairs.indices.to_numpy()]
        return codes

    def _times(self, column: pa.Array, n: int) -> npt.NDArray[np.float64]:
        if column.null_count:
            self.untimed = True
            rate = self.reading.requests_per_s or 1.0
            return np.arange(self.requests, self.requests + n, dtype=np.float64) / rate
        # a view of Arrow's memory cannot be written to, and other machine code would be made for it
        time: npt.NDArray[np.float64] = column.to_numpy().copy()
        return time

    def _watch_order(self, time: npt.NDArray[np.float64], file: npt.NDArray[np.int64]) -> None:
        if len(time):
            self.put_back += put_back((self._last, self._last_file), time, file)
            self._last_file = int(file[-1])
            step = np.diff(time, prepend=self._last)
            self.repeated += int((step == 0).sum())
            self.unordered += int((step < 0).sum())
            self._last = time[-1]
            self._first_s = min(self._first_s, time.min())
            self._last_s = max(self._last_s, time.max())


def joined(pieces: list[Trace], coder: Coder) -> Trace:
    """The pieces as one trace, sorted by time; requests of one time stay as logged."""
    trace = one_after_another(pieces)
    if coder.unordered:
        were = plural(coder.unordered, "request was", "requests were")
        coder.notes.append(f"{coder.unordered} {were} out of order: sorted by time")
        trace = trace.only(np.argsort(trace.time_s, kind="stable"))
    return replace(
        trace,
        keys=coder.keys.names,
        colos=coder.colos.names,
        skipped=coder.skipped,
        notes=tuple(coder.notes),
        account=coder.account,
    )


def _counted(column: pa.Array) -> dict[str, int]:
    return {str(row["values"]): row["counts"] for row in pc.value_counts(column).to_pylist()}


def _airport(name: str) -> str | None:
    """The code that a name begins with: LHR of LHR62-C1, IAD of iad1."""
    if name in ("", "-"):
        return ""
    found = IATA.fullmatch(name)
    code = found[1].upper() if found else name
    try:
        coordinates(code)
    except UnknownColoError:
        return None
    return code


def _unit(name: str) -> str:
    return "words (RFC 3339)" if name == "text" else name
