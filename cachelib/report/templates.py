"""The Jinja environments. What is not marked as safe is escaped, in HTML and in Markdown alike.

A user's own folder of templates takes the place of single ones. They run in a sandbox: a template
reads what it is given, and reaches nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from cachelib.errors import CachelibError
from cachelib.model.schema.resources import resource
from cachelib.model.schema.typed_yaml import nearest
from cachelib.report import text

FOLDER = resource("templates")
STYLE = "style.css"
REPORT = "report.md.j2"


class OwnTemplateError(CachelibError, ValueError):
    """A template of the user's own that cannot be used."""


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

    @property
    def own_style(self) -> str:
        """The user's own rules of style, which follow the project's."""
        file = self.files.get(STYLE)
        return file.read_text("utf-8") if file else ""

    def check(self) -> None:
        """Raise `OwnTemplateError` for a folder or file that would do nothing or cannot be read."""
        if self.own is None:
            return
        if not self.files:
            raise OwnTemplateError(f"{self.own}: no templates lie there")
        known = [path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.j2")]
        for name, path in self.files.items():
            if name not in (*known, STYLE) and REPORT not in self.files:
                guess = nearest(name, known)
                raise OwnTemplateError(f"{path}: takes the place of no template; {guess}")
            self._read(name, path)

    def _read(self, name: str, path: Path) -> None:
        try:
            source = path.read_text("utf-8")
            if name == STYLE and "</" in source:
                raise OwnTemplateError(f"{path}: `</` would end the style of the page")
            if name.endswith(".j2"):
                self.markdown.parse(source, name)
        except UnicodeDecodeError:
            raise OwnTemplateError(f"{path}: no text in UTF-8") from None
        except TemplateSyntaxError as error:
            raise OwnTemplateError(f"{path}:{error.lineno}: {error.message}") from None

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


_PROJECT_S = Templates()


def html_environment() -> Environment:
    """The project's own, for what is no part of the document: pages, drawings."""
    return _PROJECT_S.html


def markdown_environment() -> Environment:
    """The project's own, for Markdown."""
    return _PROJECT_S.markdown
