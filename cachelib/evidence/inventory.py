"""What a Workers project has, each fact with the file and line that says so."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from cachelib.evidence.bindings import BINDING_TYPES, BindingType
from cachelib.evidence.files import Fault, directory_of, survey
from cachelib.evidence.located import Located
from cachelib.evidence.mask import mask
from cachelib.evidence.program import read_module
from cachelib.evidence.wrangler import (
    FILE_NAMES,
    NOT_INHERITED,
    Setting,
    Wrangler,
    find_configuration,
    read_configuration,
)

FactKind = Literal[
    "worker", "kv", "durable_object", "r2", "d1", "ai", "queue", "service", "vectorize",
    "hyperdrive", "analytics", "workflow", "browser", "images", "ratelimit", "queue_consumer",
    "var", "secret", "route", "cron", "placement", "migration", "export",
]  # fmt: skip


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Fact(_Frozen):
    """One thing the configuration says. `environment` None is the top level.

    `inherited` marks a fact of an environment that stands at the top level.
    """

    kind: FactKind
    label: str
    name: str
    environment: str | None
    file: str
    line: int
    end_line: int
    inherited: bool
    details: dict[str, str]
    excerpt: str


class Absence(_Frozen):
    """What no examined environment has, and the configuration it would take."""

    kind: str
    label: str
    text: str
    snippet: str


class Gap(_Frozen):
    """A binding of the top level that a named environment does not repeat, so does not have."""

    name: str
    label: str
    environment: str
    file: str
    line: int
    text: str


class Remark(_Frozen):
    """A comment that speaks of a binding. `figures` are the amounts it states.

    `near` is the binding whose lines are closest, `about` the kinds of binding it names, `claim`
    whether it asserts something rather than labels a section.
    """

    text: str
    file: str
    line: int
    near: str | None
    about: list[str]
    figures: list[str]
    claim: bool


class Inventory(_Frozen):
    worker: str
    file: str
    environments: list[str]
    examined: list[str | None]
    facts: list[Fact]
    absent: list[Absence]
    gaps: list[Gap]
    comments: list[Remark]
    ignored: list[str]
    unparsable: list[Fault]
    skipped: dict[str, int]

    def of(self, kind: FactKind, environment: str | None = None) -> list[Fact]:
        return [f for f in self.facts if f.kind == kind and f.environment == environment]

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


def inventory(directory: Path, env: str | None = None, *, reveal: bool = False) -> Inventory:
    """What the wrangler configuration of `directory` says, in every environment or in `env` alone.

    Identifiers and the values of vars are shortened unless `reveal`; credentials are masked always.
    Raises EvidenceError for a wrong directory, no configuration, one that does not parse, or an
    unknown environment.
    """
    root = directory_of(directory)
    path = find_configuration(root)
    config = read_configuration(path, reveal=reveal)
    examined: list[str | None] = [None, *config.environments] if env is None else [env]
    facts = [fact for name in examined for fact in _facts(config, name)]
    facts += _local_secrets(root)
    seen = survey(root)
    modules = [read_module(each) for each in seen.sources]
    broken = [each for each in modules if isinstance(each, Fault)]
    return Inventory(
        worker=config.name,
        file=config.file,
        environments=config.environments,
        examined=examined,
        facts=facts,
        absent=_absences(facts, env),
        gaps=[gap for name in examined if name for gap in _gaps(config, name)],
        comments=_remarks(config, facts),
        ignored=[n for n in FILE_NAMES if n != path.name and (root / n).exists()],
        unparsable=seen.unparsable + broken,
        skipped=dict(seen.skipped),
    )


def _facts(config: Wrangler, env: str | None) -> Iterator[Fact]:
    settings = config.settings(env)
    for setting in settings:
        yield from _bindings(config, env, setting)
        yield from _others(config, env, setting)


def bindings_of(config: Wrangler, env: str | None) -> list[Fact]:
    """The bindings in force in an environment; None is the top level."""
    return [fact for each in config.settings(env) for fact in _bindings(config, env, each)]


def bindings_by_environment(config: Wrangler) -> dict[str | None, set[str]]:
    """The names of the bindings of the top level (None) and of each named environment."""
    names: list[str | None] = [None, *config.environments]
    return {env: {fact.name for fact in bindings_of(config, env)} for env in names}


def _bindings(config: Wrangler, env: str | None, setting: Setting) -> Iterator[Fact]:
    for each in BINDING_TYPES:
        if each.path[0] == setting.key:
            for node in _tables(setting.value, each):
                yield _fact(config, env, setting, each.kind, each.label, _name(node, each), node)


def _tables(value: Located, binding: BindingType) -> list[Located]:
    """The tables of one kind: `[ai]` is a single one, `[[kv_namespaces]]` many."""
    node = value.get(*binding.path[1:])
    if node is None:
        return []
    nodes = list(node.children.values()) if isinstance(node.value, list) else [node]
    return [each for each in nodes if isinstance(each.value, dict)]


def _name(node: Located, binding: BindingType) -> str:
    found = node.get(binding.name)
    return str(found.value) if found else "(unnamed)"


def _fact(
    config: Wrangler,
    env: str | None,
    setting: Setting,
    kind: FactKind,
    label: str,
    name: str,
    node: Located,
    path: tuple[str | int, ...] = (),
) -> Fact:
    details = {
        ".".join(map(str, each)) or "value": config.shown((setting.key, *path, *each), leaf.value)
        for each, leaf in node.scalars()
        if leaf.value not in ({}, [])
    }
    if kind == "durable_object":
        details["defined_in"] = details.get("script_name", "this worker")
    return Fact(
        kind=kind,
        label=label,
        name=mask(name),
        environment=env,
        file=config.file,
        line=node.span.line,
        end_line=node.span.end_line,
        inherited=setting.inherited,
        details=details,
        excerpt=config.lines(node.span.line, node.span.end_line),
    )


def _others(config: Wrangler, env: str | None, setting: Setting) -> Iterator[Fact]:
    """What is not a binding of its own: vars, secrets' names, routes, placement, migrations …"""

    def fact(kind: FactKind, label: str, name: str, node: Located, *path: str | int) -> Fact:
        return _fact(config, env, setting, kind, label, name, node, path)

    value, children = setting.value, setting.value.children
    match setting.key:
        case "vars":
            for key, node in children.items():
                yield fact("var", "Variable", str(key), node, key)
        case "secrets":
            required = value.get("required") or value
            for node in required.children.values():
                yield fact("secret", "Secret", str(node.value), node)
        case "route":
            yield fact("route", "Route", _pattern(value), value)
        case "routes":
            for node in children.values():
                yield fact("route", "Route", _pattern(node), node)
        case "triggers":
            for node in (value.get("crons") or Located([], value.span)).children.values():
                yield fact("cron", "Cron trigger", str(node.value), node)
        case "queues":
            for node in (value.get("consumers") or Located([], value.span)).children.values():
                queue = node.get("queue")
                name = str(queue.value) if queue else "(unnamed)"
                yield fact("queue_consumer", "Queue consumer", name, node)
        case "placement":
            mode = value.get("mode")
            yield fact("placement", "Placement", str(mode.value) if mode else "set", value)
        case "migrations":
            for node in children.values():
                tag = node.get("tag")
                yield fact("migration", "Migration", str(tag.value) if tag else "(no tag)", node)
        case "exports":
            for key, node in children.items():
                yield fact("export", "Exported class", str(key), node)
        case "name" | "main" | "compatibility_date" | "account_id":
            yield fact("worker", setting.key, str(config.shown((setting.key,), value.value)), value)


