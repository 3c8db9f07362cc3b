"""Facts of a wrangler configuration, each with the file and line that says so."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from cachelib.evidence.bindings import BINDING_TYPES, KNOWN_KEYS, OTHER, BindingKind, BindingType
from cachelib.evidence.located import Located
from cachelib.evidence.mask import mask
from cachelib.evidence.wrangler import Setting, Wrangler

FactKind = (
    BindingKind
    | Literal[
        "worker", "queue_consumer", "var", "secret", "route", "cron", "placement", "migration",
        "export",
    ]
)  # fmt: skip


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Fact(Frozen):
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


def facts_of(config: Wrangler, env: str | None) -> Iterator[Fact]:
    settings = config.settings(env)
    for setting in settings:
        yield from binding_facts(config, env, setting)
        yield from _others(config, env, setting)


def bindings_of(config: Wrangler, env: str | None) -> list[Fact]:
    """The bindings in force in an environment; None is the top level."""
    return [fact for each in config.settings(env) for fact in binding_facts(config, env, each)]


def names_by_environment(config: Wrangler) -> dict[str | None, set[str]]:
    """What the top level (None) and each named environment put into `env`, whatever its kind."""
    names: list[str | None] = [None, *config.environments]
    return {env: {name for s in config.settings(env) for name in _named(s)} for env in names}


def _named(setting: Setting) -> Iterator[str]:
    if setting.key == "vars":
        yield from map(str, setting.value.children)
    for path, leaf in setting.value.scalars():
        if path and path[-1] in ("binding", "name"):
            yield str(leaf.value)


def binding_facts(config: Wrangler, env: str | None, setting: Setting) -> Iterator[Fact]:
    for each in BINDING_TYPES:
        if each.path[0] == setting.key:
            for node in _tables(setting.value, each):
                if node.get(each.name) is not None or each.kind != "assets":
                    name = _name(node, each)
                    yield _fact(config, env, setting, each.kind, each.label, name, node)
    if setting.key not in KNOWN_KEYS:
        for node in _tables(setting.value, OTHER):
            if node.get(OTHER.name) is not None:
                name, label = _name(node, OTHER), f"{setting.key} binding"
                yield _fact(config, env, setting, OTHER.kind, label, name, node)


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


def local_secrets(root: Path) -> Iterator[Fact]:
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
