"""What a person may say of a log: which of its parts are requests, keys, times."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cachelib.model.schema.strict import Strict

Column = Literal["time", "key", "colo", "op", "size", "ttl", "method", "status", "host"]
Taken = Literal["read", "write", "delete", "ignore"]
Kept = Literal["subrequests", "authorization", "set-cookie", "streams", "failed-writes"]
Recipe = Literal[
    "lower-case-host", "sorted-parameters", "no-tracking-parameters", "no-parameters",
    "path-templates", "no-trailing-slash",
]  # fmt: skip
SAMPLED_KEYS = "sample_rate_of_keys"
"""The column of an anonymised trace that says which share of the keys it holds."""
SampleRate = Annotated[float, Field(ge=1e-6, le=1)]


class Reading(Strict):
    """How to take requests from a log. Expressions are DuckDB SQL over the log's columns."""

    format: str = Field(
        default="auto",
        description="auto: told from the log itself; a name that `cachelib log --formats` lists; "
        "json, csv, tsv or parquet; or a log_format of nginx or Apache, as configured there",
    )
    key: str | None = Field(
        default=None, description="which part of a request is the key: split_part(url, '?', 1)"
    )
    where: str | None = Field(default=None, description="which requests to keep: status = 200")
    columns: dict[Column, str] = Field(
        default={},
        description="expressions for time, key, colo, op, size, ttl, method, status or host",
    )
    normalise: tuple[Recipe, ...] = Field(
        default=(), description="how keys are made alike before they are counted, in this order"
    )
    methods: dict[str, Taken] = Field(
        default={}, description="what a request of a method is: {POST: read}"
    )
    statuses: dict[int, Literal["read", "ignore"]] = Field(
        default={}, description="whether an answer of a status may be cached: {503: read}"
    )
    keep: tuple[Kept, ...] = Field(
        default=(), description="kinds of requests to keep that are ignored by default"
    )
    header: bool = Field(default=True, description="CSV and TSV: the first line names the columns")
    fields: tuple[str, ...] = Field(
        default=(), description="CSV and TSV without a header: the names of the columns, in order"
    )
    time_unit: Literal["auto", "s", "ms", "us", "ns"] = Field(
        default="auto", description="of times that are numbers; auto: of each by its size"
    )
    requests_per_s: float | None = Field(
        default=None, ge=1e-6, le=1e9, description="the rate of a log that has no times"
    )
    sample_rate: SampleRate | None = Field(
        default=None,
        description="the share of requests that the log holds, where it is a sample; 1: it is none",
    )
    sample_rate_from: str = Field(
        default="", description="who says so, for the report: a file and its line"
    )
    sampled_by: Literal["request", "key"] = Field(
        default="request",
        description="request: each was kept or left out at random (Logpush sample_rate, "
        "head_sampling_rate); key: a key's requests were kept all or none",
    )

    @property
    def rate(self) -> float:
        """The share of requests that the log holds; 1 where nobody says anything else."""
        return 1.0 if self.sample_rate is None else self.sample_rate

    @property
    def of_keys(self) -> float:
        """The share of the keys that the log holds, where it is a sample of keys; else 1."""
        return self.rate if self.sampled_by == "key" else 1.0

    @property
    def expressions(self) -> dict[str, str]:
        """The user's own SQL, by what it is for."""
        own: dict[str, str] = {str(name): sql for name, sql in self.columns.items()}
        if self.key is not None:
            own["key"] = self.key
        if self.where is not None:
            own["where"] = self.where
        return own
