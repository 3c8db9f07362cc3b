"""How fast the model is, and beside what: `python benchmarks/simulator.py [--quick] [PART ...]`.

Needs `pip install libcachesim` for the peer and the shared traces for the golden counts; without
them the rows say so. Times are of the CPU, so that a busy machine disturbs them less.
"""

# ruff: noqa: S608 - the texts put into queries are written here
from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import airportsdata
import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cachelib.model.engines.lru import lru_hits_of_file
from cachelib.model.engines.replay import replay, replay_pieces
from cachelib.model.engines.result import Result
from cachelib.model.engines.shards.cluster import connected
from cachelib.model.engines.shards.sample import SampleError, sampled_pieces
from cachelib.model.judgement.sampled import with_errors
from cachelib.model.money.prices import monthly_bill
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.built_in import built_in
from cachelib.model.traffic.logs import LogStream, Reading, read_log
from cachelib.model.traffic.logs.database import connect
from cachelib.model.traffic.logs.formats import formats
from cachelib.model.traffic.logs.query import Query
from cachelib.model.traffic.logs.reading import told as shape_of
from cachelib.model.traffic.trace import Trace, in_one_place

SHARED = Path(os.environ.get("CACHELIB_SHARED", Path(__file__).parents[2] / "shared"))
NASA = SHARED / "traces" / "nasa-1995-08-01.clf.gz"
COLOS = list(airportsdata.load("IATA"))[:100]
KEYS, RATE = 100, 100_000.0  # the default case's symbols, at a heavy rate
PIECE = 1_000_000
L1_KV = built_in("l1-kv", l1_ttl_s=60.0, l2_ttl_s=300.0)
SLIDING = [built_in("l1-only", l1_ttl_s=ttl, expiry="sliding") for ttl in (60.0, 300.0)]


def row(what: str, value: str, target: str = "") -> None:
    print(f"{what:<66} {value:>24}   {target}", flush=True)


def cpu(work: Callable[[], object]) -> tuple[float, object]:
    start = time.process_time()
    done = work()
    return time.process_time() - start, done


def best(work: Callable[[], object], times: int = 3) -> tuple[float, object]:
    return min((cpu(work) for _ in range(times)), key=lambda taken: taken[0])


def zipf_keys(rng: np.random.Generator, n: int, keys: int) -> np.ndarray:
    """Popularity about 1/rank, by its inverse distribution."""
    return np.minimum(np.exp(rng.random(n) * np.log(keys)), keys - 1).astype(np.int32)


def lru_beside_libcachesim(folder: Path, n: int) -> None:
    path = folder / "zipf.oracleGeneral"
    records = np.zeros(n, formats()["oracle-general"].dtype)
    edges = np.cumsum(1 / np.arange(1, 1_000_001))
    drawn = np.random.default_rng(42).random(n) * edges[-1]
    records["id"], records["size"] = np.searchsorted(edges, drawn), 1
    records["time"], records["next_access"] = np.arange(n) // 1_000, -1
    records.tofile(path)
    lru_hits_of_file(path, 10)
    for entries in (10_000, 100_000):
        ours, hits = best(lambda entries=entries: lru_hits_of_file(path, entries))
        row(f"one LRU of {entries:,}, {n:,} Zipf requests, decoding included",
            f"{n / ours / 1e6:.1f} M/s")  # fmt: skip
        try:
            theirs, misses = best(lambda entries=entries: _libcachesim(path, entries))
        except ImportError:
            row("  libcachesim process_trace", "not installed")
            continue
        row("  libcachesim process_trace", f"{n / theirs / 1e6:.1f} M/s")
        row("  ratio", f"{theirs / ours:.1f}", ">= 3")
        row("  hits", f"{hits:,} / {round(n * (1 - misses)):,}", "equal")


def _libcachesim(path: Path, entries: int) -> float:
    import libcachesim as peer

    reader = peer.TraceReader(
        trace=str(path),
        trace_type=peer.TraceType.ORACLE_GENERAL_TRACE,
        reader_init_params=peer.ReaderInitParam(ignore_obj_size=True),
    )
    return float(peer.LRU(cache_size=entries).process_trace(reader)[0])


