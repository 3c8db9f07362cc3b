"""One day in every shape that logs have: is the report the same? `python benchmarks/one_day.py`.

Runs a whole report for each shape of the NASA day and compares its `decision.json` with that of
the day as it was published. Takes a minute or two for each; `--case` names another case, `--draws`
fewer tries. Ends with 1 if a shape says anything else than the day, or a sample of it more than it
states.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

SHARED = Path(os.environ.get("CACHELIB_SHARED", Path(__file__).parents[2] / "shared"))
NASA = SHARED / "traces" / "nasa-1995-08-01.clf.gz"
LINE = re.compile(r'\S+ \S+ \S+ \[([^\]]+)\] "(\S+) (\S+)[^"]*" (\d{3}) (\d+|-)')
SAMPLE = 10  # one key in so many


class Row(NamedTuple):
    time: datetime
    method: str
    url: str
    status: int
    size: int
    line: str


def day(path: Path) -> list[Row]:
    """The lines that a plain pattern understands, read without the reader that is tried here."""
    text = gzip.decompress(path.read_bytes()).decode("latin-1")
    found = ((line, LINE.match(line)) for line in text.splitlines())
    return [
        Row(datetime.strptime(m[1], "%d/%b/%Y:%H:%M:%S %z"), m[2], m[3], int(m[4]),
            0 if m[5] == "-" else int(m[5]), line)
        for line, m in found if m
    ]  # fmt: skip


def logpush(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    for row in rows:
        yield {
            "EdgeStartTimestamp": int(row.time.timestamp()) * 10**9,
            "ClientRequestMethod": row.method, "ClientRequestURI": row.url,
            "EdgeResponseStatus": row.status, "EdgeResponseBytes": row.size,
        }  # fmt: skip


def nested(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    for row in rows:
        yield {
            "ts": row.time.isoformat(), "request": {"method": row.method, "url": row.url},
            "response": {"status": row.status}, "bytes": row.size,
        }  # fmt: skip


def lines(objects: Iterator[dict[str, Any]]) -> str:
    return "".join(json.dumps(each) + "\n" for each in objects)


def table(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["timestamp", "method", "url", "status", "size"])
    writer.writerows((r.time.timestamp(), r.method, r.url, r.status, r.size) for r in rows)
    return text.getvalue()


def clf(rows: Sequence[Row]) -> str:
    return "".join(row.line + "\n" for row in rows)


def one_key_in(rows: Sequence[Row], n: int) -> list[Row]:
    return [row for row in rows if zlib.crc32(row.url.encode()) % n == 0]


SHAPES: dict[str, tuple[str, Callable[[list[Row]], str]]] = {
    "Common Log Format": ("day.log", clf),
    "Logpush": ("day.ndjson", lambda rows: lines(logpush(rows))),
    "JSON, an object a line": ("nested.ndjson", lambda rows: lines(nested(rows))),
    "JSON, an array": ("array.json", lambda rows: json.dumps(list(nested(rows)))),
    "JSON, indented in an envelope": (
        "envelope.json",
        lambda rows: json.dumps({"result": {"events": list(nested(rows))}}, indent=1),
    ),
    "CSV": ("day.csv", table),
    "24 files": ("hours", clf),
    "a tenth of the keys": ("tenth.log", lambda rows: clf(one_key_in(rows, SAMPLE))),
}  # fmt: skip
SAMPLED = "a tenth of the keys"


def written(folder: Path, shape: str, rows: list[Row]) -> Path:
    name, write = SHAPES[shape]
    path = folder / name
    if shape != "24 files":
        path.write_text(write(rows))
        return path
    path.mkdir()
    for hour in range(24):
        part = [row for row in rows if row.time.hour == hour]
        (path / f"{hour:02d}.log.gz").write_bytes(gzip.compress(write(part).encode()))
    return path


def decided(case: str, log: Path, out: Path, more: Sequence[str]) -> dict[str, Any]:
    """`decision.json` of a whole report."""
    command = ["-m", "cachelib", "report", case, "--trace", str(log), "--out", str(out), *more]
    subprocess.run([sys.executable, *command, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    found: dict[str, Any] = json.loads((out / "decision.json").read_text())
    return found


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(tree, dict | list):
        inside = tree.items() if isinstance(tree, dict) else enumerate(tree)
        for name, child in inside:
            yield from leaves(child, f"{path}.{name}")
    else:
        yield path, tree


def differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The places of `decision.json` at which two say something else."""
    first, second = dict(leaves(one)), dict(leaves(other))
    return sorted(p for p in first | second if first.get(p) != second.get(p))


