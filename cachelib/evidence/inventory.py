"""What a Workers project has, what it lacks and what its comments claim."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cachelib.evidence.bindings import BINDING_TYPES, BY_KIND
from cachelib.evidence.facts import Fact, FactKind, Frozen, binding_facts, facts_of, local_secrets
from cachelib.evidence.files import Fault, directory_of, survey
from cachelib.evidence.mask import mask
from cachelib.evidence.module import read_modules
from cachelib.evidence.remarks import Remark, remarks
from cachelib.evidence.workspace import configurations_below
from cachelib.evidence.wrangler import (
    FILE_NAMES,
    NOT_INHERITED,
    Wrangler,
    find_configuration,
    read_configuration,
)


class Absence(Frozen):
    """What no examined environment has, and the configuration it would take."""

    kind: str
    label: str
    text: str
    snippet: str


class Gap(Frozen):
    """A binding of the top level that a named environment does not repeat, so does not have."""

    name: str
    label: str
    environment: str
    file: str
    line: int
    text: str


class Inventory(Frozen):
    """`not_read` are configurations of other Workers, in folders below; each has its own evidence.

    `ignored` stand beside the one that was read, where wrangler passes over them.
    """

    worker: str
    file: str
    environments: list[str]
    examined: list[str | None]
    facts: list[Fact]
    absent: list[Absence]
    gaps: list[Gap]
    comments: list[Remark]
    ignored: list[str]
    not_read: list[str]
    unparsable: list[Fault]
    partly_read: list[Fault]
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
    facts = [fact for name in examined for fact in facts_of(config, name)]
    facts += local_secrets(root)
    seen = survey(root)
    modules, broken = read_modules(seen.sources)
    return Inventory(
        worker=mask(config.name),
        file=config.file,
        environments=config.environments,
        examined=examined,
        facts=facts,
        absent=_absences(facts, env),
        gaps=[gap for name in examined if name for gap in _gaps(config, name)],
        comments=remarks(config, [f for f in facts if f.kind in BY_KIND]),
        ignored=[n for n in FILE_NAMES if n != path.name and (root / n).exists()],
        not_read=configurations_below(root),
        unparsable=seen.unparsable + broken,
        partly_read=seen.partly_read + [fault for each in modules for fault in each.not_read],
        skipped=dict(seen.skipped),
    )


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
    kept = {fact.name for fact in facts_of(config, env)}
    for setting in config.settings(None):
        for fact in binding_facts(config, None, setting) if setting.key in NOT_INHERITED else ():
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
