"""The application decides by itself that a value read from KV has expired."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.program import Module
from cachelib.evidence.repair import whole_lines
from cachelib.evidence.rule import Counterfactual, Hit, Rule
from cachelib.evidence.syntax import ancestors, below, inside, part, text

_COMPARING = {"<", ">", "<=", ">="}
_CLOCK = re.compile(r"\.now\(\)|\bnew Date\(\)")
_SOFT = re.compile(r"(?i)soft|stale|revalidat|refresh")


def find(examined: Examination) -> Iterator[Hit]:
    for module, node in examined.program.nodes["binary_expression"]:
        if text(part(node, "operator")) not in _COMPARING:
            continue
        namespace = _read_from(examined, node)
        if namespace is None or not _tells_time(examined, node):
            continue
        if not _only_refreshes(node):
            yield _hit(module, node, namespace)


def _hit(module: Module, node: Node, namespace: str) -> Hit:
    message = f"checks by itself whether a value of {namespace or 'KV'} has expired"
    guard = _guard(node)
    if guard is None:
        return Hit(message, node, module)
    return Hit(message, guard, module, edits=(whole_lines(module, guard),))


def _guard(node: Node) -> Node | None:
    """The statement `if (expired) { …; return null; }`, which can go as a whole."""
    condition = node.parent
    statement = condition.parent if condition is not None else None
    if statement is None or statement.type != "if_statement":
        return None
    leaves = any(below(statement, "return_statement"))
    return statement if leaves and part(statement, "alternative") is None else None


def _read_from(examined: Examination, node: Node) -> str | None:
    """The namespace of the KV value whose member is compared."""
    for source in (node, *_named_in(examined, node)):
        for member in below(source, "member_expression", "identifier"):
            names = examined.kinds.names(member, "kv_value")
            if names and (member.type == "member_expression" or _is_time(text(member))):
                return max(names)
    return None


def _named_in(examined: Examination, node: Node) -> Iterator[Node]:
    """The expressions behind the names: `const age = Date.now() - entry.storedAt`."""
    for name in below(node, "identifier"):
        definition = examined.program.look_up(text(name), name)
        value = definition.value if definition is not None and not definition.path else None
        if value is not None and value.type == "binary_expression":
            yield value


def _is_time(name: str) -> bool:
    return re.search(r"(?i)expir|timestamp|cachedat|storedat|createdat|_at$", name) is not None


def _tells_time(examined: Examination, node: Node) -> bool:
    if _CLOCK.search(text(node)):
        return True
    for name in below(node, "identifier"):
        definition = examined.program.look_up(text(name), name)
        if definition is not None and _CLOCK.search(text(definition.value)):
            return True
    return False


def _only_refreshes(node: Node) -> bool:
    """Stale-while-revalidate: the value is served all the same."""
    if _SOFT.search(text(node)):
        return True
    for above in ancestors(node):
        if above.type == "variable_declarator":
            return _SOFT.search(text(part(above, "name"))) is not None
        if above.type == "if_statement":
            condition, then = part(above, "condition"), part(above, "consequence")
            if condition is not None and then is not None and inside(node, condition):
                refreshes = "waitUntil" in text(then) or _SOFT.search(text(then)) is not None
                return refreshes and not any(below(then, "return_statement"))
    return False


RULE = Rule(
    id="kv-manual-expiry-check",
    severity="warning",
    title="Own expiry check on a value from KV",
    why="KV deletes a key at its expiration and then reads it as missing, whatever cacheTtl says; "
    "a second check in the application can only throw away values that were billed as reads. "
    "Where the key has no expiration, the check discards a value that stays stored.",
    source="Cloudflare docs, kv/api/write-key-value-pairs; read 2026-11-23",
    counterfactual=Counterfactual(
        "expiry_check",
        "in_application",
        "by_store",
        ("hit_ratio", "origin_loads", "kv_writes"),
    ),
    find=find,
    fires="""export async function read(env: Env, key: string) {
  const entry = await env.CACHE.get<{ value: string; expiresAt: number }>(key, "json");
  if (entry && entry.expiresAt < Date.now()) return null;
  return entry?.value ?? null;
}""",
    quiet="""export async function read(env: Env, key: string) {
  const entry = await env.CACHE.get<{ value: string }>(key, "json");
  return entry?.value ?? null;
}""",
)
