"""What a person may say of a log: which of its parts are requests, keys, times."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cachelib.model.schema.strict import Strict

Column = Literal["time", "key", "colo", "op", "size", "ttl"]


class Reading(Strict):
    """How to take requests from a log. Expressions are DuckDB SQL over the log's columns."""

    format: Literal[
        "auto", "clf", "logpush", "trace-events", "csv", "tsv", "parquet",
        "oracle-general", "int32be", "keys",
    ] = Field(default="auto", description="auto: told from the log itself")  # fmt: skip
    key: str | None = Field(
        default=None, description="which part of a request is the key: split_part(url, '?', 1)"
    )
    where: str | None = Field(default=None, description="which requests to keep: status = 200")
    columns: dict[Column, str] = Field(
        default={}, description="expressions for time, key, colo, op, size or ttl, by name"
    )
    header: bool = Field(default=True, description="CSV and TSV: the first line names the columns")
    time_unit: Literal["auto", "s", "ms", "us", "ns"] = Field(
        default="auto", description="of times that are numbers"
    )
    requests_per_s: float = Field(default=1.0, gt=0, description="the rate of a log without times")
