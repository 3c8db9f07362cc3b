"""Commands about a case and its report."""

from __future__ import annotations

import math
import sys
import webbrowser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from cachelib.commands import words
from cachelib.commands.words import UsageError, print_json, say, told
from cachelib.plural import plural

if TYPE_CHECKING:
    from cachelib.report.experiments.run import Progress


class CaseName(click.Path):
    """A case file, a folder with one, or the name of a ready-made case."""

    name = "case"

    def __init__(self) -> None:
        super().__init__(path_type=str)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from cachelib.model.case.ready_made import ready_made

        names = [CompletionItem(name) for name in ready_made() if name.startswith(incomplete)]
        return names + super().shell_complete(ctx, param, incomplete)


class LogPath(click.Path):
    """A path, or an address in a bucket."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        return value if str(value).startswith("s3://") else super().convert(value, param, ctx)


CASE = click.argument("case", default=".", type=CaseName())
SET = click.option(
    "-p", "assignments", multiple=True, metavar="NAME=VALUE",
    help="Set a notebook's parameter, or anything of the case: origin_ms=40, "
    "designs.l1-kv.l2_ttl_s=600. `cachelib parameters` lists them.",
)  # fmt: skip


def _there(case: str) -> None:
    if case == "." and not Path("case.yaml").exists():
        raise UsageError(
            "there is no case.yaml here; `cachelib init .` writes one, or name a case: "
            "`cachelib cases` lists the ready-made ones"
        )


@click.command()
@CASE
@click.option("--trace", type=LogPath(exists=True),
              help="A request log: a file, a folder, or s3://BUCKET/NAME.")  # fmt: skip
@SET
@click.option("--sample", type=click.FloatRange(0, 1, min_open=True), metavar="RATE",
              help="Simulate this share of the keys in the place of all, with the error that this "
                   "makes; 1 is all, and what takes longer than two minutes is sampled by "
                   "default.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="The report's folder.")
@click.option("--only", multiple=True, metavar="NOTEBOOK",
              help="Run just this, by name or number; others are reused or left out.")  # fmt: skip
@click.option("--partial", "partial_too", is_flag=True,
              help="Let --only replace a complete report by a partial one.")  # fmt: skip
@click.option("--fresh", is_flag=True, help="Run also what has not changed.")
@click.option("--dry-run", is_flag=True, help="Say what would run and why, and run nothing.")
@click.option("--check", "is_check", is_flag=True,
              help="Fail, and say why, if the report that is there is out of date.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True,
              help="Notebooks at once.")  # fmt: skip
@click.option("--cluster", "workers", type=click.IntRange(1, 256), metavar="N",
              help="Simulate on N Dask workers of this machine; to the same report.")  # fmt: skip
@click.option("--scheduler", metavar="ADDRESS", help="Simulate on the Dask cluster there.")
@click.option("--spool", type=click.Path(path_type=Path, file_okay=False),
              help="The folder in which workers find the requests (made if need be); all must "
                   "see it.")  # fmt: skip
@click.option("--timeout", type=click.FloatRange(0, min_open=True), default=600.0,
              show_default=True, help="Seconds that one notebook may take.")  # fmt: skip
@click.option(
    "--template", "templates", type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER", help="Your own templates, in the place of those of the same name.",
)  # fmt: skip
@click.option(
    "--pdf", "is_pdf", is_flag=True, help="Print the report to report.pdf too, with Chromium."
)
@click.option("--open", "is_open", is_flag=True, help="Show the report in the browser.")
@words.speaking
def report(
    case: str, trace: str | None, assignments: tuple[str, ...], out: Path | None,
    dry_run: bool, is_check: bool, is_pdf: bool, is_open: bool, jobs: int, timeout: float,
    partial_too: bool, templates: Path | None, workers: int | None, scheduler: str | None,
    spool: Path | None, sample: float | None, **which: Any,
) -> None:  # fmt: skip
    """Run the experiments on CASE and write the decision report.

    CASE is a case file, a folder with a case.yaml, or the name of a ready-made case. Notebooks
    of which nothing has changed are reused, those too that finished in a run that did not.
    """
    from cachelib.report.reuse.glance import Glance, Standing

    _there(case)
    if workers and scheduler:
        raise UsageError("give one of --cluster and --scheduler")
    if spool and not (workers or scheduler):
        raise UsageError("--spool is for the workers of --cluster or --scheduler")
    trace = _at_hand(trace)
    assignments += () if sample is None else (f"sample={sample!r}",)
    glance = Glance({"case": case, "trace": trace, "-p": assignments, "out": out,
                     "templates": templates})  # fmt: skip
    is_whole = not (dry_run or is_check or is_pdf or partial_too or any(which.values()))
    if is_whole and (standing := glance.report()):
        _show(standing.page, is_open=is_open, reused=standing.notebooks)
        return

    from cachelib.model.engines.kept import compiled_aside

    with told(), compiled_aside():
        from cachelib.report import progress
        from cachelib.report.build import build, foreseen
        from cachelib.report.document import pdf
        from cachelib.report.experiments.parameters import parse_assignments
        from cachelib.report.reuse.plan import Request, plan

        given = {"case": case, "trace": trace, **parse_assignments(assignments)}
        if dry_run or is_check:
            request = Request.of(given, out, templates)
            steps = plan(request, **which)
            if dry_run:
                foreseen(request, steps, partial_too=partial_too)
            _say_outside(request.settled.outside)
            say(progress.foretold(steps, is_all=words.is_verbose()))
            sys.exit(0 if dry_run or steps.stands else 1)
        browser = pdf.browser() if is_pdf else None
        shown = progress.silence() if words.is_quiet() else progress.display()
        with shown as tell, _on_cluster(scheduler, workers, words.made(spool), tell):
            done = build(given, out, jobs=jobs, progress=tell, timeout_s=timeout,
                         partial_too=partial_too, templates=templates, **which)  # fmt: skip
        if browser:
            pdf.print_report(browser, done.folder)
        if is_whole and done.is_whole:
            glance.remember(Standing(done.page, [run.name for run in done.runs]), done.made_from)
    _say_outside(done.outside)
    if done.unrendered:
        say(f"the report could not be written: {done.unrendered!r}", err=True)
    if done.others:
        left = f"{done.folder}: left as it is, for it is not the report's: "
        say(left + ", ".join(done.others), err=True)
    _show(done.page, is_open=is_open)
    sys.exit(1 if done.failed or done.unrendered else 0)


@contextmanager
def _on_cluster(
    scheduler: str | None, workers: int | None, spool: Path | None, tell: Progress
) -> Iterator[None]:
    """Kernels that are started meanwhile replay on the cluster that is asked for, if any."""
    if scheduler is None and workers is None:
        yield
        return
    from cachelib.model.engines.shards.cluster import connected
    from cachelib.model.engines.shards.lent import lent

    def say(words: str) -> None:
        tell("cluster", "at work", words)

    with connected(scheduler, workers, spool, say) as cluster, lent(cluster, say):
        yield
    tell("cluster", "ran", "the workers are done")


def _at_hand(trace: str | None) -> str | None:
    """The log in a folder of this machine, until the command ends."""
    if trace is None or not trace.startswith("s3://"):
        return trace
    from cachelib.model.traffic.logs.buckets import fetched

    stack = click.get_current_context().with_resource(ExitStack())
    with told():
        return str(fetched(trace, stack))


def _say_outside(said: Sequence[str]) -> None:
    """Say which numbers were set past what the case holds for possible."""
    for each in said:
        say(each, err=True)


def _show(page: Path, *, is_open: bool, reused: Sequence[str] = ()) -> None:
    """Say where a report lies, after the notebooks that it needed no run of."""
    if not words.is_quiet():
        for name in reused:
            say(f"{name}: reused", err=True)
    if is_open:
        webbrowser.open(page.resolve().as_uri())
    say(page)


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
            words.write(html, found.as_html())
    if as_json:
        print_json(found.as_json())
    else:
        say(found.as_text())


@click.command()
@CASE
@SET
def check(case: str, assignments: tuple[str, ...]) -> None:
    """Say everything that is wrong with a case file."""
    from cachelib.report.experiments.parameters import parse_assignments, settle

    _there(case)
    with told():
        settled = settle({"case": case, **parse_assignments(assignments)})
        settled.study.setting  # noqa: B018 - the whole study is built before it is called good
        settled.study.book  # noqa: B018
    _say_outside(settled.outside)
    for name, reason in settled.barred.items():
        say(f"{case}: designs: {name} is out: {reason}")
    left = len(settled.case.designs)
    of = f", with the {left} {plural(left, 'design')} left" if settled.barred else ""
    say(f"{case}: good{of}")


@click.command()
@CASE
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def parameters(case: str, as_json: bool) -> None:
    """List what `-p NAME=VALUE` can set for CASE, and what it stands at."""
    from cachelib.report.experiments.parameters import settable

    _there(case)
    with told():
        found = settable(case)
    if as_json:
        print_json(found)
        return
    words.print_table([[name, _value(value)] for name, value in found.items()])


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(words.in_words, value))
    if isinstance(value, Mapping) and {"value", "low", "high"} <= value.keys():
        said = {name: words.in_words(value[name]) for name in ("value", "low", "high")}
        unit = f" {value['unit']}" if value.get("unit") else ""
        return f"{said['value']}{unit} ({said['low']} to {said['high']})"
    return "not set" if value is None else words.in_words(value)


@click.command()
def cases() -> None:
    """List the ready-made cases."""
    from cachelib.model.case.case import load_case
    from cachelib.model.case.ready_made import ready_made

    with told():
        words.print_table([[name, load_case(name).title] for name in ready_made()])


@click.command()
@click.argument("of", type=click.Choice(["case", "decision"]), default="case")
def schema(of: str) -> None:
    """Print the JSON Schema of case files, or of a report's decision.json."""
    if of == "decision":
        from cachelib.report.document.formats import json

        print_json(json.schema())
    else:
        from cachelib.model.case.case import Case

        print_json(Case.model_json_schema())


