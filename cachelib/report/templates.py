"""The Jinja environments. What is not marked as safe is escaped, in HTML and in Markdown alike."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cachelib.model.schema.resources import resource
from cachelib.report import text

FOLDER = resource("templates")


@cache
def html_environment() -> Environment:
    """For HTML and SVG."""
    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        finalize=text.html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def markdown_environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=False,  # noqa: S701 - finalize escapes, for Markdown
        finalize=text.markdown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
