"""Names as consecutive numbers, in a third of the memory that a dictionary of them takes."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cachelib.model.traffic.logs.recipes import TRACKING

TRACKED = re.compile(rf"[?&]{TRACKING}(?:=|&|$)")
Numbers = npt.NDArray[np.int64]
Codes32 = npt.NDArray[np.int32]
Hashes = npt.NDArray[np.uint64]
SLOTS, SHIFTS = 1 << 21, (0, 32)
MOST_KNOWN, FEW = 1 << 20, 1 << 12


def is_tracked(name: str) -> bool:
    """Whether it has a parameter that follows its reader."""
    return "?" in name and TRACKED.search(name) is not None


class Codes:
    """Names as consecutive numbers, in order of first use."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._code = _Sorted()
        self._others: dict[str, int] = {}  # names whose hash an earlier one has, too
        self._known = Known()

    def of(self, column: pa.Array, hashes: Hashes | None = None) -> Codes32:
        """The numbers of a column's values; names that are new get the next ones.

        `hashes`: one for each value, with which those that came before are found sooner.
        """
        coded = pc.dictionary_encode(column)
        at = coded.indices.to_numpy()
        if hashes is None:
            codes = self.numbers(coded.dictionary.to_pylist())
        else:
            own = np.empty(len(coded.dictionary), np.uint64)
            own[at] = hashes
            codes = self._found(coded.dictionary, own)
        each: Codes32 = codes[at]
        return each

    def _found(self, values: pa.StringArray, hashes: Hashes) -> Codes32:
        codes = self._known.find(values, hashes)
        left = np.flatnonzero(codes < 0)
        if len(left):
            others, before = values.take(pa.array(left)), len(self.names)
            codes[left] = found = self.numbers(others.to_pylist())
            again = found < before
            self._known.admit(others.filter(pa.array(again)), hashes[left[again]], found[again])
        return codes

    def numbers(self, values: list[str]) -> Codes32:
        """Of names that differ from each other."""
        names = self.names
        hashes = np.fromiter(map(hash, values), np.int64, len(values))
        codes = self._code.find(hashes)
        fresh: dict[int, int] = {}
        for i, code in enumerate(codes.tolist()):
            value = values[i]
            if code >= 0 and names[code] == value:
                continue
            number = int(hashes[i])
            if code >= 0 or number in fresh:
                codes[i] = self._others.setdefault(value, len(names))
            else:
                codes[i] = fresh[number] = len(names)
            if codes[i] == len(names):
                names.append(value)
        self._code.add(fresh)
        return codes

    def hashes(self) -> None:
        """None: the numbers hold for all pieces."""

    def counted(self) -> tuple[int, int]:
        """How many names there are, and how many of them follow a reader."""
        return len(self.names), sum(map(is_tracked, self.names))


class Known:
    """Names that came in several batches, up to a million: told by comparing texts, with no object
    made of any of them, which takes a sixth of the time."""

    def __init__(self) -> None:
        self.names = pa.array([], pa.string())
        self.codes, self.hashes = np.empty(0, np.int32), np.empty(0, np.uint64)
        self._places = [np.zeros(SLOTS, np.int32) for _ in SHIFTS]  # 0: none; memory when used
        self._is_in = np.zeros(0, bool)
        self._next: list[tuple[pa.Array, Hashes, Codes32]] = []

    def find(self, values: pa.StringArray, hashes: Hashes) -> Codes32:
        """The code of each, -1 for one that is not known here."""
        codes = np.full(len(values), -1, np.int32)
        if not len(self.names):
            return codes
        for shift, places in zip(SHIFTS, self._places, strict=True):
            place = places[_slot(hashes, shift)] - 1
            rows = np.flatnonzero((codes < 0) & (place >= 0) & (self.hashes[place] == hashes))
            place = place[rows]
            same = pc.equal(self.names.take(pa.array(place)), values.take(pa.array(rows)))
            is_same = same.to_numpy(zero_copy_only=False)
            codes[rows[is_same]] = self.codes[place[is_same]]
        return codes

    def admit(self, values: pa.StringArray, hashes: Hashes, codes: Codes32) -> None:
        """Names that are not known here yet; of few it takes longer than it saves."""
        if not len(codes) or len(self.names) >= MOST_KNOWN:
            return
        if (most := int(codes.max())) >= len(self._is_in):
            grown = np.zeros(2 * most + 1, bool)
            grown[: len(self._is_in)] = self._is_in
            self._is_in = grown
        new = ~self._is_in[codes]
        self._is_in[codes] = True
        self._next.append((values.filter(pa.array(new)), hashes[new], codes[new]))
        if sum(len(each) for _, _, each in self._next) >= max(FEW, len(self.codes) // 4):
            self._take_in()

    def _take_in(self) -> None:
        first, (names, hashes, codes) = len(self.codes), zip(*self._next, strict=True)
        self._next = []
        self.names = pa.concat_arrays([self.names, *names])
        self.hashes = np.concatenate([self.hashes, *hashes])
        self.codes = np.concatenate([self.codes, *codes])
        new = np.arange(first, len(self.codes))
        for shift, places in zip(SHIFTS, self._places, strict=True):
            slot = _slot(self.hashes[new], shift)
            is_free = places[slot] == 0
            places[slot[is_free]] = new[is_free] + 1
            new = new[places[slot] != new + 1]  # another has the place: the next, or not found here


def _slot(hashes: Hashes, shift: int) -> npt.NDArray[np.int64]:
    return ((hashes >> np.uint64(shift)) & np.uint64(SLOTS - 1)).astype(np.int64)


class _Sorted:
    """Numbers to codes: sorted runs, each more than twice as long as the next."""

    def __init__(self) -> None:
        self._runs: list[tuple[Numbers, Codes32]] = []

    def find(self, numbers: Numbers) -> Codes32:
        """The code of each number, -1 for one that is not there."""
        codes = np.full(len(numbers), -1, np.int32)
        for known, code in self._runs:
            at = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
            there = known[at] == numbers
            codes[there] = code[at[there]]
        return codes

    def add(self, fresh: dict[int, int]) -> None:
        if not fresh:
            return
        run = _ordered(
            np.fromiter(fresh, np.int64, len(fresh)),
            np.fromiter(fresh.values(), np.int32, len(fresh)),
        )
        while self._runs and len(self._runs[-1][0]) <= 2 * len(run[0]):
            before = self._runs.pop()
            numbers = np.concatenate([before[0], run[0]])
            codes = np.concatenate([before[1], run[1]])
            del before, run  # a run may be of millions
            run = _ordered(numbers, codes)
        self._runs.append(run)


def _ordered(numbers: Numbers, codes: Codes32) -> tuple[Numbers, Codes32]:
    order = np.argsort(numbers, kind="stable")
    return numbers[order], codes[order]