@click.command(hidden=True)
def notebooks() -> None:
    """Run the project's notebooks with their default parameters and keep their outputs."""
    from cachelib.report import progress
    from cachelib.report.experiments import notebooks

    with progress.display() as shown:
        notebooks.refresh(shown)


@click.command()
@click.argument("name", required=False)
@click.option("--prices", is_flag=True, help="Its price book instead.")
def platform(name: str | None, prices: bool) -> None:
    """Print a platform as YAML that a case can name, with sources; without NAME, list them.

    NAME is a shipped one, or a file of your own.
    """
    from ruamel.yaml import YAML

    from cachelib.model.case.beside import load_profile
    from cachelib.model.case.names import MOST, known
    from cachelib.model.platforms.books import whole_book
    from cachelib.model.platforms.profile import SHIPPED, shipped

    with told():
        if name is None:
            words.print_table([[each, shipped(each).about] for each in SHIPPED])
            return
        if not name.endswith((".yaml", ".yml")) and (fault := known("platform", SHIPPED, name)):
            raise UsageError(fault)
        found = shipped(name) if name in SHIPPED else load_profile(Path(name)).whole
        yaml = YAML(typ="safe", pure=True)
        yaml.default_flow_style = False
        yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
        if prices:
            book = whole_book(found.book).model_dump(mode="json", exclude_defaults=True)
            yaml.dump(book, sys.stdout)
            return
        written = found.model_dump(exclude_defaults=True)
        for number in written["numbers"].values():  # a case has no infinity
            number["value"] = min(number["value"], MOST.get(number["unit"], math.inf))
        yaml.dump(written, sys.stdout)