def pieces(n: int, keys: int) -> Iterator[Trace]:
    rng = np.random.default_rng(1)
    names = [f"/sentiment/{i}" for i in range(keys)]
    for start in range(0, n, PIECE):
        size = min(PIECE, n - start)
        yield Trace(
            time_s=(start + np.arange(size)) / RATE,
            key=zipf_keys(rng, size, keys),
            colo=rng.integers(0, len(COLOS), size).astype(np.int16),
            op=np.zeros(size, np.uint8),
            size=np.full(size, 2_000, np.int32),
            keys=names,
            colos=COLOS,
        )


def full_design(largest: int) -> None:
    platform = Platform(value_life_s=3_600, isolates_per_colo=1)
    monthly_bill(replay_pieces(pieces(1_000, KEYS), [L1_KV], platform)[0])
    for keys in (KEYS, 10_000, 1_000_000):
        each = []
        for n in (PIECE, 10 * PIECE, largest):
            spent = min(_spent(n, keys, platform) for _ in range(5 if n == PIECE else 1))
            each.append(spent / n)
            row(f"l1-kv, 100 colos, {keys:,} keys, latency, staleness, bill: {n:,}",
                f"{n / spent / 1e6:.1f} M/s", ">= 10" if keys == KEYS else ">= 8.8")  # fmt: skip
        row("  slowest per request / fastest", f"{max(each) / min(each):.2f}", "<= 1.5")


def _spent(n: int, keys: int, platform: Platform) -> float:
    """Seconds in the simulation alone: making the traffic is taken out."""
    making = 0.0

    def made() -> Iterator[Trace]:
        nonlocal making
        source = pieces(n, keys)
        while True:
            start = time.thread_time()  # of this thread: others may replay meanwhile
            piece = next(source, None)
            making += time.thread_time() - start
            if piece is None:
                return
            yield piece

    total, results = cpu(lambda: replay_pieces(made(), [L1_KV], platform))
    billing, _ = cpu(lambda: monthly_bill(results[0]))  # type: ignore[index]
    return total - making + billing


def parquet_end_to_end(folder: Path, n: int) -> None:
    path = folder / "requests.parquet"
    duckdb.execute("SELECT setseed(0.5)")
    duckdb.execute(
        f"COPY (SELECT range / {RATE} AS time, floor(exp(random() * ln(1000)))::INT AS key,"
        f" {COLOS!r}[1 + (random() * 99)::INT] AS colo, 2000 AS size FROM range({n}))"
        f" TO '{path}' (FORMAT parquet)"
    )
    fresh = multiprocessing.get_context("spawn")
    with fresh.Pool(1) as pool:
        seconds, requests, megabytes = pool.apply(_from_parquet, (path,))
    row(f"from Parquet to the bill, {requests:,} requests", f"{n / seconds / 1e6:.1f} M/s")
    row("  memory at most", f"{megabytes:,.0f} MB", "<= 2,000")


FROM_PARQUET = "l1-kv"


