"""The log formats: `formats.yaml` as typed records, and the names that columns commonly have."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter
from ruamel.yaml import YAML

from cachelib.model.schema.strict import Strict
from cachelib.model.traffic.log_reading import SAMPLED_KEYS

Kind = Literal["fields", "line", "binary", "extents"]
Alternatives = Annotated[
    tuple[str, ...], BeforeValidator(lambda given: (given,) if isinstance(given, str) else given)
]

TABLE = Path(__file__).with_name("formats.yaml")
ROLES = (
    "time", "key", "method", "status", "host", "colo", "op", "size", "ttl", "cache",
    "content_type", "agent", "authorization", "set_cookie", "sampling",
)  # fmt: skip


class Format(Strict):
    """One known format; what the fields mean stands at the head of `formats.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    kind: Kind
    docs: str = ""
    needs: tuple[str, ...] = ()
    file: str | None = None
    regex: str = ""
    magic: str = ""
    skip: int = 0
    layout: tuple[tuple[str, str], ...] = Field(default=(), alias="dtype")
    columns: dict[str, str] = {}  # noqa: RUF012 - pydantic copies it
    roles: dict[str, Alternatives] = {}  # noqa: RUF012
    ignore: dict[str, str] = {}  # noqa: RUF012
    once: str = ""
    places: Literal["iata", "own"] = "iata"
    untimed: bool = False

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(list(self.layout))

    def missing(self, columns: set[str]) -> list[str]:
        """Which of the needed fields are not among `columns`."""
        return [need for need in self.needs if not seen(need, columns)]


def seen(need: str, columns: set[str]) -> str:
    """Which of the columns a needed field is; a name such as `a.*` is any that lies in a record."""
    for name in need.split("|"):
        if name in columns:
            return name
        if name.endswith(".*") and (within := [c for c in columns if c.startswith(name[:-1])]):
            return min(within)
    return ""


@cache
def formats() -> dict[str, Format]:
    """Every known format by name, in the order in which they are tried."""
    entries = YAML(typ="safe", pure=True).load(TABLE.read_text("utf-8"))
    known = TypeAdapter(list[Format]).validate_python(entries)
    return {entry.name: entry for entry in known}


# Files that name their own columns in ways nobody has documented: the names by which the columns
# are known, the best first.
COMMON_NAMES: dict[str, tuple[str, ...]] = {
    "time": (
        "time_s", "time", "timestamp", "ts", "@timestamp", "op_time", "datetime", "date_time",
        "date", "event_time", "eventtime", "start_time", "time_local",
        "time_iso8601", "msec", "created_at", "logged_at", "epoch", "unixtime", "unix_time",
        "edgestarttimestamp", "eventtimestampms", "starttime", "t", "when",
    ),
    "key": (
        "key", "url", "path", "uri", "request_uri", "request_url",
        "requesturl", "requestpath", "cache_key", "cachekey", "clientrequesturi",
        "clientrequestpath", "request_path", "resource", "request.uri", "request.url",
        "request.path", "request.target", "http.url", "http.target", "url.full",
        "url.path", "req.url",
        "obj_id", "object_id", "id",  # of the thing asked for, unless anything else is
    ),
    "method": (
        "http.method", "http.request.method", "method", "request_method", "http_method",
        "httpmethod", "verb", "clientrequestmethod",
        "clientrequesthttpmethodname",
        "request.method", "req.method", "requestmethod", "cs_method", "http_verb",
        "request.verb", "http.verb",
    ),
    "status": (
        # a logger's own status is a word, where a request has one besides
        "http.status_code", "http.response.status_code", "response.status",
        "status", "status_code", "statuscode", "http_status", "httpstatus", "http_code",
        "response_code", "responsecode", "return_code", "sc_status", "httpstatuscode",
        "response_status", "edgeresponsestatus",
        "responsestatus", "res.statuscode", "http.code", "http.status", "response.code",
        "response.status_code", "response.statuscode",
    ),
    "host": (
        "host", "hostname", "http_host", "request_host", "clientrequesthost",
        "clientrequesthttphost", "vhost",
        "server_name", "request.host", "url.domain", "hostheader",
    ),
    "colo": (
        "colo", "edgecolocode", "colocode", "colo_code", "pop", "datacenter", "data_center",
        "edge_location",
        "cf.colo", "cloudflare.colo", "request.cf.colo",
    ),
    "op": ("op", "operation", "cmd", "optype", "op_type"),
    "size": (
        "size", "bytes", "obj_size", "object_size", "value_size", "body_bytes_sent", "bytes_sent",
        "response_size", "content_length", "edgeresponsebytes", "response_bytes",
        "responsebytes", "responsesize", "bytessent", "response.bytes", "response.size",
        "response.body_bytes", "response.content_length",
    ),
    "ttl": ("ttl", "ttl_s"),
    "cache": ("cache_status", "cachecachestatus", "upstream_cache_status", "cache"),
    "content_type": ("content_type", "edgeresponsecontenttype", "mime_type"),
    "sampling": (
        "sampleinterval", "sample_interval", "_sample_interval", "samplinginterval",
        "sampling_interval", "sample_rate", "samplerate", "sampling_rate", "samplingrate",
        SAMPLED_KEYS,
    ),
    "agent": ("user_agent", "useragent", "http_user_agent", "clientrequestuseragent", "agent"),
}  # fmt: skip


AROUND = re.compile(
    r"(_source|content|attributes|meta|metadata|fields|jsonpayload|payload|data|event|logcontent"
    r"|context|extra|record|properties|item|protopayload|flow|l7)\."
)
"""Records in which loggers, search engines and meshes keep another's fields."""


def commonly(columns: list[str]) -> dict[str, str]:
    """What the columns are by their common names: role by column."""
    present = {_in_full(column): column for column in reversed(columns)}
    present |= {_bare(column): column for column in reversed(columns)}
    present |= {_plain(column): column for column in reversed(columns)}
    return {
        role: next(present[name] for name in names if name in present)
        for role, names in COMMON_NAMES.items()
        if any(name in present for name in names)
    }


def _bare(name: str) -> str:
    """A name without the records around it."""
    name = _plain(name)
    while found := AROUND.match(name):
        name = name[found.end() :]
    return name


HALVES = {"req": "request", "res": "response", "resp": "response", "rsp": "response"}
"""What loggers call the two records of which one is asked and one is answered."""


def _in_full(name: str) -> str:
    """A nested name as one of a request's or an answer's: `http.req.verb` is `request.verb`."""
    parts = _bare(name).split(".")
    half = next(
        (at for at, part in enumerate(parts[:-1]) if HALVES.get(part, part) in HALVES.values()),
        None,
    )
    if half is None:
        return ""
    return ".".join([HALVES.get(parts[half], parts[half]), *parts[half + 1 :]])


def _plain(name: str) -> str:
    return re.sub(r"[\s\-]+", "_", name.strip().lower())
