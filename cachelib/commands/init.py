"""The command that writes a case to begin with."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from cachelib.commands.words import UsageError, say, told


def _colos(context: click.Context, option: click.Parameter, said: str | None) -> Any:
    if said is None:
        return None
    try:
        pairs = [pair.partition("=") for pair in said.split(",")]
        weights = [(name.strip(), float(weight or 1)) for name, _, weight in pairs]
    except ValueError:
        raise click.BadParameter("write FRA=3,AMS=1: codes of airports, with weights") from None
    named = Counter(name for name, _ in weights)
    for twice in (name for name, times in named.items() if times > 1):
        raise click.BadParameter(f"{twice} is there twice; say each place once")
    return dict(weights)


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--name", help="What the system is called.")
@click.option("--summary", help="What it answers, and what it asks for that, in a sentence.")
@click.option("--requests-per-month", type=click.FloatRange(0, min_open=True))
@click.option("--reads-per-write", type=click.FloatRange(0, min_open=True))
@click.option("--keys", type=click.IntRange(1), help="How many different things are asked for.")
@click.option("--value-bytes", type=click.IntRange(0), help="How large an answer is.")
@click.option("--origin-ms", type=click.FloatRange(0), help="How long the origin takes to answer.")
@click.option("--colos", callback=_colos, metavar="FRA=3,AMS=1",
              help="Where requests come from: airports' codes, with weights.")  # fmt: skip
@click.option("--today", metavar="DESIGN", help="The design in use today.")
@click.option("--against", metavar="DESIGN", help="The design that is asked about.")
@click.option("--ask/--no-ask", default=None, help="Ask for what no option says; on a terminal "
              "by default.")  # fmt: skip
def init(folder: Path, ask: bool | None, **answers: Any) -> None:
    """Write a commented case.yaml, ready to run, into FOLDER."""
    from cachelib.report.init import Answers, write_case

    with told():
        if (folder / "case.yaml").exists():
            raise UsageError(f"{folder / 'case.yaml'}: is there already, and was left as it is")
        given = {name: answer for name, answer in answers.items() if answer is not None}
        if sys.stdin.isatty() if ask is None else ask:
            given |= _asked(Answers(**given), given)
        path = write_case(folder, Answers(**given))
    say(f"{path}\nmake it yours, then: cachelib report {click.format_filename(folder)}")


def _asked(guess: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Answers to what was not given, each with a guess to be confirmed."""
    questions = {
        "name": "What is the system called?",
        "requests_per_month": "Requests a month?",
        "keys": "Different keys?",
        "origin_ms": "Milliseconds that the origin takes to answer?",
        "today": "The design in use today (nothing if there is none)?",
        "against": "The design that is asked about?",
    }
    answers = {
        name: click.prompt(question, default=getattr(guess, name) or "")
        for name, question in questions.items()
        if name not in given
    }
    return {name: answer for name, answer in answers.items() if answer != ""}
