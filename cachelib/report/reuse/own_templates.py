"""Templates of the user's own, looked at before anything runs."""

from __future__ import annotations

from pathlib import Path

from jinja2 import TemplateSyntaxError

from cachelib.errors import CachelibError
from cachelib.model.schema.typed_yaml import nearest
from cachelib.report.templates import FOLDER, Templates

STYLE = "style.css"
REPORT = "report.md.j2"


class OwnTemplateError(CachelibError, ValueError):
    """A template of the user's own that cannot be used."""


def check(templates: Templates) -> None:
    """Raise `OwnTemplateError` for a folder or file that would do nothing or cannot be read."""
    if templates.own is None:
        return
    if not templates.files:
        raise OwnTemplateError(f"{templates.own}: no templates lie there")
    known = [path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.j2")]
    for name, path in templates.files.items():
        if name not in (*known, STYLE) and REPORT not in templates.files:
            guess = nearest(name, known)
            raise OwnTemplateError(f"{path}: takes the place of no template; {guess}")
        _read(templates, name, path)


def _read(templates: Templates, name: str, path: Path) -> None:
    try:
        source = path.read_text("utf-8")
        if name == STYLE and "</" in source:
            raise OwnTemplateError(f"{path}: `</` would end the style of the page")
        if name.endswith(".j2"):
            templates.markdown.parse(source, name)
    except UnicodeDecodeError:
        raise OwnTemplateError(f"{path}: no text in UTF-8") from None
    except TemplateSyntaxError as error:
        raise OwnTemplateError(f"{path}:{error.lineno}: {error.message}") from None
