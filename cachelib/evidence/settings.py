"""What a project says of its audit: `[tool.cachelib.audit]` of pyproject.toml, or cachelib.toml.

Such a file comes with what is audited, so it may choose and grade findings and no more: nothing
it names is run, and no path may lead out of its folder.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal, cast

from cachelib.evidence.errors import EvidenceError
from cachelib.evidence.files import regular
from cachelib.evidence.globs import matches
from cachelib.evidence.located import Located, UnreadableError, read_toml
from cachelib.evidence.roles import CONFIDENCES, Confidence
from cachelib.evidence.rule import SEVERITIES, Severity

Grade = Severity | Literal["off"]
Gate = Severity | Literal["never"]
GATES: tuple[Gate, ...] = (*SEVERITIES, "never")
_KEYS = (
    *("rules", "include", "exclude", "overrides", "fail-on", "confidence", "baseline"),
    "own-rules",
)


@dataclass(frozen=True)
class Override:
    """Grades for some paths."""

    paths: tuple[str, ...]
    rules: tuple[tuple[str, Grade], ...]


@dataclass(frozen=True)
class Settings:
    """`rules` grade rules by id or pattern, later ones win; overrides win over them.

    Paths are patterns, as in .gitignore, from the folder of the settings; `prefix` is the way from
    there to the audited folder. Findings of less `confidence` are counted and not shown.
    """

    file: str | None = None
    prefix: str = ""
    rules: tuple[tuple[str, Grade], ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = ()
    fail_on: Gate = "error"
    confidence: Confidence = "medium"
    baseline: Path | None = None
    own_rules: tuple[Path, ...] = ()

    def grade(self, rule: str, file: str, severity: Severity) -> Grade:
        path = self.prefix + file
        if any(matches(path, each) for each in self.exclude):
            return "off"
        if self.include and not any(matches(path, each) for each in self.include):
            return "off"
        grades = [*self.rules]
        for override in self.overrides:
            if any(matches(path, each) for each in override.paths):
                grades += override.rules
        told = [grade for pattern, grade in grades if fnmatchcase(rule, pattern)]
        return told[-1] if told else severity

    def is_sure(self, confidence: Confidence) -> bool:
        return CONFIDENCES.index(confidence) >= CONFIDENCES.index(self.confidence)

    def checked(self, known: Iterable[str]) -> "Settings":
        """Itself; EvidenceError where it grades a rule that there is not."""
        ids = sorted(known)
        patterns = [*self.rules, *(each for override in self.overrides for each in override.rules)]
        for pattern, _ in patterns:
            if not any(fnmatchcase(rule, pattern) for rule in ids):
                raise EvidenceError(
                    f"{self.file}: rules: no rule {pattern!r}{_nearest(pattern, ids)}"
                )
        return self


def settings_of(directory: Path, file: Path | None = None, *, take_none: bool = False) -> Settings:
    """Those of `file`, or found at the audited directory or above it, or the defaults."""
    if take_none:
        return Settings()
    return read_settings(file, directory) if file else find_settings(directory)


def find_settings(directory: Path) -> Settings:
    """Those of the nearest folder from `directory` up to the root of its repository."""
    directory = directory.resolve()
    for folder in _upwards(directory):
        for name in ("cachelib.toml", "pyproject.toml"):
            path = folder / name
            if path.is_file() and (found := _read(path, directory)) is not None:
                return found
    return Settings()


def read_settings(path: Path, directory: Path) -> Settings:
    found = _read(path, directory.resolve())
    if found is None:
        raise EvidenceError(f"{path}: no [audit] (of pyproject.toml: [tool.cachelib.audit]) there")
    return found


def _upwards(directory: Path) -> Iterator[Path]:
    """Outside of a repository the folder itself alone."""
    folders = [directory, *directory.parents]
    root = next((n for n, each in enumerate(folders) if (each / ".git").exists()), 0)
    yield from folders[: root + 1]


def _read(path: Path, directory: Path) -> Settings | None:
    try:
        root = read_toml(regular(path).read_text(encoding="utf-8-sig")).root
    except UnreadableError as error:
        raise EvidenceError(f"{path}:{error.line}: {error.reason}; correct this line") from None
    except (OSError, UnicodeDecodeError, RecursionError):
        raise EvidenceError(f"{path}: cannot be read as TOML") from None
    table = root.get(*(("tool", "cachelib") if path.name == "pyproject.toml" else ()), "audit")
    if table is None:
        return None
    folder = path.parent.resolve()
    prefix = ""
    if directory != folder and directory.is_relative_to(folder):
        prefix = directory.relative_to(folder).as_posix() + "/"
    return replace(_Reader(path, folder).settings(table), file=str(path), prefix=prefix)


@dataclass(frozen=True)
class _Reader:
    path: Path
    folder: Path

    def settings(self, table: Located) -> Settings:
        self._only(table, _KEYS)
        baseline = self._texts(table, "baseline")
        return Settings(
            rules=self._grades(table.get("rules")),
            include=self._texts(table, "include"),
            exclude=self._texts(table, "exclude"),
            overrides=self._overrides(table.get("overrides")),
            fail_on=cast("Gate", self._choice(table.get("fail-on"), GATES) or "error"),
            confidence=cast(
                "Confidence", self._choice(table.get("confidence"), CONFIDENCES) or "medium"
            ),
            baseline=self._below(table, baseline[0]) if baseline else None,
            own_rules=tuple(
                path
                for pattern in self._texts(table, "own-rules")
                for path in self._own(table, pattern)
            ),
        )

    def _wrong(self, at: Located, why: str) -> EvidenceError:
        return EvidenceError(f"{self.path}:{at.span.line}: {why}")

    def _only(self, table: Located, keys: tuple[str, ...]) -> None:
        if not isinstance(table.value, dict):
            raise self._wrong(table, "must be a table")
        for key, node in table.children.items():
            if key not in keys:
                raise self._wrong(node, f"unknown key {key!r}{_nearest(str(key), keys)}")

    def _texts(self, table: Located, key: str) -> tuple[str, ...]:
        node = table.get(key)
        if node is None:
            return ()
        given = node.value if isinstance(node.value, list) else [node.value]
        if not all(isinstance(each, str) and each for each in given):
            raise self._wrong(node, f"{key}: must be a text, or a list of texts")
        return tuple(given)

    def _choice(self, node: Located | None, choices: tuple[str, ...]) -> str | None:
        if node is not None and node.value not in choices:
            raise self._wrong(node, f"{node.value!r}: must be one of {', '.join(choices)}")
        return cast("str | None", node.value) if node is not None else None

    def _grades(self, table: Located | None) -> tuple[tuple[str, Grade], ...]:
        if table is None:
            return ()
        if not isinstance(table.value, dict):
            raise self._wrong(table, 'rules: must be a table, as rules = { "kv-*" = "error" }')
        grades = (*SEVERITIES, "off")
        return tuple(
            (str(rule), cast("Grade", self._choice(node, grades)))
            for rule, node in table.children.items()
        )

    def _overrides(self, node: Located | None) -> tuple[Override, ...]:
        tables = list(node.children.values()) if node is not None else []
        if node is not None and not isinstance(node.value, list):
            raise self._wrong(node, "overrides: write each as [[…overrides]]")
        for table in tables:
            self._only(table, ("paths", "rules"))
        return tuple(
            Override(self._texts(table, "paths"), self._grades(table.get("rules")))
            for table in tables
        )

    def _below(self, table: Located, name: str) -> Path:
        path = self.folder / name
        if not path.resolve().is_relative_to(self.folder):
            raise self._wrong(table, f"{name}: must lie below {self.folder}")
        return path

    def _own(self, table: Located, pattern: str) -> list[Path]:
        if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
            raise self._wrong(table, f"own-rules: {pattern}: must lie below {self.folder}")
        found = [self._below(table, str(path)) for path in sorted(self.folder.glob(pattern))]
        if not found:
            raise self._wrong(table, f"own-rules: no file {pattern} below {self.folder}")
        if any(path.suffix not in (".yml", ".yaml") for path in found):
            why = "only YAML: rules in Python are run, so name them on the command line (--rules)"
            raise self._wrong(table, f"own-rules: {pattern}: {why}")
        return found


def _nearest(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
