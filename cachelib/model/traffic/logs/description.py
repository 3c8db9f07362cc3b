"""What a log is and what is taken from it: what `cachelib log` shows, and the report's appendix."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs.coding import joined
from cachelib.model.traffic.logs.reading import LogStream
from cachelib.model.traffic.logs.source import LogError
from cachelib.model.traffic.remarks import remarks
from cachelib.model.traffic.trace import DELETE, READ, WRITE, Trace
from cachelib.plural import plural

SHARES_ARE_OF = "colos: of requests; all others: of every row that could be read"
BARS = " ▁▂▃▄▅▆▇█"
BINS = 60
TOP = 10
HOST = re.compile(r"[a-zA-Z]+://([^/?#]+)")
GAP = 20.0  # times the mean distance of requests: a gap


def described(paths: Path | Sequence[Path], reading: Reading | None = None) -> dict[str, Any]:
    """All that is known of a log; among it, rows = requests + filtered + skipped."""
    stream = LogStream(paths, reading, described=True)
    trace = joined(list(stream), stream.coder)
    account, shape = stream.coder.account, stream.shape
    if account is None or shape is None:
        raise LogError("the log did not come to its end")
    return {
        "format": account.format,
        "why": account.why,
        "wrapped_in": [wrapper.name for wrapper in shape.wrapped],
        "files": len(stream.files),
        "mapping": dict(account.mapping),
        "columns": _columns(shape.columns),
        "rows": account.rows,
        "requests": account.requests,
        "filtered": dict(account.filtered),
        "skipped": dict(account.skipped),
        "first_skipped": {"line": trace.skipped.first_line, "reason": trace.skipped.reason}
        if trace.skipped.lines
        else {},
        "taken_as": _operations(trace),
        "time": _time(trace, dict(account.units)),
        "order": {
            "out_of_order": account.unordered,
            "same_time_as_before": account.repeated,
            "rows_like_another": stream.coder.twins,
        },
        "keys": {
            "distinct": int((np.bincount(trace.key) > 0).sum()),
            "hosts": account.hosts or _hosts(trace.keys),
        },
        "top_keys": _top(trace),
        "shares_are_of": SHARES_ARE_OF,
        "colos": _shares(Counter(_names(trace))),
        **{
            role: _shares(counts)
            for role, counts in stream.coder.shares.items()
            if set(counts) - {""}
        },
        "remarks": [
            {"kind": r.kind, "says": r.says, "answer": r.answer}
            for r in remarks(account, reading or Reading())
        ],
        "notes": list(trace.notes),
    }


def _hosts(keys: Sequence[str]) -> int | None:
    """How many hosts the keys' own URLs name; None where they name none."""
    return len({found[1].lower() for key in keys if (found := HOST.match(key))}) or None


def _columns(columns: Any) -> dict[str, str]:
    """Examples of each column's values."""
    return {
        name: ", ".join(dict.fromkeys(v[:40] for v in values[:20] if v))[:80]
        for name, values in list(columns.items())[:60]
    }


def _operations(trace: Trace) -> dict[str, int]:
    counts = np.bincount(trace.op, minlength=3)
    return {
        "reads": int(counts[READ]),
        "writes": int(counts[WRITE]),
        "deletes": int(counts[DELETE]),
    }


def _time(trace: Trace, units: dict[str, int]) -> dict[str, Any]:
    steps = np.diff(trace.time_s)
    mean = trace.span_s / max(len(trace) - 1, 1)
    at = int(steps.argmax()) if len(steps) else 0
    found: dict[str, Any] = {
        "from": _date(float(trace.time_s[0])),
        "to": _date(float(trace.time_s[-1])),
        "span_s": trace.span_s,
        "written_in": units,
        "requests_per_s": len(trace) / trace.lasts_s,
        "rate": rate_picture(trace.time_s),
    }
    if len(steps) and steps[at] > GAP * mean and steps[at] > 60:
        found["longest_gap"] = f"{steps[at]:.0f} s from {_date(float(trace.time_s[at]))}"
    return found


def rate_picture(time_s: npt.NDArray[np.float64]) -> str:
    """The rate over the log's time, in `BINS` bars from none to the most."""
    if len(time_s) < 2 or time_s[-1] <= time_s[0]:
        return BARS[-1]
    counts, _ = np.histogram(time_s, BINS)
    height = np.ceil(counts / counts.max() * (len(BARS) - 1)).astype(int)
    return "".join(BARS[h] for h in height)


def _date(seconds: float) -> str:
    if abs(seconds) < 1e8:  # counted from the beginning of a trace, not from 1970
        return f"{seconds:g} s"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _top(trace: Trace) -> dict[str, int]:
    counts = np.bincount(trace.key)
    best = np.argsort(-counts, kind="stable")[:TOP]
    return {trace.keys[i]: int(counts[i]) for i in best if counts[i]}


def _names(trace: Trace) -> dict[str, int]:
    counts = np.bincount(trace.colo, minlength=len(trace.colos))
    return {
        name or "(none named)": int(n) for name, n in zip(trace.colos, counts, strict=True) if n
    }


def _shares(counts: Counter[str]) -> dict[str, str]:
    total = max(counts.total(), 1)
    shown = {
        (name or "(empty)")[:60]: f"{n:,} ({_share(n / total)})"
        for name, n in counts.most_common(12)
    }
    if len(counts) > 12:
        rest = sum(n for _, n in counts.most_common()[12:])
        shown[f"{len(counts) - 12} {plural(len(counts) - 12, 'other')}"] = (
            f"{rest:,} ({_share(rest / total)})"
        )
    return shown


def _share(share: float) -> str:
    return "under 0.1%" if 0 < share < 0.0005 else f"{share:.1%}"
