"""The notebooks of a run to the files of its report."""

from __future__ import annotations

from pathlib import Path

from cachelib.report.document.formats import FORMATS
from cachelib.report.document.material import Material
from cachelib.report.experiments.source import digest_of_file
from cachelib.report.reuse.previous import sealed
from cachelib.report.text import to_json


def write(folder: Path, material: Material) -> None:
    """Write all but the notebooks and their pages, which are there already; the manifest last."""
    for files in FORMATS:
        for name, text in files(material).items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
    manifest = sealed({**material.provenance, "files": _digests(folder)})
    (folder / "manifest.json").write_text(to_json(manifest) + "\n", "utf-8")


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): digest_of_file(file) for file in files}
