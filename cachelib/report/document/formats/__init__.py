"""The output formats, a file each. What they have in common is `Material` and `Format`."""

from cachelib.report.document.formats import adr, figures, html, json, markdown
from cachelib.report.document.material import Format

FORMATS: tuple[Format, ...] = (
    figures.files,
    markdown.files,
    html.files,
    adr.files,
    json.files,
)
