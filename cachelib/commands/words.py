"""How commands speak: mistakes as messages, results as tables or JSON."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Any

import click

from cachelib.errors import CachelibError
from cachelib.report.text import terminal, to_json

JSON = click.option("--json", "as_json", is_flag=True, help="For machines.")
LOUDNESS = "cachelib.loudness"


class UsageError(click.ClickException):
    """What the user gave cannot be used; nothing was run."""

    exit_code = 2


class UnwritableError(CachelibError, ValueError):
    """A file that cannot be written where the user wants it."""


def speaking(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `-q` and `-v`; see `is_quiet` and `is_verbose`."""

    def louder(context: click.Context, option: click.Parameter, is_given: bool) -> None:
        if is_given:
            context.find_root().meta[LOUDNESS] = option.name

    for names, about in (
        (("-v", "--verbose"), "Say more, and of an error where in the code it came from."),
        (("-q", "--quiet"), "Say nothing but the result."),
    ):
        command = click.option(
            *names, is_flag=True, expose_value=False, callback=louder, help=about
        )(command)
    return command


def is_quiet() -> bool:
    """Whether only the result is wanted."""
    return _loudness() == "quiet"


def is_verbose() -> bool:
    """Whether more is wanted than most people want to read."""
    return _loudness() == "verbose"


def _loudness() -> object:
    context = click.get_current_context(silent=True)
    return context.find_root().meta.get(LOUDNESS) if context else None


@contextmanager
def told() -> Iterator[None]:
    """Mistakes of the user as messages, not tracebacks."""
    try:
        yield
    except CachelibError as error:
        _trace(error)
        kind = UsageError if isinstance(error, ValueError) else click.ClickException
        raise kind(terminal(str(error))) from None
    except MemoryError as error:
        _trace(error)
        said = f" ({error})" if str(error) else ""
        raise click.ClickException(
            f"there is not enough memory{said}; take a part of the log, or fewer requests a month"
        ) from None
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.filename is None:
            raise  # of no file that anybody named: a fault of ours
        _trace(error)
        raise click.ClickException(terminal(f"{error.filename}: {error.strerror}")) from None


def _trace(error: BaseException) -> None:
    if is_verbose():
        say("".join(traceback.format_exception(error)), err=True)


def made(folder: Path | None) -> Path | None:
    """A folder that the user named, made if it was not there; raises `UsageError`."""
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: this folder cannot be made: {error.strerror}") from None
    return folder


def write(path: Path, text: str) -> None:
    """Write a file that the user named; raises `UnwritableError`."""
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise UnwritableError(f"{path}: cannot be written: {error.strerror}") from None


def say(text: object, *, err: bool = False) -> None:
    """Print it; nothing in it moves the cursor or sets a colour."""
    click.echo(terminal(str(text)), err=err)


def print_result(data: dict[str, Any], as_json: bool) -> None:
    """All of it for machines; for people its numbers, words and tables."""
    if as_json:
        print_json(data)
        return
    for name, value in data.items():
        if name == "first_skipped_line" and not value:
            continue
        if isinstance(value, bool):  # a sentence: others' names are those of the JSON
            say(f"{name.replace('_', ' '):>22}  {in_words(value)}")
        elif isinstance(value, list | dict) and not is_estimate(value):
            _many(name, value)
        elif value not in ("", None):
            say(f"{name:>22}  {in_words(value)}")


def _many(name: str, values: list[Any] | dict[str, Any]) -> None:
    rows = list(values.values() if isinstance(values, dict) else values)
    if rows and isinstance(rows[0], dict):
        columns = [
            column
            for column, value in rows[0].items()
            if is_estimate(value) or not isinstance(value, dict | list)
        ]
        lines = [columns, *([in_words(row[column]) for column in columns] for row in rows)]
        names = [name, *(values if isinstance(values, dict) else [""] * len(rows))]
        say("")
        print_table([[f"{first:>22}", *cells] for first, cells in zip(names, lines, strict=True)])
    else:
        told = values if isinstance(values, list) else [in_words({k: values[k]}) for k in values]
        for nth, value in enumerate(told):
            say(f"{'' if nth else name:>22}  {in_words(value)}")


def print_table(rows: list[list[str]]) -> None:
    """Rows of cells, two spaces or more between them."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        say("  ".join(cells).rstrip())


def is_estimate(value: Any) -> bool:
    """Whether it is a number with its error."""
    return isinstance(value, dict) and value.keys() == {"estimate", "plus_or_minus"}


def in_words(value: Any) -> str:
    """A value as a table shows it."""
    if is_estimate(value):
        number, error = value["estimate"], value["plus_or_minus"]
        return f"{in_words(number)} ± {in_words(ceil(error) if isinstance(number, int) else error)}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {in_words(each)}" for key, each in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return str(value)
    return f"{value:,.0f}" if isinstance(value, int) or value > 1e4 else f"{value:.6g}"


def print_json(data: Any) -> None:
    click.echo(to_json(data))
