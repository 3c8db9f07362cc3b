"""The command `cachelib`: each subcommand is a library call with words around it."""

from __future__ import annotations

import json
import signal
import sys
import webbrowser
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
