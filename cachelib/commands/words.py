"""How commands speak: mistakes as messages, results as tables or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

JSON = click.option("--json", "as_json", is_flag=True, help="For machines.")


class UsageError(click.ClickException):
    """What the user gave cannot be used; nothing was run."""

    exit_code = 2


@contextmanager
def told() -> Iterator[None]:
    """Mistakes of the user as messages, not tracebacks."""
    try:
        yield
    except (ValueError, RuntimeError) as error:
        if not type(error).__module__.startswith("cachelib."):
            raise
        kind = UsageError if isinstance(error, ValueError) else click.ClickException
        raise kind(str(error)) from None


def print_result(data: dict[str, Any], as_json: bool) -> None:
    """All of it for machines; for people its numbers, words and tables."""
    if as_json:
        print_json(data)
        return
    for name, value in data.items():
        if name == "first_skipped_line" and not value:
            continue
        if isinstance(value, list | dict):
            _many(name, value)
        elif value not in ("", None):
            click.echo(f"{name:>22}  {in_words(value)}")


def _many(name: str, values: list[Any] | dict[str, Any]) -> None:
    rows = list(values.values() if isinstance(values, dict) else values)
    if rows and isinstance(rows[0], dict):
        columns = [
            column for column, value in rows[0].items() if not isinstance(value, dict | list)
        ]
        lines = [columns, *([in_words(row[column]) for column in columns] for row in rows)]
        names = [name, *(values if isinstance(values, dict) else [""] * len(rows))]
        click.echo()
        for first, cells in zip(names, lines, strict=True):
            click.echo(f"{first:>22}  " + "".join(f"{cell:<20}" for cell in cells).rstrip())
    else:
        told = values if isinstance(values, list) else [in_words({k: values[k]}) for k in values]
        for nth, value in enumerate(told):
            click.echo(f"{'' if nth else name:>22}  {in_words(value)}")


def in_words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {in_words(each)}" for key, each in value.items())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,.0f}" if isinstance(value, int) or value > 1e4 else f"{value:.6g}"


def print_json(data: Any) -> None:
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))
