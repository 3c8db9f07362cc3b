"""The configuration gives the Worker a binding that its source never mentions."""

from collections.abc import Iterator

from cachelib.evidence.examination import Examination
from cachelib.evidence.facts import bindings_of
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.syntax import part


def find(examined: Examination) -> Iterator[Hit]:
    if examined.config is None or not examined.program.modules or _by_computed_name(examined):
        return
    for fact in bindings_of(examined.config, None):
        if fact.name not in examined.program.mentioned:
            message = f"{fact.label} {fact.name} is configured, but no source mentions it"
            yield Hit(message, line=fact.line)


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
    source="Cloudflare docs, workers/wrangler/configuration and kv/platform/pricing; "
    "read 2026-11-23",
    counterfactual=NotModelled("how much is stored behind the binding is not in the source"),
    find=find,
    fires="export const greet = () => new Response('hello');",
    quiet="export const read = (env: Env, key: string) => env.CACHE.get(key);",
    configuration='[[kv_namespaces]]\nbinding = "CACHE"\nid = "0"\n',
)
