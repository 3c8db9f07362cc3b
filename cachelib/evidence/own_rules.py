"""Rules of the user's own: patterns in YAML as ast-grep has them, or Python files with `RULES`.

YAML is data and may come from anywhere. Python is run: only files that the command line names.
"""

import re
import runpy
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cachelib.evidence.errors import EvidenceError
from cachelib.evidence.examination import Examination
from cachelib.evidence.files import regular
from cachelib.evidence.globs import matches
from cachelib.evidence.mask import mask
from cachelib.evidence.module import Module
from cachelib.evidence.rule import Edit, Hit, NotModelled, Rule, Severity
from cachelib.evidence.rules import RULES

_SEVERITIES: dict[str, Severity] = {
    "error": "error", "warning": "warning", "info": "note", "hint": "note",
}  # fmt: skip
_MATCHING = ("rule", "constraints", "utils", "transform")
_SAID = ("id", "language", "severity", "message", "note", "url", "fix", "files", "ignores")
_TYPESCRIPT = (".ts", ".mts", ".cts")


def load_rules(paths: Iterable[Path]) -> list[Rule]:
    """Raises EvidenceError with file and key for what is no rule, or one of a known name."""
    rules: list[Rule] = []
    for path in paths:
        rules += _python(path) if path.suffix == ".py" else _yaml(path)
    known = {rule.id for rule in RULES}
    for rule in rules:
        if rule.id in known:
            raise EvidenceError(f"rule {rule.id!r} is there already; give yours another id")
        known.add(rule.id)
    return rules


def _python(path: Path) -> list[Rule]:
    try:
        rules = runpy.run_path(str(path)).get("RULES")
    except Exception as error:
        raise EvidenceError(f"{path}: broke when it was run: {error!r}") from None
    if not isinstance(rules, list | tuple) or not all(isinstance(each, Rule) for each in rules):
        raise EvidenceError(f"{path}: must define RULES, a list of cachelib.evidence.Rule")
    return list(rules)


def _yaml(path: Path) -> list[Rule]:
    try:
        import ast_grep_py  # noqa: F401
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError
        from ruamel.yaml.events import AliasEvent
    except ImportError:
        raise EvidenceError(
            f"{path}: rules in YAML need ast-grep: pip install 'cachelib-decisions[rules]'"
        ) from None
    yaml = YAML(typ="safe", pure=True)
    try:
        text = regular(path).read_text("utf-8")
        if any(isinstance(event, AliasEvent) for event in yaml.parse(text)):
            # a few lines of them stand for billions of patterns
            raise EvidenceError(f"{path}: write out what its references (*name) stand for")
        documents = list(yaml.load_all(text))
    except (YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise EvidenceError(f"{path}: no YAML: {error}") from None
    except OSError as error:
        raise EvidenceError(f"{path}: cannot be read: {error.strerror}") from None
    return [_pattern(path, each) for each in documents if each is not None]


def _pattern(path: Path, given: Any) -> Rule:
    if not isinstance(given, Mapping) or not isinstance(given.get("rule"), Mapping):
        raise EvidenceError(f"{path}: a rule is a table with id, message and rule")
    for key in given:
        if key not in (*_MATCHING, *_SAID):
            raise EvidenceError(f"{path}: unknown key {key!r}; known: {', '.join(_SAID)}, rule, …")
    said = {key: str(given.get(key) or "") for key in _SAID[:-2]}
    severity = said["severity"] or "warning"
    if not re.fullmatch(r"[a-z][a-z0-9-]*", said["id"]):
        raise EvidenceError(f"{path}: id: small letters, digits and hyphens, not {said['id']!r}")
    if severity not in _SEVERITIES:
        raise EvidenceError(f"{path}: severity: one of {', '.join(_SEVERITIES)}, not {severity!r}")
    matching = {key: given[key] for key in _MATCHING if key in given}
    _tried(path, matching)
    message = said["message"] or said["id"]
    return Rule(
        id=said["id"],
        severity=_SEVERITIES[severity],
        title=message,
        why=said["note"] or message,
        source=said["url"] or path.name,
        counterfactual=NotModelled("the model knows nothing of a rule of your own"),
        find=lambda examined: _matches(examined, matching, given, message),
        fires="",
        quiet="",
    )


def _tried(path: Path, matching: Any) -> None:
    from ast_grep_py import SgRoot

    try:
        SgRoot("", "tsx").root().find_all(matching)
    except Exception as error:  # it raises bare exceptions
        raise EvidenceError(f"{path}: rule: {error}") from None


def _matches(
    examined: Examination, matching: Any, given: Mapping[str, Any], message: str
) -> Iterator[Hit]:
    for module in examined.program.modules:
        if _concerns(given, module.path):
            yield from _in_module(module, matching, message, given.get("fix"))


def _concerns(given: Mapping[str, Any], path: str) -> bool:
    files, ignores = given.get("files") or [], given.get("ignores") or []
    wanted = not files or any(matches(path, str(each)) for each in files)
    return wanted and not any(matches(path, str(each)) for each in ignores)


def _in_module(module: Module, matching: Any, message: str, fix: object) -> Iterator[Hit]:
    from ast_grep_py import SgRoot

    code = (module.root.text or b"").decode()
    typed = module.path.endswith(_TYPESCRIPT)
    for found in SgRoot(code, "typescript" if typed else "tsx").root().find_all(matching):
        around = found.range()
        start = len(code[: around.start.index].encode())
        end = start + len(found.text().encode())
        node = module.root.descendant_for_byte_range(start, end)
        said = _filled(message, found)
        edits = (Edit(start, end, _filled(fix, found)),) if isinstance(fix, str) else ()
        yield Hit(mask(said), node, module, edits=edits)


def _filled(words: str, found: Any) -> str:
    """`$NAME` as what it stands for."""

    def value(name: re.Match[str]) -> str:
        node = found.get_match(name[1])
        return node.text() if node is not None else name[0]

    return re.sub(r"\$([A-Z][A-Z0-9_]*)", value, words)
