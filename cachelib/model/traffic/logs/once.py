"""Rows of one request that are several: of them, one counts."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

AGAIN = "another row of the same request"


class Once:
    """Remembers, as a number, each request of which a row was taken."""

    def __init__(self) -> None:
        self._taken: set[bytes] = set()

    def of(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows, of which those are filtered that say of a request what another row says.

        Where one of them says how the request was answered, that is the one to take.
        """
        if "once" not in batch.schema.names or batch["once"].null_count == len(batch):
            return batch
        named = batch["once"].to_pylist()
        answered = pc.fill_null(batch["answered"], False).to_numpy(zero_copy_only=False)
        again = np.zeros(len(batch), bool)
        for row in np.argsort(~answered, kind="stable").tolist():
            if named[row] is not None:
                again[row] = not self._is_first(named[row])
        column = batch.schema.get_field_index("filtered")
        filtered = pc.if_else(pa.array(again), AGAIN, batch["filtered"])
        return batch.set_column(column, "filtered", filtered)

    def _is_first(self, name: str) -> bool:
        number = blake2b(name.encode(), digest_size=8).digest()
        if number in self._taken:
            return False
        self._taken.add(number)
        return True
