"""The command `cachelib`: each subcommand is a library call with words around it."""

from __future__ import annotations

import json
import signal
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

try:
    import click
except ImportError:
    sys.exit(
        "cachelib's commands need more than the library: pip install 'cachelib-decisions[report]'"
    )

try:
    import cachelib.beside  # noqa: F401
except ImportError as error:  # there is another package of this name
    sys.exit(str(error))

from cachelib import __version__


class UsageError(click.ClickException):
    """What the user gave cannot be used; nothing was run."""

    exit_code = 2


@contextmanager
def _told() -> Iterator[None]:
    """Mistakes of the user, and what else may happen to a run, as messages, not tracebacks."""
    try:
        yield
    except (ValueError, RuntimeError) as error:
        if not type(error).__module__.startswith("cachelib."):
            raise
        kind = UsageError if isinstance(error, ValueError) else click.ClickException
        raise kind(str(error)) from None
    except KeyboardInterrupt:
        click.echo("interrupted; an earlier report is as it was", err=True)
        sys.exit(130)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Decide on a cache architecture by running it."""


@main.command()
@click.argument("case", default=".")
@click.option("--trace", type=click.Path(exists=True, dir_okay=False), help="A request log.")
@click.option("-p", "assignments", multiple=True, metavar="NAME=VALUE", help="Set a parameter.")
@click.option("--out", type=click.Path(path_type=Path), help="The report's folder.")
@click.option("--only", multiple=True, metavar="NOTEBOOK",
              help="Run just this, by name or number; others are reused or left out.")  # fmt: skip
@click.option("--fresh", is_flag=True, help="Run also what has not changed.")
@click.option("--dry-run", is_flag=True, help="Say what would run and why, and run nothing.")
@click.option("--check", "is_check", is_flag=True,
              help="Fail, and say why, if the report that is there is out of date.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True,
              help="Notebooks at once.")  # fmt: skip
@click.option("--timeout", type=click.FloatRange(0, min_open=True), default=600.0,
              show_default=True, help="Seconds that one notebook may take.")  # fmt: skip
@click.option(
    "--pdf", "is_pdf", is_flag=True, help="Print the report to report.pdf too, with Chromium."
)
@click.option("--open", "is_open", is_flag=True, help="Show the report in the browser.")
def report(
    case: str, trace: str | None, assignments: tuple[str, ...], out: Path | None,
    dry_run: bool, is_check: bool, is_pdf: bool, is_open: bool, jobs: int, timeout: float,
    **which: Any,
) -> None:  # fmt: skip
    """Run the experiments on CASE and write the decision report.

    CASE is a case file, a folder with a case.yaml, or the name of a ready-made case. Notebooks
    of which nothing has changed are reused.
    """
    from cachelib.report import pdf, progress
    from cachelib.report.build import build
    from cachelib.report.parameters import parse_assignments
    from cachelib.report.plan import Request, plan

    if case == "." and not Path("case.yaml").exists():
        raise UsageError("there is no case.yaml here; `cachelib init .` writes one, or name a case")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as thorough an end as Ctrl-C
    with _told():
        given = {"case": case, "trace": trace, **parse_assignments(assignments)}
        if dry_run or is_check:
            steps = plan(Request.of(given, out), **which)
            click.echo(progress.foretold(steps))
            sys.exit(0 if dry_run or steps.stands else 1)
        browser = pdf.browser() if is_pdf else None
        with progress.display() as shown:
            done = build(given, out, jobs=jobs, progress=shown, timeout_s=timeout, **which)
        page = done.folder / "report.html"
        if browser:
            pdf.print_page(browser, page, done.folder / "report.pdf")
    if is_open:
        webbrowser.open(page.resolve().as_uri())
    click.echo(page)
    sys.exit(1 if done.failed else 0)


@main.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def init(folder: Path) -> None:
    """Write a commented case.yaml, ready to run, into FOLDER."""
    from cachelib.report.init import write_case

    with _told():
        path = write_case(folder)
    click.echo(f"{path}\nmake it yours, then: cachelib report {click.format_filename(folder)}")


@main.command()
@click.argument("a", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("b", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page too.")
@click.option("--json", "as_json", is_flag=True)
def compare(a: Path, b: Path, html: Path | None, as_json: bool) -> None:
    """Say what changed from the report in folder A to the one in B."""
    from cachelib.report.compare import compare

    with _told():
        found = compare(a, b)
    if html:
        html.write_text(found.as_html(), "utf-8")
    if as_json:
        _print_json(found.as_json())
    else:
        click.echo(found.as_text())


@main.command()
@click.argument("case")
def check(case: str) -> None:
    """Say everything that is wrong with a case file."""
    from cachelib.edge.case import load_case

    with _told():
        load_case(case)
    click.echo(f"{case}: good")


@main.command()
def schema() -> None:
    """Print the JSON Schema of case files."""
    from cachelib.edge.case import Case

    _print_json(Case.model_json_schema())


TTL = click.FloatRange(0, min_open=True)
LOGS = click.argument("log", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
SEED = click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
JSON = click.option("--json", "as_json", is_flag=True, help="For machines.")


def _reading(command: Any) -> Any:
    """The options that say how a log is read; the command gets them as `reading`."""

    @wraps(command)
    def with_reading(
        log_format: str, key: str | None, where: str | None, columns: tuple[str, ...],
        no_header: bool, time_unit: str, rate: float, **rest: Any,
    ) -> None:  # fmt: skip
        from cachelib.edge.logs import Reading

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


@main.command()
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
    from cachelib.edge.replay import replay_log

    with _told():
        _print(replay_log(log, designs=designs.split(","), **options), as_json)


@main.command()
@LOGS
@click.option("--sizes", help="L1 sizes in entries, with commas; a spread of them by default.")
@click.option("--sample", "sample_rate", type=click.FloatRange(0, 1, min_open=True), default=1.0,
              help="The share of keys to look at; exact by default.")  # fmt: skip
@SEED
@JSON
@_reading
def mrc(log: tuple[Path, ...], sizes: str | None, as_json: bool, **options: Any) -> None:
    """The hit ratio of an LRU cache of every size, in one pass."""
    from cachelib.edge.mrc import mrc_log

    chosen = [int(size) for size in sizes.split(",")] if sizes else None
    with _told():
        _print(mrc_log(log, sizes=chosen, **options), as_json)


@main.group()
def workload() -> None:
    """Traffic, generated."""


@workload.command()
@LOGS
@SEED
@JSON
@_reading
def fit(log: tuple[Path, ...], as_json: bool, **options: Any) -> None:
    """Derive a generator's parameters from logs, and say how well they fit."""
    from cachelib.edge.fit import fit_log

    with _told():
        _print(fit_log(log, **options), as_json)


