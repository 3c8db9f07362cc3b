"""Commands about request logs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import click

from cachelib.commands.words import JSON, is_quiet, made, print_result, say, told

TTL = click.FloatRange(0, min_open=True)
LOGS = click.argument("log", nargs=-1, required=True, type=click.Path(path_type=Path))
SEED = click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
KEPT = ("subrequests", "authorization", "set-cookie", "streams", "failed-writes")


class Pair(click.ParamType[Any]):
    """NAME=VALUE."""

    name = "NAME=VALUE"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, str]:
        name, equals, rest = str(value).partition("=")
        if not equals or not name.strip() or not rest.strip():
            self.fail(f"{value!r}: write NAME=VALUE", param, ctx)
        return name.strip(), rest.strip()


class Sizes(click.ParamType[Any]):
    """Numbers of entries, with commas."""

    name = "sizes"

    def convert(self, value: Any, param: Any, ctx: Any) -> list[int]:
        if isinstance(value, list):
            return value
        found = []
        for word in str(value).split(","):
            if not word.strip().isdecimal() or not 1 <= int(word) <= 10**12:
                self.fail(
                    f"{word!r}: write numbers of entries from 1 on, as in 100,1000", param, ctx
                )
            found.append(int(word))
        return found


class Bytes(click.ParamType[Any]):
    """An amount of memory."""

    name = "size"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([MG])B?", str(value), re.IGNORECASE)
        if found is None:
            self.fail(f"{value!r}: write an amount of memory, as in 800MB or 4GB", param, ctx)
        return float(found[1]) * {"M": 1e6, "G": 1e9}[found[2].upper()]


PAIR = Pair()


def _reading(command: Any) -> Any:
    """The options that say how a log is read; the command gets them as `reading`."""

    @wraps(command)
    def with_reading(**given: Any) -> None:
        own = {name: given.pop(name) for name in READING}
        with told():
            reading = _as_reading(**own, log=given["log"])
        command(reading=reading, **given)

    for option in reversed(OPTIONS):
        with_reading = option(with_reading)
    return with_reading


READING = (
    "log_format", "key", "where", "columns", "time_column", "normalise", "methods", "statuses",
    "keep", "no_header", "fields", "time_unit", "rate", "sample_rate", "sampled_by",
    "wrangler",
)  # fmt: skip
OPTIONS = (
    click.option("--format", "log_format", default="auto", metavar="NAME",
                 help="A name of `cachelib log --formats`, or a log_format of nginx or Apache."),
    click.option("--key", metavar="SQL", help="Which part of a request is the key."),
    click.option("--where", metavar="SQL", help="Which requests to keep."),
    click.option("--time-column", metavar="NAME", help="The column that is the time."),
    click.option("--column", "columns", multiple=True, type=PAIR,
                 help="An expression for time, key, colo, op, size, ttl, method, status or host."),
    click.option("--normalise", multiple=True, metavar="RECIPE",
                 help="Make keys alike; `cachelib log LOG --try-recipes` shows what they merge."),
    click.option("--method", "methods", multiple=True, type=PAIR,
                 help="What a method is: POST=read, write, delete or ignore."),
    click.option("--status", "statuses", multiple=True, type=PAIR,
                 help="Whether a status may be cached: 503=read or ignore."),
    click.option("--keep", multiple=True, type=click.Choice(KEPT),
                 help="Requests to keep that are ignored by default."),
    click.option("--no-header", is_flag=True, help="CSV and TSV: no line of column names."),
    click.option("--fields", metavar="NAMES", help="Columns of a table without header."),
    click.option("--time-unit", type=click.Choice(["auto", "s", "ms", "us", "ns"]),
                 default="auto", help="Of times that are numbers."),
    click.option("--rate", type=TTL, help="Requests a second of a log without times."),
    click.option("--sample-rate", type=click.FloatRange(0, 1, min_open=True),
                 help="The share of requests that the log holds."),
    click.option("--wrangler", type=click.Path(exists=True, path_type=Path),
                 help="The Worker's configuration, or its folder: for its head_sampling_rate."),
    click.option("--sampled-by", type=click.Choice(["request", "key"]), default="request",
                 help="What was kept or left out."),
)  # fmt: skip


def _as_reading(
    log_format: str, key: str | None, where: str | None, columns: tuple[tuple[str, str], ...],
    time_column: str | None, normalise: tuple[str, ...], methods: tuple[tuple[str, str], ...],
    statuses: tuple[tuple[str, str], ...], keep: tuple[str, ...], no_header: bool,
    fields: str | None, time_unit: str, rate: float | None, sample_rate: float | None,
    sampled_by: str, wrangler: Path | None, log: Sequence[Path],
) -> Any:  # fmt: skip
    from pydantic import ValidationError

    from cachelib.model.traffic.logs import LogError, Reading
    from cachelib.report.experiments.sampled_logs import as_configured

    chosen = dict(columns)
    if key is not None and "key" in chosen:
        raise LogError("the key is given twice, by --key and by --column key=")
    if key is not None and not key.strip():
        raise LogError("--key is empty: say which part of a request it is, or leave it out")
    if sampled_by == "key" and sample_rate is None and wrangler is None:
        raise LogError("--sampled-by key: say of which share of the keys, too: --sample-rate")
    if time_column is not None:
        chosen["time"] = '"' + time_column.replace('"', '""') + '"'
    try:
        reading = Reading.model_validate(
            {
                "format": log_format, "key": key, "where": where, "columns": chosen,
                "normalise": normalise, "methods": dict(methods), "statuses": dict(statuses),
                "keep": keep, "header": not no_header,
                "fields": tuple(fields.split(",")) if fields else (), "time_unit": time_unit,
                "requests_per_s": rate, "sample_rate": sample_rate, "sampled_by": sampled_by,
            }
        )  # fmt: skip
    except ValidationError as error:
        found = [
            f"{_option(item['loc'])}:"
            f" {item['msg'].replace('Input should be', 'must be')}, not {item['input']!r}"
            for item in error.errors()
        ]
        raise LogError("\n".join(found)) from None
    return as_configured(reading, log, wrangler) if wrangler and log else reading


def _option(place: tuple[int | str, ...]) -> str:
    """The option that a part of a reading was given by, as it was written."""
    first, *rest = (str(step) for step in place)
    name = {"statuses": "status", "methods": "method", "columns": "column"}.get(first, first)
    rest = [step for step in rest if step != "[key]"]
    return " ".join(filter(None, (f"--{name.replace('_', '-')}", ".".join(rest))))


@click.command("log")
@click.argument("log", nargs=-1, type=click.Path(path_type=Path))
@click.option("--formats", "list_formats", is_flag=True, help="List the formats.")
@click.option("--anonymise", "out", type=click.Path(path_type=Path, dir_okay=False),
              help="Write a trace to share, with hashed keys: OUT.parquet.")  # fmt: skip
@click.option("--try-recipes", is_flag=True, help="What each recipe for keys would merge.")
@JSON
@_reading
def log_(
    log: tuple[Path, ...], list_formats: bool, out: Path | None, try_recipes: bool, as_json: bool,
    reading: Any,
) -> None:  # fmt: skip
    """What a log is, and what is taken from it: read it before you believe it."""
    if list_formats:
        from cachelib.model.traffic.logs.formats import formats

        print_result({known.name: known.title for known in formats().values()}, as_json)
        return
    if not log:
        raise click.UsageError("name the log: files, folders, patterns, or - (standard input)")
    with told():
        if out is not None:
            from cachelib.model.traffic.logs.anonymise import anonymised

            print_result(anonymised(log, out, reading), as_json)
        elif try_recipes:
            from cachelib.model.traffic.logs.trying import recipes_tried

            print_result(recipes_tried(log, reading), as_json)
        else:
            from cachelib.model.traffic.logs.description import described

            print_result(described(log, reading), as_json)


def _loudly(found: dict[str, Any]) -> None:
    """What a report would refuse to be made of is said before the numbers, and not among them."""
    if not found["carries_a_decision"]:
        told_ = "".join(f"\n- {remark}" for remark in found["remarks"])
        say(f"warning: this log does not carry a decision yet:{told_}", err=True)


@contextmanager
def _cluster(scheduler: str | None, workers: int | None, spool: Path | None) -> Iterator[Any]:
    """The cluster asked for, if any; what it does is said beside the result."""
    if scheduler is None and workers is None:
        yield None
        return
    from cachelib.model.engines.shards.cluster import connected

    with connected(scheduler, workers, spool, _tell) as cluster:
        yield cluster


def _tell(words: str) -> None:
    """How far it is, beside the result."""
    if not is_quiet():
        say(words, err=True)


def _in_time(
    stack: ExitStack, log: Sequence[Path], engine: str | None, options: dict[str, Any],
    *, is_all: bool,
) -> dict[str, Any]:  # fmt: skip
    """A replay of all keys, or of a sample if that takes longer than two minutes."""
    from cachelib.model.engines.in_time import A_REQUEST_S, MOST_S, Asked
    from cachelib.model.engines.shards.sample import SampleError
    from cachelib.model.judgement.log_replay import replay_log
    from cachelib.model.traffic.logs.expected import expected_requests
    from cachelib.model.traffic.logs.source import files

    log, designs = files(log, stack), len(options["designs"])
    worth = MOST_S / (A_REQUEST_S["reference"] * designs)
    requests = expected_requests(log, options["reading"], worth)
    asked = Asked(requests, designs, options["jobs"])
    options = options | {"engine": engine or asked.engine}
    if asked.rate is not None and not is_all and options["reading"].rate == 1:
        say(asked.words, err=True)
        try:
            found = replay_log(log, say=_tell, **options | {"sample": asked.rate, "jobs": 1})
            found["sample"]["why"] = asked.words
            return found
        except SampleError as error:
            say(f"all keys are replayed: {error.why}", err=True)
    return replay_log(log, say=_tell, **options)


def _within(
    stack: ExitStack, log: Sequence[Path], memory: float, options: dict[str, Any]
) -> dict[str, Any]:
    """A replay out of a folder, in so many shards that those at work fit."""
    from cachelib.model.engines.shards.cluster import Processors
    from cachelib.model.engines.shards.room import shards_within
    from cachelib.model.judgement.log_replay import replay_log
    from cachelib.model.schema.scratch import scratch
    from cachelib.model.traffic.logs.expected import expected_requests
    from cachelib.model.traffic.logs.source import files

    log, jobs = files(log, stack), options["jobs"]
    requests = expected_requests(log, options["reading"])
    shards = shards_within(memory, requests, len(options["designs"]), jobs)
    _tell(f"{shards} shards, of which {jobs} at once fit into {memory / 1e9:.3g} GB")
    folder = options["spool"] or stack.enter_context(scratch("cachelib-spool-"))
    here = Processors(jobs, folder, shards)
    names = stack.enter_context(scratch("cachelib-names-", folder))
    return replay_log(log, cluster=here, names=names, say=_tell, **options)


@click.command()
@LOGS
@click.option("--isolates", type=click.IntRange(1, 10_000), default=1, show_default=True,
              help="L1 caches in all; with --by-colo, in each data centre.")  # fmt: skip
@click.option("--routing", type=click.Choice(["round-robin", "random", "hash", "sticky"]),
              default="round-robin", show_default=True)  # fmt: skip
@click.option("--l1-ttl", type=TTL, help="Seconds; never by default.")
@click.option("--l2-ttl", type=TTL, help="Seconds; never by default.")
@click.option("--expiry", type=click.Choice(["inherited", "independent", "sliding"]),
              default="inherited", show_default=True)  # fmt: skip
@click.option("--origin-ms", type=click.FloatRange(0, 600_000), default=0.0, show_default=True,
              help="Time of a load; who asks meanwhile waits for it or loads, too.")  # fmt: skip
@click.option("--designs", default="l1-kv", show_default=True, help="Names, with commas.")
@click.option("--engine", type=click.Choice(["reference", "compiled"]),
              help="reference by default; compiled where that takes long, is shared out or "
                   "sampled.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1, 256), default=1, show_default=True,
              help="Processors to share the keys out to; the result is the same.")  # fmt: skip
@click.option("--sample", type=click.FloatRange(0, 1, min_open=True), metavar="RATE",
              help="Replay this share of the keys; each number comes with its error. 1 is all; "
                   "by default what takes longer than two minutes is sampled.")  # fmt: skip
@click.option("--cluster", "workers", type=click.IntRange(1, 256), metavar="N",
              help="Share out to N Dask workers on this machine.")  # fmt: skip
@click.option("--scheduler", metavar="ADDRESS", help="Share out to the Dask cluster there.")
@click.option("--spool", type=click.Path(path_type=Path, file_okay=False),
              help="Keep the shards in this folder (made if need be), which all workers of a "
                   "cluster must see, and go on from there after Ctrl-C.")  # fmt: skip
@click.option(
    "--memory",
    type=Bytes(),
    metavar="SIZE",
    help="Stay within so much, as in 4GB: the shards lie in a folder, and are so many.",
)
@click.option("--plan", type=click.Choice(["paid", "free"]), default="paid", show_default=True,
              help="Of the bill; the free one says what fails of a day.")  # fmt: skip
@click.option("--by-colo", is_flag=True, help="On the platform as documented, not in one place.")
@SEED
@JSON
@_reading
def replay(
    log: tuple[Path, ...], designs: str, as_json: bool, engine: str | None, workers: int | None,
    scheduler: str | None, spool: Path | None, memory: float | None, **options: Any,
) -> None:  # fmt: skip
    """Replay request logs through isolated L1s over one shared L2."""
    from cachelib.model.judgement.log_replay import replay_log

    is_sampled = options["sample"] is not None and options["sample"] < 1
    ways = (workers, scheduler, options["jobs"] > 1, is_sampled)
    if len(where := list(filter(None, ways))) > 1:
        raise click.UsageError("give one of --jobs, --cluster, --scheduler and --sample")
    if engine == "reference" and where:
        raise click.UsageError(
            "--engine reference replays all requests one after the other; its twin, --engine "
            "compiled, gives the same counts, and may be shared out or sampled"
        )
    if is_sampled and options["reading"].rate < 1:
        raise click.UsageError("--sample: the log is a sample already, which has its own error")
    if memory is not None and any((workers, scheduler, is_sampled, engine == "reference")):
        raise click.UsageError("--memory is for a run in shards on this machine: on --jobs")
    if spool is not None and (is_sampled or engine == "reference"):
        raise click.UsageError("--spool is for a run in shards: on --jobs, --cluster, --scheduler")
    is_all = options["sample"] == 1
    options |= {"designs": designs.split(","), "spool": made(spool),
                "sample": options["sample"] if is_sampled else None}  # fmt: skip
    options["engine"] = engine or "compiled"
    with told(), ExitStack() as stack:
        if memory is not None:
            found = _within(stack, log, memory, options)
        elif engine != "reference" and not any((workers, scheduler, spool, is_sampled)):
            found = _in_time(stack, log, engine, options, is_all=is_all)
        else:
            cluster = stack.enter_context(_cluster(scheduler, workers, spool))
            found = replay_log(log, cluster=cluster, say=_tell, **options)
        _loudly(found)
        print_result(found, as_json)


@click.command()
@LOGS
@click.option(
    "--sizes", type=Sizes(), help="L1 sizes in entries, with commas; a spread of them by default."
)
@click.option("--sample", "followed", type=click.FloatRange(0, 1, min_open=True), default=1.0,
              help="The share of keys to look at; exact by default.")  # fmt: skip
@SEED
@JSON
@_reading
def mrc(
    log: tuple[Path, ...], sizes: list[int] | None, followed: float, as_json: bool, **options: Any
) -> None:
    """The hit ratio of an LRU cache of every size, in one pass."""
    from cachelib.model.engines.mrc import mrc_log

    with told():
        found = mrc_log(log, sizes=sizes, sample_rate=followed, **options)
        _loudly(found)
        print_result(found, as_json)


@click.group()
def workload() -> None:
    """Traffic, generated."""


@workload.command()
@LOGS
@SEED
@JSON
@_reading
def fit(log: tuple[Path, ...], as_json: bool, **options: Any) -> None:
    """Derive a generator's parameters from logs, and say how well they fit."""
    from cachelib.model.judgement.fit import fit_log

    with told():
        print_result(fit_log(log, **options), as_json)