def metrics(found: dict[str, Any]) -> dict[tuple[str, str], tuple[float, float]]:
    """Each option's simulated numbers, with their errors."""
    return {
        (option["name"], name): (metric["value"], metric["error"] or 0.0)
        for option in found["outcome"]["options"]
        for name, metric in option["metrics"].items()
        if metric["value"] is not None
    }


def within(found: dict[str, Any], truth: dict[str, Any]) -> tuple[int, int]:
    """How many of a sample's numbers are as near to the whole's as both state; and of how many.

    A difference below what the report takes for a tie is none.
    """
    own, whole = metrics(found), metrics(truth)
    ties = {name: metric["ties_below"] for name, metric in truth["outcome"]["metrics"].items()}
    both = own.keys() & whole.keys()
    near = [
        abs(own[at][0] - whole[at][0]) <= own[at][1] + whole[at][1] + ties[at[1]] for at in both
    ]
    return sum(near), len(near)


def shown(shape: str, found: dict[str, Any], verdict: str) -> str:
    outcome = found["outcome"]
    name = outcome["recommended"]
    (chosen,) = (each for each in outcome["options"] if each["name"] == name)
    hit, bill = (chosen["metrics"][metric] for metric in ("hit_ratio", "bill_usd"))
    return (
        f"{shape:<31} {name:<16} {100 * hit['value']:6.2f} ± {100 * hit['error']:<5.2f}"
        f" {bill['value']:8.2f} ± {bill['error']:<6.2f}"
        f" {100 * chosen['sure']['chosen']['share']:6.1f}   {verdict}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", default="catalogue-lambda")
    parser.add_argument("--draws", type=int, default=2_000)
    parser.add_argument("shapes", nargs="*", metavar="SHAPE", help="; ".join(SHAPES))
    given = parser.parse_args()
    if not NASA.exists():
        parser.error(f"no traces at {SHARED}; CACHELIB_SHARED names the folder above them")
    draws = ["-p", f"draws={given.draws}"]
    failed = 0
    print(
        f"{'shape':<31} {'recommended':<16} {'hit ratio, %':>14} {'bill, USD':>17} {'chosen, %':>8}"
    )
    with tempfile.TemporaryDirectory() as name:
        folder, rows = Path(name), day(NASA)
        truth = decided(given.case, NASA, folder / "published", draws)
        print(shown("as published", truth, f"{sum(1 for _ in leaves(truth)):,} values"), flush=True)
        for n, shape in enumerate(given.shapes or SHAPES):
            log, more = written(folder, shape, rows), draws
            if shape == SAMPLED:
                more = [*draws, "-p", f"log.sample_rate={1 / SAMPLE}", "-p", "log.sampled_by=key"]
            found = decided(given.case, log, folder / f"report{n}", more)
            if shape == SAMPLED:
                near, of = within(found, truth)
                same = found["outcome"]["recommended"] == truth["outcome"]["recommended"]
                verdict = f"{near} of {of} numbers within what is stated"
                failed += not same or near < 0.95 * of
            else:
                other = differing(found, truth)
                verdict = (
                    "the same" if not other else f"{len(other)} others: {', '.join(other[:5])}"
                )
                failed += bool(other)
            print(shown(shape, found, verdict), flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
