"""The Jinja environments. What is not marked as safe is escaped, in HTML and in Markdown alike.

A user's own folder of templates takes the place of single ones. They run in a sandbox: a template
reads what it is given, and reaches nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

from cachelib.model.schema.resources import resource
from cachelib.report import text

FOLDER = resource("templates")


@dataclass(frozen=True)
class Templates:
    """The project's templates, and before them those in a folder of the user's `own`."""

    own: Path | None = None

    @cached_property
    def html(self) -> Environment:
        """For HTML and SVG."""
        return self._environment(text.html, autoescape=True)

    @cached_property
    def markdown(self) -> Environment:
        """For Markdown, where `finalize` escapes."""
        return self._environment(text.markdown, keep_trailing_newline=True)

    @property
    def files(self) -> dict[str, Path]:
        """The user's own files by their names in the folder."""
        if self.own is None:
            return {}
        found = (path for path in sorted(self.own.rglob("*")) if path.is_file())
        return {path.relative_to(self.own).as_posix(): path for path in found}

    def _environment(self, finalize: Callable[[Any], Any], **more: Any) -> Environment:
        folders = [FOLDER] if self.own is None else [self.own, FOLDER]
        return ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(folders),
            finalize=finalize,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            **more,
        )


@lru_cache(256)
def made(environment: Environment, source: str) -> Template:
    """The template that `source` makes: each chapter is rendered several times, to each format."""
    return environment.from_string(source)


_PROJECT_S = Templates()


def html_environment() -> Environment:
    """The project's own, for what is no part of the document: pages, drawings."""
    return _PROJECT_S.html


def markdown_environment() -> Environment:
    """The project's own, for Markdown."""
    return _PROJECT_S.markdown
