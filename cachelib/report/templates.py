"""The Jinja environments. What is not marked as safe is escaped, in HTML and in Markdown alike."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cachelib.model.schema.resources import resource

FOLDER = resource("templates")

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ue000-\uf8ff\u202a-\u202e\u2066-\u2069]+")


class Markdown(str):
    """Text that is Markdown already."""

    __slots__ = ()


def escape_markdown(value: Any) -> str:
    """Any text as Markdown that shows just that text, on one line."""
    if isinstance(value, Markdown):
        return value
    text = CONTROL.sub(" ", str(value))
    text = re.sub(r"([\\`*_\[\]<>|~&$@{}])", r"\\\1", text)
    text = re.sub(r"://", r":\\//", text)
    text = re.sub(r"^(\s*)([#+\-=.!])", r"\1\\\2", text)
    return re.sub(r"^(\s*\d+)([.)])(?=\s|$)", r"\1\\\2", text)


@cache
def html_environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def markdown_environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=False,  # noqa: S701 - finalize escapes, for Markdown
        finalize=escape_markdown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
