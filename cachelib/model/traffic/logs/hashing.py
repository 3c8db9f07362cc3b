"""Names told apart by what they hash to, where there are too many of them to be kept in memory.

Each piece of a trace numbers its names anew; 64 bits of a name's hash tell in which pieces it is
the same. All 128 of each name lie in files, where it is seen at the end how many names there are,
and that no two of them share those 64.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cachelib.model.traffic.logs.numbering import Codes32, is_tracked
from cachelib.model.traffic.logs.source import LogError

FILES = 256
RECENT = 1 << 16  # names that are not written once more
Hashes = npt.NDArray[np.uint64]


class HashedCodes:
    """Names as numbers that hold within a piece; a name may have several. See `numbering.Codes`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: list[str] = []
        self._hashes: list[Hashes] = []
        self._recent = np.zeros((RECENT, 2), np.uint64)
        for file in self._files():
            file.unlink(missing_ok=True)

    def of(self, column: pa.Array, hashes: Hashes | None = None) -> Codes32:
        """The numbers of a column's values; those of the database are no help here."""
        coded = pc.dictionary_encode(column)
        codes: Codes32 = self.numbers(coded.dictionary.to_pylist())[coded.indices.to_numpy()]
        return codes

    def numbers(self, values: list[str]) -> Codes32:
        """Of names that differ from each other."""
        first = len(self.names)
        self.names += values
        hashes = _hashed(values)
        self._hashes.append(hashes[:, 0])
        self._write(np.column_stack([hashes, np.array([*map(is_tracked, values)], np.uint64)]))
        return np.arange(first, len(self.names), dtype=np.int32)

    def hashes(self) -> Hashes | None:
        """Of the names since it was asked last, which are forgotten: a piece ends here."""
        found = np.concatenate([np.empty(0, np.uint64), *self._hashes])
        self.names, self._hashes = [], []
        return found

    def counted(self) -> tuple[int, int]:
        """How many names there are, and how many of them follow a reader. Raises `LogError`."""
        keys = tracked = 0
        for file in self._files():
            if not file.exists():
                continue
            rows = np.unique(np.fromfile(file, np.uint64).reshape(-1, 3), axis=0)
            if len(np.unique(rows[:, 0])) < len(rows):
                raise LogError(
                    "two keys of this log have the same hash, so that they cannot be told apart"
                    " within a given memory; replay it without --memory"
                )
            keys, tracked = keys + len(rows), tracked + int(rows[:, 2].sum())
        return keys, tracked

    def _write(self, rows: Hashes) -> None:
        """Into the file for each name; of those that come often, not each time."""
        place = (rows[:, 0] >> np.uint64(8)) % np.uint64(RECENT)
        new = (self._recent[place] != rows[:, :2]).any(axis=1)
        self._recent[place[new]] = rows[new, :2]
        rows = rows[new]
        which = rows[:, 0] % np.uint64(FILES)
        order = np.argsort(which, kind="stable")
        ends = np.searchsorted(which[order], np.arange(FILES + 1))
        for nth, file in enumerate(self._files()):
            if ends[nth] < ends[nth + 1]:
                with file.open("ab") as out:
                    out.write(rows[order[ends[nth] : ends[nth + 1]]].tobytes())

    def _files(self) -> Iterator[Path]:
        return (self.folder / f"names-{nth}" for nth in range(FILES))


def _hashed(values: list[str]) -> Hashes:
    """Of shape (names, 2)."""
    digests = (blake2b(value.encode(), digest_size=16).digest() for value in values)
    return np.frombuffer(b"".join(digests), "<u8").reshape(-1, 2)
