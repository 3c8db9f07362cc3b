"""The source uses a binding that the configuration, or one of its environments, lacks."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.bindings import BY_KIND
from cachelib.evidence.deploying import naming
from cachelib.evidence.examination import Examination
from cachelib.evidence.facts import names_by_environment
from cachelib.evidence.functions import owner_function
from cachelib.evidence.module import Module
from cachelib.evidence.program import receiver_of
from cachelib.evidence.roles import Confidence
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.syntax import text
from cachelib.evidence.wrangler import Wrangler

_THROUGH_ENV = re.compile(r"\benv\??\.(\w+)")
_TESTS = re.compile(
    r"(?:\bif\s*\(|&&|\|\||!|\btypeof\s+|\?\?)\s*!*\(?\s*(?:[\w.]+\.)?([A-Za-z]\w*)"
    r"\s*(?=\)|&&|\|\||\?|[!=]==?)"
    r"|\b([A-Za-z]\w*)\s*(?:\?\.|\?(?![.:?]))"
)
_FLAG = re.compile(
    r"\benv\.((?!\w*(?:DEBUG|LOG|DEV))\w+)\s*[!=]==?\s*[\"'](true|on|1|enabled)[\"']"
)
_METHODS = {
    "get", "put", "delete", "list", "getWithMetadata", "idFromName", "idFromString", "newUniqueId",
    "getByName", "prepare", "batch", "exec", "send", "sendBatch", "head", "fetch", "run",
    "writeDataPoint", "limit",
}  # fmt: skip


def find(examined: Examination) -> Iterator[Hit]:
    if examined.config is None:
        return
    known = names_by_environment(examined.config)
    everywhere = set().union(*known.values())
    used = {
        name: place
        for name, place in _used(examined).items()
        if any(name not in names for names in known.values()) and not _may_be_absent(*place)
    }
    tested = _tested(examined) if used else set()
    for name, (module, node) in used.items():
        if examined.kinds.bindings.is_optional(name) or name in tested:
            continue
        if name not in everywhere and examined.has_entry:
            message = f"{name} is used here, but {examined.config.file} configures no such binding"
            confidence, because = _certainty(examined.config, name, module)
            yield Hit(message, node, module, confidence=confidence, because=because)
    for environment, names in known.items():
        table = examined.config.root.get("env", environment) if environment else None
        missing = (set(used) & known[None]) - names - tested
        optional = examined.kinds.bindings.is_optional
        for name in sorted(each for each in missing if not optional(each)):
            off = environment and _is_switched_off(examined.config, environment, used[name][0])
            if table is not None and not off:
                confidence, because = _certainty(examined.config, name, used[name][0])
                yield Hit(
                    f"{name} is used, but env.{environment} does not configure it: "
                    "bindings are not inherited",
                    line=table.span.line,
                    confidence=confidence,
                    because=because,
                )


def _certainty(config: Wrangler, name: str, module: Module) -> tuple[Confidence, str]:
    """Another configuration may be what is deployed, and a shared package serves others too."""
    if re.search(rf"\b{re.escape(name)}\b", config.beside):
        return "low", "another configuration of this folder has it"
    if file := naming(name, config.deploying):
        return "low", f"{file} names it, which may declare it without wrangler"
    if any(re.search(rf"\b{re.escape(name)}\b", each.text) for each in config.comments):
        return "low", "a remark of the configuration speaks of it"
    folder = config.file.rpartition("/")[0]
    if folder and not module.path.startswith(f"{folder}/"):
        return "low", "it is used in a package, which other Workers may use with it"
    return "high", ""


def _is_switched_off(config: Wrangler, environment: str, module: Module) -> bool:
    """Where it is used a flag is asked for, and this environment sets it to something else."""
    flags = dict(_FLAG.findall(module.source))
    table = config.root.get("env", environment, "vars")
    for flag, value in flags.items():
        said = table.get(flag) if table is not None else None
        if said is None or str(said.value).lower() != value:
            return True
    return False


def _used(examined: Examination) -> dict[str, tuple[Module, Node]]:
    """Where each binding is first used: a method of a binding is called on it."""
    sources = (module.source for module in examined.program.modules)
    through_env = {name for source in sources for name in _THROUGH_ENV.findall(source)}
    found: dict[str, tuple[Module, Node]] = {}
    for module, call in examined.program.calls_of(*_METHODS):
        receiver = receiver_of(call)
        for kind in examined.kinds.kinds(receiver):
            if kind.name and kind.tag in BY_KIND and _is_binding(examined, kind.name, through_env):
                found.setdefault(kind.name, (module, receiver or call))
    return found


def _tested(examined: Examination) -> set[str]:
    """The names whose presence the source asks for: `if (env.ORIGIN)`, `env.ORIGIN?.fetch(…)`."""
    found: set[str] = set()
    for module in examined.program.modules:
        found |= {one or other for one, other in _TESTS.findall(module.source)}
    return found


def _may_be_absent(module: Module, receiver: Node) -> bool:
    """`const archive = env.ARCHIVE; if (!archive) return;`: asked for under another name."""
    function = owner_function(receiver)
    if receiver.type != "identifier" or function is None:
        return False
    asked = _TESTS.findall(text(function))
    return any(text(receiver) in names for names in asked)


def _is_binding(examined: Examination, name: str, through_env: set[str]) -> bool:
    """Configured, or written as one: `env.CACHE`; a parameter `db` may come from anywhere."""
    if name[:1].islower() and name not in examined.configured:
        return name in through_env
    return examined.kinds.bindings.looks_like_one(name)


RULE = Rule(
    id="binding-not-configured",
    severity="error",
    title="Binding used but not configured",
    why="A binding that the deployed environment lacks is undefined, and its first use throws. "
    "Bindings are not inherited by named environments: each must repeat them.",
    source="Cloudflare docs, workers/wrangler/configuration; read 2026-11-23",
    counterfactual=NotModelled("the Worker fails: there is no cache to compare"),
    find=find,
    fires="export const read = (env: Env, key: string) => env.SESSIONS.get(key);",
    quiet="export const read = (env: Env, key: string) => env.CACHE.get(key);",
    configuration='[[kv_namespaces]]\nbinding = "CACHE"\nid = "0"\n',
)
