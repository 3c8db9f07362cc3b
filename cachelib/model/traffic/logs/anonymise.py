"""A trace that can be shared: all that the analysis needs, and nothing that names anybody.

Keys become the first 16 bytes of a BLAKE2b under a secret that is thrown away, so that nobody can
try whether an address was asked for. Times, data centres, operations, sizes and lives stay: with
them every result is the same. Addresses, agents and all other columns are not there; nor are rows
that were no requests, so that what was left out is said where the trace is written, and not of it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from cachelib.model.traffic.log_reading import SAMPLED_KEYS, Reading
from cachelib.model.traffic.logs.reading import read_log
from cachelib.model.traffic.logs.source import LogError
from cachelib.model.traffic.remarks import SHARED_TRACE, answered, in_words, remarks
from cachelib.model.traffic.trace import DELETE, READ, WRITE

WORDS = {READ: "read", WRITE: "write", DELETE: "delete"}


def anonymised(
    paths: Path | Sequence[Path], out: Path, reading: Reading | None = None
) -> dict[str, Any]:
    """Write the requests to `out`, a Parquet file that any command reads; never over a file.

    What the log leaves open cannot be seen in the trace any more, so it has to be said before.
    """
    if out.suffix != ".parquet":
        raise LogError(f"{out}: the name of the trace must end in .parquet")
    if out.exists():
        raise LogError(f"{out}: there is such a file already; it is left as it is")
    reading = reading or Reading()
    trace = read_log(paths, reading)
    noticed = answered(remarks(trace.account, reading), SHARED_TRACE)
    secret = secrets.token_bytes(32)
    names = pa.array(
        [
            hashlib.blake2b(
                n.encode("utf-8", "surrogatepass"), digest_size=16, key=secret
            ).hexdigest()
            for n in trace.keys
        ]
    )
    columns = {
        "time": pa.array(trace.time_s),
        "key": pa.DictionaryArray.from_arrays(pa.array(trace.key), names),
        "op": pa.DictionaryArray.from_arrays(
            pa.array(trace.op.astype("int8")), pa.array(list(WORDS.values()))
        ),
        "size": pa.array(trace.size),
    }
    if any(trace.colos):
        columns["colo"] = pa.DictionaryArray.from_arrays(
            pa.array(trace.colo), pa.array(trace.colos)
        )
    if trace.ttl_s is not None:
        columns["ttl"] = pa.array(trace.ttl_s)
    if reading.rate < 1:  # whoever reads the trace is asked about it, too
        name = SAMPLED_KEYS if reading.sampled_by == "key" else "sample_rate"
        columns[name] = pa.array([reading.rate] * len(trace))
    plain = {
        name: column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
        for name, column in columns.items()
    }
    with out.open("xb") as file:
        pyarrow.parquet.write_table(pa.table(plain), file, compression="zstd")
    return {
        "requests": len(trace),
        "keys": len(trace.keys),
        "bytes": out.stat().st_size,
        "file": str(out),
        "remarks": in_words(noticed),
    }
