"""A value is read from KV, changed and written back: two writers lose one change."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from cachelib.evidence.examination import Examination, Operation, callback_of
from cachelib.evidence.program import FUNCTIONS, Module, arguments, receiver_of
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.syntax import ancestors, below, enclosing, inside, part, text

_ABSENT = r"(?:^\(|&&|\|\|)(?:!{name}(?![\w$.?([])|{name}===?(?:null|undefined))"
_CHANGES = ("variable_declarator", "assignment_expression", "augmented_assignment_expression")


@dataclass(frozen=True)
class Access:
    """A call that reads or writes, itself or through the function it calls."""

    module: Module
    call: Node
    keys: list[Node]
    values: list[Node]
    operation: Operation


def find(examined: Examination) -> Iterator[Hit]:
    reads = defaultdict(list)
    for read in _accesses(examined, ("get", "getWithMetadata")):
        if (routine := examined.routine(read.call)) is not None:
            reads[routine.id].append(read)
    for write in _accesses(examined, ("put",)):
        routine = examined.routine(write.call)
        beside = reads[routine.id] if routine is not None else []
        if routine is not None and any(_read_for(examined, r, write, routine) for r in beside):
            namespace = write.operation.namespace
            message = f"reads {namespace}, changes the value and writes it back"
            yield Hit(message, write.call, write.module)


def _accesses(examined: Examination, methods: tuple[str, ...]) -> Iterator[Access]:
    for each in examined.of(*methods):
        keys, values = arguments(each.call)[:1], arguments(each.call)[1:2]
        yield Access(each.module, each.call, keys, values, each)
    for module, call in examined.program.calls:
        performed = examined.performed_by_call(call)
        if {operation.method for operation in performed} <= set(methods) and performed:
            given = arguments(call)
            yield Access(module, call, given, given, performed[0])


def _read_for(examined: Examination, read: Access, write: Access, routine: Node) -> bool:
    keys = [
        key for key in write.keys if any(examined.values.same_text(key, each) for each in read.keys)
    ]
    values = [each for each in write.values if each not in keys]
    if not keys or not values or read.call == write.call:
        return False
    if not read.operation.shares_namespace(write.operation):
        return False
    if inside(read.call, write.call):
        return True
    names = _derived(routine, read.call, write.call)
    changed = any(_words(value) & names for value in values)
    return changed and not _was_missing(write.call, names)


def _derived(routine: Node, get: Node, put: Node) -> set[str]:
    """The names that hold something of what was read when the write is reached."""
    names = _continued(get, put)
    for change in below(routine, *_CHANGES):
        if change.start_byte > put.start_byte:
            break
        target = part(change, "name") or part(change, "left")
        source = part(change, "value") or part(change, "right")
        if target is None or source is None:
            continue
        if inside(get, source) or _words(source) & names:
            names |= _words(target)
        elif target.type == "identifier" and _always_before(change, put):
            names.discard(text(target))
    return names


def _continued(get: Node, put: Node) -> set[str]:
    """The parameters of `kv.get(key).then((value) => …)` around the write."""
    for above in ancestors(put):
        if above.type in FUNCTIONS and callback_of(above) == "then":
            call = enclosing(above, {"call_expression"})
            receiver = receiver_of(call)
            if receiver is not None and inside(get, receiver):
                return _words(part(above, "parameters") or part(above, "parameter") or above)
    return set()


def _always_before(change: Node, put: Node) -> bool:
    """The write is in the block that the assignment is a statement of."""
    block = enclosing(change, {"statement_block", "if_statement", "program", "switch_case"})
    return block is not None and block.type != "if_statement" and inside(put, block)


def _was_missing(put: Node, names: set[str]) -> bool:
    """`if (!cached) await kv.put(…)`: there was nothing to lose."""
    for above in ancestors(put):
        condition, then = part(above, "condition"), part(above, "consequence")
        if above.type == "if_statement" and then is not None and inside(put, then):
            tested = re.sub(r"\s+", "", text(condition))
            if any(re.search(_ABSENT.format(name=name), tested) for name in names):
                return True
    return False


def _words(node: Node) -> set[str]:
    kinds = ("identifier", "shorthand_property_identifier", "shorthand_property_identifier_pattern")
    return {text(each) for each in below(node, *kinds)}


RULE = Rule(
    id="kv-read-modify-write",
    severity="error",
    title="Read-modify-write on KV",
    why="KV has no atomic operations. A read may return a value up to 60 seconds old or older, "
    "and of concurrent writes the last one wins, so that changes are lost without an error. A "
    "Durable Object serialises them.",
    source="Cloudflare docs, kv/concepts/how-kv-works; read 2026-11-23",
    counterfactual=NotModelled("lost updates are a matter of correctness, not of the cache's cost"),
    find=find,
    fires="""export async function count(env: Env, key: string) {
  const hits = Number(await env.CACHE.get(key)) + 1;
  await env.CACHE.put(key, String(hits), { expirationTtl: 3600 });
}""",
    quiet="""export async function read(env: Env, key: string) {
  let value = await env.CACHE.get(key);
  if (value === null) {
    value = await load(key);
    await env.CACHE.put(key, value, { expirationTtl: 3600 });
  }
  return value;
}""",
)
