"""The application decides by itself that a value of a cache in KV has expired.

Of caches only: the window of a counter and the expiry of a token are the application's to judge,
and to delete a token's check would take a defence away.
"""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.functions import function_name, owner_function
from cachelib.evidence.module import FUNCTIONS, Module
from cachelib.evidence.operations import Operation
from cachelib.evidence.repair import whole_lines
from cachelib.evidence.roles import is_called_token
from cachelib.evidence.rule import Counterfactual, Hit, Rule
from cachelib.evidence.syntax import ancestors, below, enclosing, inside, part, text

_COMPARING = {"<", ">", "<=", ">="}
_CLOCK = re.compile(r"\.now\(\)|\bnew Date\(\)")
_SOFT = re.compile(r"(?i)soft|stale|revalidat|refresh")


def find(examined: Examination) -> Iterator[Hit]:
    reads = {each.call.id: each for each in examined.reads}
    for module, node in examined.program.nodes["binary_expression"]:
        if text(part(node, "operator")) not in _COMPARING:
            continue
        namespace = _read_from(examined, node)
        if namespace is None or not _tells_time(examined, node) or _only_refreshes(node):
            continue
        if _is_served_anyway(node):
            continue
        family = _families(examined, node, reads) or [
            each for each in examined.reads if namespace in each.namespaces
        ]
        around = [function_name(each) for each in ancestors(node) if each.type in FUNCTIONS]
        if is_called_token(" ".join([text(node), *around])):
            continue
        if {examined.roles.of(each).name for each in family} == {"cache"}:
            yield _hit(examined, module, node, namespace, family[0])


def _families(examined: Examination, node: Node, reads: dict[int, Operation]) -> list[Operation]:
    """The reads in the same routine, or in what it calls: the value comes from one of them."""
    routine = examined.routine(node)
    if routine is None:
        return []
    own = [reads[call.id] for call in examined.calls_in(routine) if call.id in reads]
    return own or [
        each
        for call in examined.calls_in(routine)
        for each in examined.performed_by_call(call)
        if each.call.id in reads
    ]


def _hit(examined: Examination, module: Module, node: Node, namespace: str, read: Operation) -> Hit:
    message = f"checks by itself whether a value of {namespace or 'KV'} has expired"
    role, guard = examined.roles.of(read), _guard(node)
    edits = (whole_lines(module, guard),) if guard and _expires(examined, read) else ()
    return Hit(
        message, guard or node, module, edits=edits, confidence=role.confidence, because=role.why
    )


def _expires(examined: Examination, read: Operation) -> bool:
    """KV itself removes every key of the family: without that, the check must stay."""
    puts = [each for each in examined.roles.operations(read) if each.method == "put"]
    puts = puts or [each for each in examined.of("put") if each.shares_namespace(read)]
    return bool(puts) and all(
        isinstance(examined.values.option(each.call, 2, "expirationTtl"), Node) for each in puts
    )


def _guard(node: Node) -> Node | None:
    """The statement `if (expired) { …; return null; }`, which can go as a whole."""
    condition = node.parent
    statement = condition.parent if condition is not None else None
    if statement is None or statement.type != "if_statement":
        return None
    leaves = any(below(statement, "return_statement"))
    return statement if leaves and part(statement, "alternative") is None else None


def _read_from(examined: Examination, node: Node) -> str | None:
    """The namespace of the KV value whose time is compared."""
    for source in (node, *_named_in(examined, node)):
        for member in below(source, "member_expression", "identifier"):
            names = examined.kinds.names(member, "kv_value")
            name = text(part(member, "property")) if member.type == "member_expression" else ""
            if names and (_is_time(name or text(member)) or _meets_clock(source, member)):
                return max(names)
    return None


def _meets_clock(node: Node, member: Node) -> bool:
    """`Date.now() - entry.t > LIFE`: what is subtracted from the clock is a time."""
    return member.type == "member_expression" and _CLOCK.search(text(node)) is not None


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


def _is_served_anyway(node: Node) -> bool:
    """`if (fresh) return entry.value; if (entry) { refresh(); return entry.value; }`."""
    check = enclosing(node, {"if_statement"})
    first = next(iter(below(check, "return_statement")), None) if check is not None else None
    function = owner_function(node)
    if check is None or first is None or function is None:
        return False
    answer = text(first)
    later = (
        each for each in below(function, "return_statement") if each.start_byte > check.end_byte
    )
    return "." in answer and any(text(each) == answer for each in later)


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
    why="KV deletes a key at its expiration and then reads it as missing, whatever cacheTtl "
    "says; a second check in the application can only throw away values that were billed "
    "as reads. Where the key has no expiration, the check discards a value that stays "
    "stored.",
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
