"""The command `cachelib`: each subcommand is a library call with words around it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

try:
    import click
except ImportError:
    sys.exit(
        "cachelib's commands need more than the library: pip install 'cachelib-decisions[report]'"
    )

from cachelib import __version__


class UsageError(click.ClickException):
    """What the user gave cannot be used; nothing was run."""

    exit_code = 2


@contextmanager
def _told() -> Iterator[None]:
    """Mistakes of the user as messages, not tracebacks."""
    try:
        yield
    except ValueError as error:
        if type(error).__module__.startswith("cachelib."):
            raise UsageError(str(error)) from None
        raise


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Decide on a cache architecture by running it."""


@main.command()
@click.argument("case", default=".")
@click.option("--trace", type=click.Path(exists=True, dir_okay=False), help="A request log.")
@click.option("-p", "assignments", multiple=True, metavar="NAME=VALUE", help="Set a parameter.")
@click.option("--out", type=click.Path(path_type=Path), help="The report's folder.")
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True)
def report(
    case: str, trace: str | None, assignments: tuple[str, ...], out: Path | None, jobs: int
) -> None:
    """Run every experiment on CASE and write the decision report."""
    from cachelib.report import build, parameters, progress

    with _told():
        given = {"case": case, "trace": trace, **parameters.parse_assignments(assignments)}
        with progress.display() as shown:
            done = build.build(given, out, jobs=jobs, progress=shown)
    for run in done.failed:
        assert run.failure  # noqa: S101
        click.echo(f"{run.name}: cell {run.failure.cell}: {run.failure.error}", err=True)
    click.echo(done.folder / "report.html")
    sys.exit(1 if done.failed else 0)


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


@main.command()
@click.argument("log", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--isolates", type=click.IntRange(1, 10_000), default=1, show_default=True,
              help="L1 caches in all, wherever the log says a request went.")  # fmt: skip
@click.option("--routing", type=click.Choice(["round-robin", "random", "hash"]),
              default="round-robin", show_default=True)  # fmt: skip
@click.option(
    "--l1-ttl", type=click.FloatRange(0, min_open=True), help="Seconds; never by default."
)
@click.option(
    "--l2-ttl", type=click.FloatRange(0, min_open=True), help="Seconds; never by default."
)
@click.option("--expiry", type=click.Choice(["inherited", "independent"]), default="inherited",
              show_default=True)  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def replay(log: Path, as_json: bool, **options: Any) -> None:
    """Replay a request log through isolated L1s over one shared L2."""
    from cachelib.edge.replay import replay_log

    with _told():
        counts = replay_log(log, **options)
    if as_json:
        _print_json(counts)
    else:
        for name, value in counts.items():
            click.echo(
                f"{name:>18}  {value:,}" if isinstance(value, int) else f"{name:>18}  {value}"
            )


@main.command(hidden=True)
def notebooks() -> None:
    """Run the project's notebooks with their default parameters and keep their outputs."""
    from cachelib.report import notebooks

    notebooks.refresh()


def _print_json(data: Any) -> None:
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