FOLDER = click.argument("folder", type=click.Path(path_type=Path))


@main.command()
@FOLDER
@click.option("--env", help="One environment; all by default.")
@click.option("--reveal", is_flag=True, help="Show ids and vars in full; credentials never.")
@JSON
def evidence(folder: Path, env: str | None, reveal: bool, as_json: bool) -> None:
    """Say what the wrangler configuration in FOLDER has, with file and line."""
    from cachelib.evidence import inventory, inventory_text

    with _told():
        found = inventory(folder, env, reveal=reveal)
    if as_json:
        _print_json(found.to_json())
    else:
        click.echo(inventory_text(found))


@main.command()
@FOLDER
@JSON
@click.option("--sarif", is_flag=True, help="For code-scanning viewers.")
@click.option("--fail-on", type=click.Choice(["note", "warning", "error"]),
              help="Exit with 1 if there is a finding at least so severe.")  # fmt: skip
@click.option("--case", help="Say what each fault costs in this case.")
def audit(folder: Path, as_json: bool, sarif: bool, fail_on: str | None, case: str | None) -> None:
    """Find caching faults in the TypeScript and JavaScript in FOLDER."""
    from cachelib import evidence as examined

    with _told():
        found = examined.audit(folder)
        if case:
            from cachelib.report import parameters, repository

            study = parameters.study(parameters.check({"case": case}))
            found = found.with_effects(repository.effects(study, found))
    if sarif or as_json:
        _print_json(examined.to_sarif(found) if sarif else examined.to_json(found))
    else:
        click.echo(examined.audit_text(found))
    sys.exit(1 if fail_on and found.at_least(fail_on) else 0)  # type: ignore[arg-type]


