"""What the folders of an examined directory are: Workers, packages, declarations of types."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cachelib.evidence.bindings import BY_TYPE
from cachelib.evidence.deploying import deploys, may_deploy
from cachelib.evidence.errors import EvidenceError
from cachelib.evidence.files import MAX_BYTES, Fault
from cachelib.evidence.imports import package_name
from cachelib.evidence.wrangler import FILE_NAMES, Wrangler, configuration_in, read_configuration

_NO_WORKSPACE = {"node_modules", "dist", "build", "out", "coverage"}
_FORMATS = (".toml", ".json", ".jsonc")
_ENV = re.compile(r"\binterface\s+(?:\w*Env\w*|Bindings)\b[^{]*\{([^{}]*)\}")
_MEMBER = re.compile(
    r"(?:^|[;,])\s*(?:readonly\s+)?(\w+)\??\s*:\s*(?:import\([^)]*\)\.)?([\w.]+)", re.M
)
_GLOBAL = re.compile(r"^\s*declare\s+(?:const|let|var)\s+(\w+)\s*:\s*([\w.]+)", re.M)


@dataclass
class Workspace:
    """Folders from the root, with forward slashes; the root itself is the empty string.

    `declared` maps, by folder, the names that its *.d.ts files put into `env` to their kinds;
    `deploying` has the text of the files, by path, that may declare bindings beside wrangler's.
    """

    configurations: dict[str, Wrangler] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    declared: dict[str, dict[str, str]] = field(default_factory=dict)
    deploying: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    @property
    def shown(self) -> str | None:
        """The configuration of the root, else the first one below."""
        files = [config.file for _, config in sorted(self.configurations.items())]
        return files[0] if files else None


def read_workspace(root: Path) -> Workspace:
    """An unreadable configuration of the root is an error, one below it a fault."""
    found = Workspace()
    for folder, names in _folders(root):
        place = folder.relative_to(root).as_posix().removeprefix(".")
        if any(name in FILE_NAMES for name in names):
            _read_configuration(found, folder, place)
        if "package.json" in names and (name := package_name(_text(folder / "package.json"))):
            found.packages.setdefault(name, place)
        for name in names:
            if name.endswith(".d.ts") and (kinds := declarations(_text(folder / name))):
                found.declared[place] = found.declared.get(place, {}) | kinds
            elif may_deploy(name) and deploys(name, source := _text(folder / name)):
                found.deploying[f"{place}/{name}".removeprefix("/")] = source
    for config in found.configurations.values():
        config.deploying = found.deploying
    return found


def configurations_below(root: Path) -> list[str]:
    """The wrangler files in folders of the root, by their paths from it."""
    return sorted(
        (folder / name).relative_to(root).as_posix()
        for folder, names in _folders(root)
        for name in names
        if folder != root and name in FILE_NAMES
    )


def _folders(root: Path) -> Iterator[tuple[Path, list[str]]]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if name not in _NO_WORKSPACE
            and not name.startswith(".")
            and not (Path(folder) / name).is_symlink()
        )
        yield Path(folder), sorted(names)


def _read_configuration(found: Workspace, folder: Path, place: str) -> None:
    try:
        path = configuration_in(folder)
        if path is not None:
            name = f"{place}/{path.name}" if place else path.name
            config = read_configuration(path, name=name)
            others = sorted(each for each in folder.glob("wrangler*.*") if each != path)
            config.beside = "\n".join(_text(each) for each in others if each.suffix in _FORMATS)
            found.configurations[place] = config
    except EvidenceError as error:
        if not place:
            raise
        found.faults.append(Fault(place, 1, f"its configuration was not read: {error}"))


def _text(path: Path) -> str:
    if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_BYTES:
        return ""
    return path.read_text(encoding="utf-8", errors="replace")


def declarations(source: str) -> dict[str, str]:
    """The bindings that a *.d.ts declares: members of an Env and globals.

    Generated files are long and regular, so they are searched and not parsed.
    """
    found: dict[str, str] = {}
    for name, written in [
        *_GLOBAL.findall(source),
        *(member for block in _ENV.findall(source) for member in _MEMBER.findall(block)),
    ]:
        known = BY_TYPE.get(written.rpartition(".")[2])
        found[name] = known.kind if known is not None else "other_binding"
    return found
