"""Charts as files of their own: the drawing, which Markdown shows, and the data behind it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from cachelib.report import text as fit
from cachelib.report.document.material import Material
from cachelib.report.document.render import file_name
from cachelib.report.publish.findings import Data, Figure


def files(material: Material) -> Mapping[str, str]:
    """`figures/NAME.svg` and `figures/NAME.csv` of every chart."""
    written = {}
    for found in material.findings:
        if isinstance(found.finding, Figure) and found.svg:
            name = f"figures/{file_name(found.finding.id)}"
            written[f"{name}.svg"] = fit.xml(found.svg)
            if found.finding.data:
                written[f"{name}.csv"] = to_csv(found.finding.data)
    return written


def to_csv(data: Data) -> str:
    """A table with a head, as RFC 4180 has it but for its line ends."""
    lines = io.StringIO()
    out = csv.writer(lines, lineterminator="\n")
    out.writerow(map(_cell, data.columns))
    out.writerows(map(_cell, row) for row in data.rows)
    return lines.getvalue()


def _cell(value: object) -> object:
    """No cell is one that a spreadsheet would run: names of a case's may begin with = or @."""
    if not isinstance(value, str):
        return value
    plain = fit.plain(value)
    return f"'{plain}" if plain[:1] in tuple("=+-@\t") else plain
