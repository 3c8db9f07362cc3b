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


def is_tracked(name: str) -> bool:
    """Whether it has a parameter that follows its reader."""
    return "?" in name and TRACKED.search(name) is not None


class Codes:
    """Names as consecutive numbers, in order of first use."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._code = _Sorted()
        self._others: dict[str, int] = {}  # names whose hash an earlier one has, too

    def of(self, column: pa.Array) -> Codes32:
        """The numbers of a column's values; names that are new get the next ones."""
        coded = pc.dictionary_encode(column)
        codes: Codes32 = self.numbers(coded.dictionary.to_pylist())[coded.indices.to_numpy()]
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