def _local_secrets(root: Path) -> Iterator[Fact]:
    """The names, never the values, of the secrets for local development."""
    path = root / ".dev.vars"
    if not path.is_file() or path.is_symlink():
        return
    for number, setting in enumerate(path.read_text(errors="replace").splitlines(), start=1):
        name = setting.partition("=")[0].removeprefix("export ").strip()
        if "=" in setting and re.fullmatch(r"[A-Z][A-Z0-9_]{0,63}", name):
            yield Fact(
                kind="secret",
                label="Secret",
                name=name,
                environment=None,
                file=path.name,
                line=number,
                end_line=number,
                inherited=False,
                details={},
                excerpt=f"{name}=…",
            )


def _pattern(node: Located) -> str:
    pattern = node.get("pattern")
    return str(pattern.value if pattern else node.value)


def _absences(facts: list[Fact], env: str | None) -> list[Absence]:
    where = "in any environment" if env is None else f"in environment {env}"
    present = {fact.kind for fact in facts}
    return [
        Absence(
            kind=each.kind,
            label=each.label,
            text=f"no {each.label} binding {where}",
            snippet=each.snippet,
        )
        for each in BINDING_TYPES
        if each.snippet and each.kind not in present
    ]


def _gaps(config: Wrangler, env: str) -> Iterator[Gap]:
    own = config.root.get("env", env)
    if own is None:
        return
    kept = {fact.name for fact in _facts(config, env)}
    for setting in config.settings(None):
        if setting.key in NOT_INHERITED:
            for fact in _bindings(config, None, setting):
                if fact.name not in kept:
                    yield Gap(
                        name=fact.name,
                        label=fact.label,
                        environment=env,
                        file=config.file,
                        line=own.span.line,
                        text=f"{fact.label} {fact.name} (line {fact.line}) is not inherited: "
                        f"env.{env} does not have it",
                    )


