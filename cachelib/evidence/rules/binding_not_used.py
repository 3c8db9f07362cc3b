"""The configuration gives the Worker a binding that its source never mentions."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.facts import bindings_of
from cachelib.evidence.program import arguments
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.syntax import below, part
from cachelib.evidence.wrangler import Wrangler

# What the platform serves or answers by itself, whether a source names it or not.
_BY_THE_PLATFORM = ("assets", "version", "images", "logfwdr", "unsafe", "mtls", "other_binding")
# What packages look for in `env`: an OAuth provider its KV, agents their objects, an ORM its D1.
_BY_FRAMEWORKS = (
    "kv", "durable_object", "r2", "d1", "service", "workflow", "worker_loader", "analytics",
    "secrets_store", "dispatch", "queue", "hyperdrive",
)  # fmt: skip
_EXPORTED_PACKAGE = re.compile(
    r"export default (?:new )?(?:R2Explorer|fromHono)\b"
    r"|\bfrom\s*[\"'](?:agents|chanfana|partyserver|r2-explorer|@microlabs/otel-cf-workers|@cloudflare/workers-oauth-provider)(?:/\w+)?[\"']"
)

# Built from another language, whose sources name bindings where nothing here reads them.
_OTHER_LANGUAGE = re.compile(
    r"CompiledWasm|\b(?:worker-build|cargo|zig|tinygo|go build|dotnet|emcc|wasm-pack|gleam|spago)\b"
    r"|python_workers"
)


def find(examined: Examination) -> Iterator[Hit]:
    if examined.config is None or not examined.program.modules or not examined.has_entry:
        return
    if _by_computed_name(examined) or _is_from_elsewhere(examined):
        return
    if _is_of_another_language(examined.config):
        return
    handed_on = _is_handed_on(examined)
    for fact in bindings_of(examined.config, None):
        if fact.kind in _BY_THE_PLATFORM or (handed_on and fact.kind in _BY_FRAMEWORKS):
            continue
        if not examined.mentions(fact.name):
            told = f"{fact.label} {fact.name} is configured{_unused(examined, fact.name)}"
            yield Hit(told, line=fact.line)


def _unused(examined: Examination, name: str) -> str:
    """As far as it is true: a type may name it, or a comment."""
    if examined.kinds.bindings.is_declared(name):
        return " and named in a type, but no code uses it"
    if any(name in module.source for module in examined.program.modules):
        return ", but no code uses it"
    return ", but no source mentions it"


def _is_of_another_language(config: Wrangler) -> bool:
    return any(
        path[0] in ("rules", "build", "compatibility_flags")
        and _OTHER_LANGUAGE.search(str(node.value))
        for path, node in config.root.scalars()
    )


def _is_from_elsewhere(examined: Examination) -> bool:
    """The Worker is what a package exports, whose source is not here."""
    program = examined.program
    for path, name in program.renamed:
        source, inner = program.renamed[path, name]
        if name == "default" and not source:
            known = [d for place, d in program.exported.get(inner, []) if place == path]
            if not known and program.exported_by(path, "default") is None:
                return True
        elif name == "default" and not program.imports.resolve(path, source):
            return True
    return False


def _is_handed_on(examined: Examination) -> bool:
    """`route(request, env)`: a package is given the whole env, and may find bindings by name."""
    for module in examined.program.modules:
        if _EXPORTED_PACKAGE.search(module.source):
            return True
    for _, call in examined.program.calls:
        whole = [each for each in arguments(call) if _is_whole_env(examined, each)]
        if whole and not examined.kinds.callees(call):
            return True
    return any(
        _is_whole_env(examined, each)
        for _, node in examined.program.nodes["new_expression"]
        for each in arguments(node)
    )


def _is_whole_env(examined: Examination, node: Node) -> bool:
    if node.type == "object":
        spread = (child for child in node.named_children if child.type == "spread_element")
        inner = [*spread, *(part(each, "value") for each in below(node, "pair"))]
        return any(each is not None and _is_whole_env(examined, each) for each in inner)
    if node.type == "spread_element":
        return _is_whole_env(examined, node.named_children[0])
    return examined.kinds.has(node, "env")


def _by_computed_name(examined: Examination) -> bool:
    """`env[name]`: any binding may be meant."""
    for _, node in examined.program.nodes["subscript_expression"]:
        index = part(node, "index")
        computed = index is not None and index.type != "string"
        if computed and examined.kinds.has(part(node, "object"), "env"):
            return True
    return False


RULE = Rule(
    id="binding-not-used",
    severity="note",
    title="Binding configured but not used",
    why="A binding nobody uses hides which tiers the system has, and what is stored behind it "
    "goes on being billed.",
    source="Cloudflare docs, workers/wrangler/configuration and kv/platform/pricing; read "
    "2026-11-23",
    counterfactual=NotModelled("how much is stored behind the binding is not in the source"),
    find=find,
    fires="export const greet = () => new Response('hello');",
    quiet="export const read = (env: Env, key: string) => env.CACHE.get(key);",
    configuration='[[kv_namespaces]]\nbinding = "CACHE"\nid = "0"\n',
)
