"""Which file of the examined directory an import names."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from cachelib.evidence.files import SOURCE_SUFFIXES

_SPECIFIER = re.compile(r"""\b(?:from|import|require)\s*\(?\s*["']([^"'\n]+)["']""")
_OF_TYPES = re.compile(
    r"\b(?:import|export)\s+type\s+(?!from\b)[^;\"'`]*?\bfrom\s*[\"']([^\"'\n]+)[\"']"
)
_SOURCE = (*sorted(SOURCE_SUFFIXES), ".vue", ".svelte", ".astro")
_BUILT = re.compile(r"\.(?:[cm]?js|jsx)$")
_ALIAS = re.compile(r"^(?:[@~#$]\w*|\$lib)?/")


def specifiers(source: str) -> list[str]:
    """What a source imports, requires or exports from; dynamically too."""
    return _SPECIFIER.findall(source)


def type_specifiers(source: str) -> list[str]:
    """What a source takes types from and nothing else, as `import type` does."""
    others = set(specifiers(_OF_TYPES.sub("", source)))
    return [each for each in _OF_TYPES.findall(source) if each not in others]


class Imports:
    """Files by the names that imports give them.

    Relative paths as Node and TypeScript resolve them; packages of the workspace by their
    package.json; an alias (`@/store`, `~/store`) by the end of the path, nearest file first, since
    its meaning stands in the configuration of one bundler or another.
    """

    def __init__(self, paths: Iterable[str], packages: Mapping[str, str]) -> None:
        """`packages` maps the name of each package to its folder."""
        self._paths = set(paths)
        self._packages = packages
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        self._known: dict[tuple[str, str], str | None] = {}
        for path in sorted(self._paths):
            self._by_stem[PurePosixPath(_unsuffixed(path)).name].append(path)

    def resolve(self, importer: str, specifier: str) -> str | None:
        folder = importer.rpartition("/")[0] or "."
        if (folder, specifier) not in self._known:
            self._known[folder, specifier] = self._resolve(folder, specifier)
        return self._known[folder, specifier]

    def _resolve(self, folder: str, specifier: str) -> str | None:
        specifier = specifier.partition("?")[0]
        if specifier.startswith("."):
            return self.file(_joined(folder, specifier))
        for name in _package_names(specifier):
            if name in self._packages:
                return self._of_package(self._packages[name], specifier[len(name) + 1 :])
        rest = _ALIAS.sub("", specifier)
        if rest != specifier or "/" in specifier:
            return self._nearest(folder, rest, strict=rest == specifier)
        return None

    def file(self, path: str) -> str | None:
        """The file at a path whose ending may be left out or be that of the built file."""
        if path in self._paths:
            return path
        bare = _BUILT.sub("", path)
        for stem in dict.fromkeys((path, bare)):
            for tail in ("", "/index"):
                for suffix in _SOURCE:
                    if f"{stem}{tail}{suffix}" in self._paths:
                        return f"{stem}{tail}{suffix}"
        return None

    def _of_package(self, folder: str, rest: str) -> str | None:
        inner = [rest, f"src/{rest}"] if rest else ["src/index", "index", "src/main", "lib/index"]
        found = (self.file(_joined(folder, each)) for each in inner)
        return next((each for each in found if each is not None), None)

    def _nearest(self, folder: str, rest: str, *, strict: bool) -> str | None:
        """The file whose path ends so; a bare `worker/store` only from a folder above."""
        stem = _unsuffixed(rest)
        found = [
            path
            for path in self._by_stem[PurePosixPath(stem).name] + self._by_stem["index"]
            if f"/{_unsuffixed(path)}".endswith((f"/{stem}", f"/{stem}/index"))
        ]
        if strict:
            found = [path for path in found if _is_above(path, stem, folder)]
        return max(found, key=lambda path: _shared(path, folder), default=None)


def _is_above(path: str, stem: str, folder: str) -> bool:
    base = _unsuffixed(path).removesuffix("/index").removesuffix(stem).rstrip("/")
    return f"{folder}/".startswith(f"{base}/" if base else "")


def _shared(path: str, folder: str) -> tuple[int, int]:
    """How many folders two paths have in common; of equals the shorter path."""
    pairs = zip(path.split("/"), folder.split("/"), strict=False)
    common = 0
    for one, other in pairs:
        if one != other:
            break
        common += 1
    return common, -len(path)


def _package_names(specifier: str) -> Iterator[str]:
    steps = specifier.split("/")
    yield from ("/".join(steps[:count]) for count in range(len(steps), 0, -1))


def _unsuffixed(path: str) -> str:
    suffix = PurePosixPath(path).suffix
    return path.removesuffix(suffix) if suffix in _SOURCE else path


def _joined(folder: str, relative: str) -> str:
    """A path without `.` and `..`; one that leaves the directory leads nowhere."""
    steps: list[str] = [] if folder in ("", ".") else folder.split("/")
    for step in relative.split("/"):
        if step == "..":
            if not steps:
                return "../"
            steps.pop()
        elif step not in ("", "."):
            steps.append(step)
    return "/".join(steps)


def package_name(text: str) -> str | None:
    """The name in a package.json, or None where it has none or does not parse."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    name = content.get("name") if isinstance(content, dict) else None
    return name if isinstance(name, str) else None
