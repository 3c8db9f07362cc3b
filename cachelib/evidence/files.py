"""The files of an examined directory: what is read, what is passed over and why."""

import codecs
import errno
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from cachelib.evidence.errors import EvidenceError
from cachelib.evidence.scripts import COMPONENT_SUFFIXES, script_of
from cachelib.evidence.syntax import Grammar, grammar_of

MAX_BYTES = 1_000_000
SOURCE_SUFFIXES = {
    ".ts",
    ".mts",
    ".cts",
    ".tsx",
    ".js",
    ".mjs",
    ".cjs",
    ".jsx",
    *COMPONENT_SUFFIXES,
}
_PASSED_OVER = {
    "node_modules": "node_modules",
    **dict.fromkeys(
        [
            *("dist", "build", "out", "coverage", "worker-bundle", ".output", ".next", ".nuxt"),
            *(".open-next", ".svelte-kit", ".vercel", ".wrangler", ".mf", ".turbo", ".cache"),
        ],
        "build output",
    ),
    ".git": "version control",
    **dict.fromkeys(["test", "tests", "__tests__", "__mocks__", "e2e"], "tests"),
}
_PASSED_OVER_ENDINGS = {
    ".min.js": "build output",
    ".bundle.js": "build output",
    ".d.ts": "type declarations",
    ".d.mts": "type declarations",
    **{f".{word}{suffix}": "tests" for word in ("test", "spec") for suffix in SOURCE_SUFFIXES},
}


@dataclass(frozen=True)
class Source:
    """A file's text and its path from the examined directory, with forward slashes."""

    path: str
    text: str

    @cached_property
    def code(self) -> tuple[str, Grammar]:
        """What of it is code, each piece in its place, and in which grammar."""
        suffix = PurePosixPath(self.path).suffix
        if suffix in COMPONENT_SUFFIXES:
            return script_of(self.text, suffix)
        return self.text, grammar_of(suffix)


@dataclass(frozen=True)
class Fault:
    """A file that could not be read, or not all of it: the line, counted from 1, and why."""

    file: str
    line: int
    reason: str


@dataclass
class Survey:
    sources: list[Source] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    unparsable: list[Fault] = field(default_factory=list)
    partly_read: list[Fault] = field(default_factory=list)


def regular(path: Path) -> Path:
    """The path of a file; raises `OSError` for a pipe or a device, which would be waited for."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "is no file", str(path))
    return path


def directory_of(given: Path) -> Path:
    if not given.exists():
        raise EvidenceError(f"{given}: no such directory; give the folder that holds wrangler.toml")
    if not given.is_dir():
        raise EvidenceError(f"{given}: not a directory; give the folder that holds this file")
    return given.resolve()


def survey(directory: Path) -> Survey:
    """Every TypeScript and JavaScript file below, in a stable order. Links are not followed."""
    found = Survey()
    for path in _files(directory, found.skipped):
        if path.suffix in SOURCE_SUFFIXES:
            _read_into(found, path, path.relative_to(directory).as_posix())
    return found


def _files(directory: Path, skipped: Counter[str]) -> Iterator[Path]:
    for folder, folders, names in os.walk(directory):
        here = Path(folder)
        skipped.update(
            reason
            for name in sorted(folders)
            if (reason := _why_not_folder(here / name)) is not None
        )
        folders[:] = sorted(name for name in folders if _why_not_folder(here / name) is None)
        for name in sorted(names):
            reason = _why_not_file(here / name)
            if reason is None:
                yield here / name
            elif Path(name).suffix in SOURCE_SUFFIXES:
                skipped[reason] += 1


def _why_not_folder(path: Path) -> str | None:
    return "symbolic links" if path.is_symlink() else _PASSED_OVER.get(path.name)


def _why_not_file(path: Path) -> str | None:
    if path.is_symlink():
        return "symbolic links"
    if not path.is_file():
        return "not regular files"
    endings = (why for ending, why in _PASSED_OVER_ENDINGS.items() if path.name.endswith(ending))
    if (reason := next(endings, None)) is not None:
        return reason
    return "larger than 1 MB" if path.stat().st_size > MAX_BYTES else None


_GENERATED = re.compile(
    r"@generated\b|\bDO NOT EDIT\b|(?i:\bauto(?:matically)?[- ]generated (?:file|code|by)\b)"
)
_HEAD = 2_000  # characters in which a generator names itself


def _is_generated(text: str) -> bool:
    """By its first words; the glue of WebAssembly by its names."""
    return _GENERATED.search(text, 0, _HEAD) is not None or "__wbindgen_" in text


def _is_minified(text: str) -> bool:
    return len(text) > 50_000 and len(text) > 500 * (text.count("\n") + 1)


def _read_into(found: Survey, path: Path, name: str) -> None:
    try:
        text, doubt = _decoded(path.read_bytes(), name)
    except OSError as error:
        found.unparsable.append(Fault(name, 1, error.strerror or "cannot be read"))
        return
    if "\0" in text:
        found.unparsable.append(Fault(name, 1, "not text; it was not audited"))
    elif _is_minified(text):
        found.skipped["build output"] += 1
    elif _is_generated(text):
        found.skipped["generated"] += 1
    else:
        found.sources.append(Source(name, text))
        found.partly_read += doubt


def _decoded(raw: bytes, name: str) -> tuple[str, list[Fault]]:
    """UTF-8, or what a byte order mark says; a character of another encoding is passed over."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", errors="replace"), []
    try:
        return raw.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        reason = "not UTF-8 text: some characters were passed over, the rest was audited"
        return raw.decode("utf-8-sig", errors="replace"), [Fault(name, line, reason)]
