"""Commands about a case and its report."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path
from typing import Any

import click

from cachelib.commands.words import UsageError, print_json, told


@click.command()
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
    from cachelib.report import progress
    from cachelib.report.build import build
    from cachelib.report.document import pdf
    from cachelib.report.experiments.parameters import parse_assignments
    from cachelib.report.reuse.plan import Request, plan

    if case == "." and not Path("case.yaml").exists():
        raise UsageError("there is no case.yaml here; `cachelib init .` writes one, or name a case")
    with told():
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
            pdf.print_report(browser, done.folder)
    if is_open:
        webbrowser.open(page.resolve().as_uri())
    if done.others:
        left = f"{done.folder}: left as it is, for it is not the report's: "
        click.echo(left + ", ".join(done.others), err=True)
    click.echo(page)
    sys.exit(1 if done.failed else 0)


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def init(folder: Path) -> None:
    """Write a commented case.yaml, ready to run, into FOLDER."""
    from cachelib.report.init import write_case

    with told():
        path = write_case(folder)
    click.echo(f"{path}\nmake it yours, then: cachelib report {click.format_filename(folder)}")


@click.command()
@click.argument("a", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("b", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page too.")
@click.option("--json", "as_json", is_flag=True)
def compare(a: Path, b: Path, html: Path | None, as_json: bool) -> None:
    """Say what changed from the report in folder A to the one in B."""
    from cachelib.report.document.compare import compare

    with told():
        found = compare(a, b)
    if html:
        html.write_text(found.as_html(), "utf-8")
    if as_json:
        print_json(found.as_json())
    else:
        click.echo(found.as_text())


@click.command()
@click.argument("case")
def check(case: str) -> None:
    """Say everything that is wrong with a case file."""
    from cachelib.model.case.case import load_case

    with told():
        load_case(case)
    click.echo(f"{case}: good")


@click.command()
def schema() -> None:
    """Print the JSON Schema of case files."""
    from cachelib.model.case.case import Case

    print_json(Case.model_json_schema())


@click.command(hidden=True)
def notebooks() -> None:
    """Run the project's notebooks with their default parameters and keep their outputs."""
    from cachelib.report.experiments import notebooks

    notebooks.refresh()