def from_parquet(folder: Path, n: int) -> None:
    """A million keys from Parquet beside the same requests made on the way, on two processors."""
    for requests in (n // 10, n):
        path = folder / f"{requests}.parquet"
        _write_parquet(path, requests)
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
            reading = fresh.submit(_only_read, path).result()
        made, read = (_apart(requests, FROM_PARQUET, 2, str(each)) for each in ("threads", path))
        path.unlink()
        what = f"from Parquet: {FROM_PARQUET}, 1,000,000 keys, {requests:,} requests, --jobs 2"
        row(what, told(read, requests))
        row("  made on the way", told(made, requests))
        row("  reading alone", told(reading, requests))
        row("  of the clock", f"{read.clock_s / requests * 1e9:,.0f} ns a request")
        row("  the same counts", str(_counted_of(made) == _counted_of(read)), "True")
        row("  memory at most", f"{read.megabytes:,.0f} MB", f"<= {MOST_MB:,}")
        row("  extrapolated: 10⁹ requests, of the clock as it was here",
            f"{read.clock_s / requests * BILLION:,.0f} s", f"<= {MOST_S}")  # fmt: skip
        row("  extrapolated: on both processors, if they have nothing else to do",
            f"{read.cpu_s / requests * BILLION / 2:,.0f} s", f"<= {MOST_S}")  # fmt: skip


def _write_parquet(path: Path, n: int) -> None:
    """The requests of `pieces`, each of them a row group."""
    writer = None
    for piece in pieces(n, 1_000_000):
        columns = {
            "time": pa.array(piece.time_s),
            "key": pa.DictionaryArray.from_arrays(piece.key, pa.array(piece.keys)),
            "colo": pa.DictionaryArray.from_arrays(piece.colo, pa.array(piece.colos)),
            "size": pa.array(piece.size),
        }
        table = pa.table({name: pc.cast(each, pa.string()) if pa.types.is_dictionary(each.type)
                          else each for name, each in columns.items()})  # fmt: skip
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


def _only_read(path: Path) -> Taken:
    clock, spent = time.perf_counter(), time.process_time()
    requests = _read(path)
    clock, spent = time.perf_counter() - clock, time.process_time() - spent
    return Taken(clock, spent, 0.0, requests)


def _counted_of(taken: Taken) -> object:
    """Of two runs that number their keys otherwise, what does not hang on numbers."""
    return taken.found[0]["counts"]  # type: ignore[index]


def _from_parquet(path: Path) -> tuple[float, int, float]:
    start = time.perf_counter()
    (result,) = replay_pieces(LogStream(path), [L1_KV], Platform(value_life_s=3_600))
    monthly_bill(result)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    return time.perf_counter() - start, result.requests, used


# Beside our reader, what DuckDB itself takes to look at the same lines: the floor.
CLF_LINE = r'\[([^\]]+)\] "([^"]*)" (\d{3}) (\d+|-)'
CLF_ROWS = "read_csv(?, columns = {'line': 'VARCHAR'}, delim = '\x01', quote = '', header = false)"
FLOORS = {
    "clf": f"SELECT count(regexp_extract(line, '{CLF_LINE}', 2)) FROM {CLF_ROWS}",
    "json": "SELECT count(json_extract_string(json, ['$.EdgeStartTimestamp', '$.ClientRequestURI',"
    " '$.EdgeColoCode'])) FROM read_ndjson_objects(?)",
}
"""DuckDB alone, counting one or three of the fields."""


def same_columns(path: Path) -> str:
    """DuckDB alone, handing over every field that the reader looks at, as text."""
    shape = shape_of([path], Reading())
    if shape.container != "json":
        parts = f"regexp_extract(line, '{CLF_LINE}', ['time', 'request', 'status', 'size'])"
        return f"SELECT unnest(r) FROM (SELECT {parts} AS r FROM {CLF_ROWS})"
    with connect(path.parent) as db:
        query = Query(db, shape, Reading(), where=str(path))
        query.sql()
        fields = ", ".join(f"'{name}': 'VARCHAR'" for name in query.wanted())
    return f"SELECT * FROM read_ndjson(?, columns = {{{fields}}})"


def readers(folder: Path) -> None:
    for name, floor, target in (
        ("clf", "clf", ">= 1,500 k/s"),
        ("logpush.ndjson", "json", ">= 1,000 k/s"),
        ("generic.ndjson", "json", ">= 700 k/s"),
    ):
        source = SHARED / "traces" / f"nasa-1995-08-01.{name.replace('generic', 'logpush')}.gz"
        text = gzip.decompress(source.read_bytes())
        if name.startswith("generic"):  # names of nobody's format
            text = text.replace(b"EdgeStartTimestamp", b"timestamp").replace(
                b"ClientRequestURI", b"url"
            )
        path = folder / f"{name}.gz"
        path.write_bytes(gzip.compress(text * 32, 6) * 4)  # as logs that were rotated come
        lines = sum(map(len, LogStream(path)))
        works: tuple[Callable[[], object], ...] = (
            partial(_read, path), partial(_counted, FLOORS[floor], path),
            partial(_handed_over, same_columns(path), path),
        )  # fmt: skip
        # one after the other, so that a busy machine slows all alike
        spent = [[_spent_on(work) for work in works] for _ in "12345"]
        ours, few, same = (
            tuple(map(median, zip(*each, strict=True))) for each in zip(*spent, strict=True)
        )
        seconds = ours[0]
        row(f"reading {name}.gz, {lines:,} lines, median of five",
            f"{lines / seconds / 1e3:,.0f} k/s", target)  # fmt: skip
        row("  of one processor", f"{lines / ours[1] / 1e3:,.0f} k/s")
        for what, alone in (("counting a few fields", few), ("handing over the same fields", same)):
            row(f"  DuckDB alone, {what}", f"{lines / alone[0] / 1e3:,.0f} k/s")
            row("    times as long as that, times as much of a processor",
                f"{seconds / alone[0]:.1f}, {ours[1] / alone[1]:.1f}",
                "<= 1.5" if alone is same else "")  # fmt: skip
        start = time.perf_counter()
        plain = _line_by_line(source, _json_row if floor == "json" else _clf_row)
        theirs = (time.perf_counter() - start) / plain
        row("  ratio to a loop over lines in Python", f"{theirs * lines / seconds:.1f}")


def distinct_keys(folder: Path, keys: int) -> None:
    """The memory that names take: each key once, in a log that is a file of nothing else."""
    path = folder / "distinct.csv.gz"
    with gzip.open(path, "wt", compresslevel=1) as log:
        log.write("time,url\n")
        log.writelines(f"{n},/item/{n * 7919 % keys:09d}/of-a-shop\n" for n in range(keys))
    fresh = multiprocessing.get_context("spawn")
    with fresh.Pool(1) as pool:
        read, megabytes = pool.apply(_names, (path,))
    row(f"a log of {read:,} distinct keys, memory at most", f"{megabytes:,.0f} MB", "<= 1,000 MB")


def _names(path: Path) -> tuple[int, float]:
    stream = LogStream(path)
    for _ in stream:
        pass
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024 / 1e6
    return len(stream.coder.keys.names), used


def _read(path: Path) -> int:
    return sum(map(len, LogStream(path)))


def _counted(sql: str, path: Path) -> object:
    return duckdb.execute(sql, [str(path)]).fetchall()


def _handed_over(sql: str, path: Path) -> object:
    return duckdb.sql(sql, params=[str(path)]).to_arrow_table()


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _spent_on(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the clock and of all processors."""
    start = time.process_time()
    seconds = _seconds(work)
    return seconds, time.process_time() - start


def _line_by_line(path: Path, parse: Callable[[str], object]) -> int:
    with gzip.open(path, "rt") as lines:
        return sum(parse(line) is not None for line in lines)


CLF_ROW = re.compile(r'\S+ \S+ \S+ \[([^\]]+)\] "\S+ (\S+)[^"]*" (\d{3}) (\d+|-)')


def _clf_row(line: str) -> object:
    match = CLF_ROW.match(line)
    if match is None:
        return None
    return datetime.strptime(match[1], "%d/%b/%Y:%H:%M:%S %z").timestamp(), match[2], match[4]


def _json_row(line: str) -> object:
    event = json.loads(line)
    when = datetime.fromisoformat(event["EdgeStartTimestamp"]).timestamp()
    return when, event["ClientRequestURI"], event["EdgeColoCode"], event["EdgeResponseBytes"]


def without_machine_code(folder: Path) -> None:
    """What the first replay of all costs more than those after it."""
    code = (
        "import time, cachelib.model.engines.replay as r; r.warm_up(); print(time.process_time())"
    )
    first, second = (
        float(
            subprocess.run(
                [sys.executable, "-c", code],
                env=os.environ | {"NUMBA_CACHE_DIR": str(folder)},
                check=True,
                capture_output=True,
            ).stdout
        )
        for _ in range(2)
    )
    row("compiling where no machine code is kept", f"{first - second:.1f} s", "<= 4")


def golden() -> None:
    trace = in_one_place(read_log(NASA))
    platform = Platform(profile="miniflare", isolates_per_colo=4, routing="round-robin")
    for engine in ("reference", "compiled"):
        spent, result = best(lambda e=engine: replay(trace, L1_KV, platform, engine=e))
        row(f"NASA day, l1-kv, 4 isolates, {engine}: L1, L2, origin",
            f"{result.l1_hits} {result.l2_hits} {result.origin_loads}",
            "5747 12296 12926")  # fmt: skip
        row("  speed", f"{len(trace) / spent / 1e3:,.0f} k/s",
            ">= 150 k/s" if engine == "reference" else "")  # fmt: skip
        one = platform.model_copy(update={"isolates_per_colo": 1})
        hits = (replay(trace, design, one, engine=engine).l1_hits for design in SLIDING)
        row("  hits of a TTL renewed at each hit, 60 and 300 s, in one L1",
            " ".join(map(str, hits)), "14395 20370")  # fmt: skip


DEFAULT = {
    "l1-only": {"l1_ttl_s": 60.0},
    "l1-kv": {"l1_ttl_s": 60.0, "l2_ttl_s": 300.0},
    "durable-object": {"l2_ttl_s": 300.0},
    "l1-cache-api": {"l1_ttl_s": 60.0, "l2_ttl_s": 300.0},
    "workers-cache": {"l2_ttl_s": 300.0},
}
"""A design of each kind of tier."""
LONG = {"origin-only": {}, "kv-only": {"l2_ttl_s": 300.0}} | {
    name: DEFAULT[name] for name in ("durable-object", "workers-cache")
}
"""Those of which a run of 10⁹ is worth its time, l1-kv aside."""
BILLION, MOST_S, MOST_MB = 1e9, 240, 4_000


def shards(n: int) -> None:
    """Of a million keys, made while they are replayed; every run in a process of its own, the kinds
    one after the other, so that a busy machine slows them alike.

    Of the clock, since that is what a second processor saves; and of the processors, which says
    what the clock would say if nothing else used them.
    """
    for design in DEFAULT:
        taken = [[_apart(n, design, jobs) for jobs in (1, 2)] for _ in "12"]
        one, two = (min(each, key=lambda t: t.clock_s) for each in zip(*taken, strict=True))
        row(f"{design}, 100 colos, 1,000,000 keys, {n:,} requests, --jobs 1", told(one, n))
        row("  --jobs 2", told(two, n))
        row("  times as fast, of the clock", f"{one.clock_s / two.clock_s:.2f}", ">= 1.7")
        row("  at most, by what the processors did", f"{2 * one.cpu_s / two.cpu_s:.2f}")
        row("  the same counts", str(one.found == two.found), "True")
        row("  memory at most", f"{two.megabytes:,.0f} MB", f"<= {MOST_MB:,}")
        row("  extrapolated: 10⁹ requests on both processors, if they have nothing else to do",
            f"{two.cpu_s / n * BILLION / 2:,.0f} s", f"<= {MOST_S}")  # fmt: skip


def long_runs(n: int) -> None:
    """Other designs than l1-kv, each once and one by one, with the load that there was."""
    for design in LONG:
        before = os.getloadavg()[0]
        taken = _apart(n, design, 2)
        row(f"{design}, 1,000,000 keys, {n:,} requests, --jobs 2", told(taken, n))
        row("  of the clock, of both processors", f"{taken.clock_s:,.0f} s, {taken.cpu_s:,.0f} s",
            f"<= {MOST_S}")  # fmt: skip
        row("  memory at most", f"{taken.megabytes:,.0f} MB", f"<= {MOST_MB:,}")
        row("  load before and after", f"{before:.1f}, {os.getloadavg()[0]:.1f}")


def cluster(n: int) -> None:
    """Four Dask workers of this machine beside `--jobs 2`."""
    taken = [[_apart(n, "l1-kv", 2), _apart(n, "l1-kv", 4, on="cluster")] for _ in "12"]
    plain, dask = (min(each, key=lambda t: t.clock_s) for each in zip(*taken, strict=True))
    row(f"l1-kv, 1,000,000 keys, {n:,} requests, --jobs 2", told(plain, n))
    row("  --cluster 4", told(dask, n))
    row("  times as long, of the clock", f"{dask.clock_s / plain.clock_s:.2f}", "<= 1.25")
    row("  times as much of the processors", f"{dask.cpu_s / plain.cpu_s:.2f}")
    row("  the same counts", str(plain.found == dask.found), "True")


class Taken(NamedTuple):
    """What a run took, and the counts that it came to."""

    clock_s: float
    cpu_s: float
    megabytes: float
    found: object


def told(taken: Taken, n: int) -> str:
    return f"{n / taken.clock_s / 1e6:.1f} M/s, {taken.cpu_s / n * 1e9:,.0f} ns of CPU"


def _apart(n: int, design: str, jobs: int, on: str = "threads") -> Taken:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
        return fresh.submit(_shared_out, n, design, jobs, on).result()


def _shared_out(n: int, design: str, jobs: int, on: str) -> Taken:
    platform = Platform(value_life_s=3_600, isolates_per_colo=1)
    asked = [built_in(design, **(DEFAULT | LONG)[design])]
    with ExitStack() as stack:
        options: dict[str, Any] = {"jobs": jobs}
        source = pieces(n, 1_000_000) if on in ("threads", "cluster") else LogStream(Path(on))
        spent_by_all = time.process_time
        if on == "cluster":
            dask = stack.enter_context(connected(None, jobs, None, str))
            options = {"cluster": dask}

            def spent_by_all() -> float:
                return time.process_time() + sum(dask.client.run(time.process_time).values())

        replay_pieces(pieces(100_000, KEYS), asked, platform, **options)
        clock, spent = time.perf_counter(), spent_by_all()
        (result,) = replay_pieces(source, asked, platform, **options)
        clock, spent = time.perf_counter() - clock, spent_by_all() - spent
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024 / 1e6
    return Taken(clock, spent, used, (result.as_dict(), result.byte_seconds))


SAMPLED = {
    "nasa-1995-08-01.clf.gz": Reading(),
    "cloudphysics.oracleGeneral.bin": Reading(),
    "web12.int32be.xz": Reading(requests_per_s=100),
}
RATES = (0.01, 0.1)
ESTIMATED = ("l1_hits", "l2_hits", "origin_loads", "hit_ratio", "stored_gb_months")


def sampled() -> None:
    """How often the truth lies within the stated error, which promises 95 of 100."""
    platform = Platform(profile="miniflare", isolates_per_colo=4)
    for name, reading in SAMPLED.items():
        trace = in_one_place(read_log(SHARED / "traces" / name, reading))
        whole = replay(trace, L1_KV, platform)
        for rate in RATES:
            asked = [_sampled(trace, platform, rate, seed) for seed in range(10)]
            found = [each for each in asked if each is not None]
            within = sum(_within(each, whole) for each in found)
            of = len(found) * len(ESTIMATED)
            width = median(each["hit_ratio"]["plus_or_minus"] for each in found) if found else 1
            row(f"{name}, {100 * rate:g} % of the keys: within their error",
                f"{within} of {of}, {10 - len(found)} refused", ">= 95 %")  # fmt: skip
            row("  hit ratio, and the median error of it",
                f"{100 * whole.hit_ratio:.1f} %, ± {100 * width:.1f}")  # fmt: skip


def _sampled(trace: Trace, platform: Platform, rate: float, seed: int) -> dict | None:
    try:
        (found,) = sampled_pieces([trace], [L1_KV], platform, rate, seed=seed)
    except SampleError:
        return None
    return with_errors(found, lambda result: {name: getattr(result, name) for name in ESTIMATED})


def _within(told: dict, whole: Result) -> int:
    return sum(
        abs(told[name]["estimate"] - getattr(whole, name)) <= told[name]["plus_or_minus"]
        for name in ESTIMATED
    )


def parts(folder: Path, scale: int, requests: int = 0) -> dict[str, Callable[[], None]]:
    return {
        "lru": lambda: lru_beside_libcachesim(folder, 10_000_000 // scale),
        "compiling": lambda: without_machine_code(folder),
        "design": lambda: full_design(100_000_000 // scale),
        "shards": lambda: shards(requests or 100_000_000 // scale),
        "long": lambda: long_runs(requests or 100_000_000 // scale),
        "cluster": lambda: cluster(requests or 100_000_000 // scale),
        "sampled": sampled,
        "from-parquet": lambda: from_parquet(folder, requests or 100_000_000 // scale),
        "parquet": lambda: parquet_end_to_end(folder, 100_000_000 // scale),
        "memory": lambda: distinct_keys(folder, 3_000_000 // scale),
        "readers": lambda: readers(folder),
        "golden": golden,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the requests")
    parser.add_argument("--requests", type=float, default=0, help="of `shards` and `cluster`")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(parts(Path(), 1)))
    given = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        known = parts(Path(name), 10 if given.quick else 1, int(given.requests))
        if unknown := set(given.parts) - set(known):
            parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(known)}")
        for part, measure in known.items():
            if given.parts and part not in given.parts:
                continue
            if part in ("readers", "golden", "sampled") and not NASA.exists():
                row(part, f"no traces at {SHARED}")
            else:
                measure()


if __name__ == "__main__":
    main()
