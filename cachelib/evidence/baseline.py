"""Findings that are known already and do not count: by fingerprint, in a file."""

import json
from collections.abc import Collection
from pathlib import Path

from cachelib.evidence.errors import EvidenceError
from cachelib.evidence.files import regular
from cachelib.evidence.finding import Finding

_VERSION = 1


def write_baseline(path: Path, findings: Collection[Finding]) -> None:
    """Sorted by place, with words for whoever reviews it; only the fingerprints are read again."""
    listed = [
        {"fingerprint": f.fingerprint, "rule": f.rule, "file": f.file, "message": f.message}
        for f in findings
    ]
    document = {"version": _VERSION, "findings": listed}
    try:
        path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")
    except OSError as error:
        raise EvidenceError(f"{path}: cannot be written: {error.strerror}") from None


def read_baseline(path: Path) -> frozenset[str]:
    try:
        document = json.loads(regular(path).read_text("utf-8"))
        if document["version"] != _VERSION:
            raise EvidenceError(f"{path}: of another version; write it anew: --write-baseline")
        return frozenset(str(each["fingerprint"]) for each in document["findings"])
    except FileNotFoundError:
        raise EvidenceError(f"{path}: no such baseline; --write-baseline {path} makes it") from None
    except OSError as error:
        raise EvidenceError(f"{path}: cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, RecursionError):
        raise EvidenceError(f"{path}: no baseline of this command; --write-baseline") from None
