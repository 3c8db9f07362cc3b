"""An audit in the formats it can be given out in."""

import json
from pathlib import Path
from typing import Any

from cachelib.evidence.audit import Audit, to_json
from cachelib.evidence.display import audit_text
from cachelib.evidence.errors import EvidenceError
from cachelib.evidence.sarif import to_sarif
from cachelib.evidence.workflow import to_workflow


def formatted(audit: Audit, form: str, directory: Path) -> str:
    """As `text` and `json` with files from `directory`, as `sarif` and `github` from the root of
    the repository around it, where their viewers look for files."""
    match form:
        case "json":
            return _dumped(to_json(audit))
        case "sarif":
            return _dumped(to_sarif(audit, _from_root(directory)))
        case "github":
            return to_workflow(audit, _from_root(directory))
    return audit_text(audit)


def write_text(path: Path, text: str) -> None:
    try:
        path.write_text(text + "\n", "utf-8")
    except OSError as error:
        raise EvidenceError(f"{path}: cannot be written: {error.strerror}") from None


def _from_root(directory: Path) -> str:
    folder = directory.resolve()
    for root in (folder, *folder.parents):
        if (root / ".git").exists():
            way = folder.relative_to(root).as_posix()
            return "" if way == "." else way + "/"
    return ""


def _dumped(data: dict[str, Any]) -> str:
    return json.dumps(data, indent=2)  # in ASCII: nothing in it is rewritten for a terminal
