"""The commands about what the library keeps."""

from __future__ import annotations

from typing import Any

import click

from cachelib.commands.words import JSON, print_json, told


@click.group()
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

    with told():
        found = inspect(place, **options)
    if as_json:
        print_json(found.as_json(limit))
    else:
        click.echo(found.as_text(limit))