_PRODUCTS = {
    "durable_object": r"durable objects?|\bDOs?\b",
    "kv": r"\bkv\b|key[- ]value",
    "r2": r"\br2\b|bucket",
    "d1": r"\bd1\b",
    "ai": r"\bai\b",
    "queue": r"\bqueues?\b",
    "service": r"service bindings?",
}
_FIGURE = re.compile(
    r"[$€£]\s?\d[\d.,]*(?:\s?/\s?\w+)?|\d[\d.,]*\s?"
    r"(?:%|ms\b|s\b|seconds?|minutes?|hours?|days?|years?|[KMG]B\b|requests?|reads?|writes?)"
)
_ASSERTION = re.compile(
    r"(?i)\b(?:no|not|never|always|only|without|must|required?|needs?|saves?|costs?|free|faster|cheaper"
    r"|unlimited|forever|permanent(?:ly)?|infinite|instead|enough|guarantee[sd]?|shared?|global(?:ly)?)\b"
)
_NEAR_LINES = 15


def _remarks(config: Wrangler, facts: list[Fact]) -> list[Remark]:
    """Comments that name a kind of binding or a binding, or stand directly at one."""
    placed = [fact for fact in facts if fact.kind in {each.kind for each in BINDING_TYPES}]
    remarks = []
    for comment in config.comments:
        about = [
            kind for kind, words in _PRODUCTS.items() if re.search(f"(?i){words}", comment.text)
        ]
        close = sorted((_distance(comment.line, fact), fact.line) for fact in placed)
        distance, at = close[0] if close else (_NEAR_LINES + 1, 0)
        named = [fact.name for fact in placed if fact.name in comment.text]
        nearest = next((fact.name for fact in placed if fact.line == at), None)
        near = named[0] if named else nearest if distance <= _NEAR_LINES else None
        figures = [found.strip() for found in _FIGURE.findall(comment.text)]
        if comment.text and (about or named or distance <= 1):
            claim = bool(figures or _ASSERTION.search(comment.text))
            remarks.append(
                Remark(
                    text=comment.text,
                    file=config.file,
                    line=comment.line,
                    near=near,
                    about=about,
                    figures=figures,
                    claim=claim,
                )
            )
    return remarks


def _distance(at: int, fact: Fact) -> int:
    return max(fact.line - at, at - fact.end_line, 0)
