"""Commands about request logs."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import Any

import click

from cachelib.commands.words import JSON, print_result, told

TTL = click.FloatRange(0, min_open=True)
LOGS = click.argument("log", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
SEED = click.option("--seed", type=click.IntRange(0), default=1, show_default=True)


def _reading(command: Any) -> Any:
    """The options that say how a log is read; the command gets them as `reading`."""

    @wraps(command)
    def with_reading(
        log_format: str, key: str | None, where: str | None, columns: tuple[str, ...],
        no_header: bool, time_unit: str, rate: float, **rest: Any,
    ) -> None:  # fmt: skip
        from cachelib.model.traffic.logs import Reading

        pairs = [column.partition("=") for column in columns]
        reading = Reading.model_validate(
            {"format": log_format, "key": key, "where": where, "header": not no_header,
             "columns": {name: expression for name, _, expression in pairs},
             "time_unit": time_unit, "requests_per_s": rate}
        )  # fmt: skip
        command(reading=reading, **rest)

    formats = ["auto", "clf", "logpush", "trace-events", "csv", "tsv", "parquet",
               "oracle-general", "int32be", "keys"]  # fmt: skip
    for option in (
        click.option("--rate", type=TTL, default=1.0, help="Requests a second, without times."),
        click.option("--time-unit", type=click.Choice(["auto", "s", "ms", "us", "ns"]),
                     default="auto"),
        click.option("--no-header", is_flag=True, help="CSV and TSV: no line of column names."),
        click.option("--column", "columns", multiple=True, metavar="NAME=SQL",
                     help="An expression for time, key, colo, op, size or ttl."),
        click.option("--where", metavar="SQL", help="Which requests to keep."),
        click.option("--key", metavar="SQL", help="Which part of a request is the key."),
        click.option("--format", "log_format", type=click.Choice(formats), default="auto"),
    ):  # fmt: skip
        with_reading = option(with_reading)
    return with_reading


@click.command()
@LOGS
@click.option("--isolates", type=click.IntRange(1, 10_000), default=1, show_default=True,
              help="L1 caches in all; with --by-colo, in each data centre.")  # fmt: skip
@click.option("--routing", type=click.Choice(["round-robin", "random", "hash"]),
              default="round-robin", show_default=True)  # fmt: skip
@click.option("--l1-ttl", type=TTL, help="Seconds; never by default.")
@click.option("--l2-ttl", type=TTL, help="Seconds; never by default.")
@click.option("--expiry", type=click.Choice(["inherited", "independent", "sliding"]),
              default="inherited", show_default=True)  # fmt: skip
@click.option("--designs", default="l1-kv", show_default=True, help="Names, with commas.")
@click.option("--engine", type=click.Choice(["reference", "compiled"]), default="reference",
              show_default=True)  # fmt: skip
@click.option("--by-colo", is_flag=True, help="On the platform as documented, not in one place.")
@SEED
@JSON
@_reading
def replay(log: tuple[Path, ...], designs: str, as_json: bool, **options: Any) -> None:
    """Replay request logs through isolated L1s over one shared L2."""
    from cachelib.model.judgement.log_replay import replay_log

    with told():
        print_result(replay_log(log, designs=designs.split(","), **options), as_json)


@click.command()
@LOGS
@click.option("--sizes", help="L1 sizes in entries, with commas; a spread of them by default.")
@click.option("--sample", "sample_rate", type=click.FloatRange(0, 1, min_open=True), default=1.0,
              help="The share of keys to look at; exact by default.")  # fmt: skip
@SEED
@JSON
@_reading
def mrc(log: tuple[Path, ...], sizes: str | None, as_json: bool, **options: Any) -> None:
    """The hit ratio of an LRU cache of every size, in one pass."""
    from cachelib.model.engines.mrc import mrc_log

    chosen = [int(size) for size in sizes.split(",")] if sizes else None
    with told():
        print_result(mrc_log(log, sizes=chosen, **options), as_json)


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