@main.command()
@click.argument("case", default="trading-sentiment")
@click.option("--trace", type=click.Path(exists=True, dir_okay=False), help="A request log.")
@click.option("--designs", help="Names, with commas; those of the case by default.")
@click.option("--requests", type=click.IntRange(1), default=20_000, show_default=True,
              help="How many of the first requests to replay.")  # fmt: skip
@click.option("--worker", type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Replay against the Worker in this folder: runs its code.")  # fmt: skip
@click.option("--env", help="The Worker's environment.")
@click.option("--origin-response", type=click.File(), help="What outbound fetches are answered.")
@JSON
def live(
    case: str, trace: str | None, designs: str | None, requests: int, worker: Path | None,
    env: str | None, origin_response: Any, as_json: bool,
) -> None:  # fmt: skip
    """Run the same requests on workerd, the real runtime, and hold the simulation against it."""
    from cachelib.live.own import run_worker
    from cachelib.live.result import run_designs
    from cachelib.report import parameters

    with _told():
        study = parameters.study(parameters.check({"case": case, "trace": trace}))
        traffic = study.trace.only(slice(requests))
        if worker:
            answer = origin_response.read() if origin_response else None
            own = run_worker(
                worker, traffic, study.platform, environment=env, origin_response=answer
            )
            _print(own.as_dict(), as_json)
            return
        names = designs.split(",") if designs else study.case.design_names
        chosen = [study.design(study.case.known_design(name)) for name in names]
        result = run_designs(traffic, chosen, study.platform, seed=study.seed)
    _print(result.as_dict(), as_json)
    sys.exit(0 if result.conforms else 1)


@main.group()
def cache() -> None:
    """What the library keeps."""


@cache.command()
@click.argument("place", metavar="FILE|URL")
@click.option("--prefix", default="cachelib:", show_default=True, help="Of the keys in Redis.")
@click.option("--match", default="*", help="A pattern for keys, such as 'user:*'.")
@click.option("--sort", type=click.Choice(["key", "age", "size"]), default="key", show_default=True)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@JSON
def inspect(place: str, limit: int, as_json: bool, **options: Any) -> None:
    """Show the keys in a SqliteStore's FILE or a RedisStore's URL: ages, sizes, tags."""
    from cachelib.inspection import inspect

    with _told():
        found = inspect(place, **options)
    if as_json:
        _print_json(found.as_json(limit))
    else:
        click.echo(found.as_text(limit))


@main.command(hidden=True)
def notebooks() -> None:
    """Run the project's notebooks with their default parameters and keep their outputs."""
    from cachelib.report import notebooks

    notebooks.refresh()


def _print(data: dict[str, Any], as_json: bool) -> None:
    """All of it for machines; for people its numbers, words and tables."""
    if as_json:
        _print_json(data)
        return
    for name, value in data.items():
        if name == "first_skipped_line" and not value:
            continue
        if isinstance(value, list | dict):
            _print_many(name, value)
        elif value not in ("", None):
            click.echo(f"{name:>22}  {_in_words(value)}")


def _print_many(name: str, values: list[Any] | dict[str, Any]) -> None:
    rows = list(values.values() if isinstance(values, dict) else values)
    if rows and isinstance(rows[0], dict):
        columns = [
            column for column, value in rows[0].items() if not isinstance(value, dict | list)
        ]
        lines = [columns, *([_in_words(row[column]) for column in columns] for row in rows)]
        names = [name, *(values if isinstance(values, dict) else [""] * len(rows))]
        click.echo()
        for first, cells in zip(names, lines, strict=True):
            click.echo(f"{first:>22}  " + "".join(f"{cell:<20}" for cell in cells).rstrip())
    else:
        told = values if isinstance(values, list) else [_in_words({k: values[k]}) for k in values]
        for nth, value in enumerate(told):
            click.echo(f"{'' if nth else name:>22}  {_in_words(value)}")


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_in_words(each)}" for key, each in value.items())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,.0f}" if isinstance(value, int) or value > 1e4 else f"{value:.6g}"


def _print_json(data: Any) -> None:
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
