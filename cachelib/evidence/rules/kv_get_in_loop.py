"""Keys read one by one in a loop, where one bulk read takes a hundred."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.functions import parameters
from cachelib.evidence.module import Module
from cachelib.evidence.operations import Operation
from cachelib.evidence.pairs import Variable
from cachelib.evidence.program import arguments
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.rules._kept_values import is_kept
from cachelib.evidence.rules._requests import ends_after, is_many
from cachelib.evidence.rules._rounds import is_at_once, rounds
from cachelib.evidence.syntax import below, inside, part, text

_READS = ("get", "getWithMetadata")
_CONNECTIONS = 6  # of one invocation, that wait for their answers at once
_COUNTING = re.compile(r"\+\+|\+= ?1\b|\.(?:shift|pop|next)\(")


def find(examined: Examination) -> Iterator[Hit]:
    for get in examined.reads:
        loop = examined.loop(get.call)
        if (
            loop is None
            or _is_binary(examined, get)
            or _depends_on_answers(loop, get.call)
            or ends_after(get.call, loop)
            or _is_of_few_at_once(examined, get.call, loop)
        ):
            continue
        written = any(
            examined.loop(put.call) == loop
            and examined.values.same_text(put.key, get.key)
            and not _fills(examined, get, put, loop)
            for put in examined.of("put")
        )
        varies = examined.varies_by_name(get.key, loop) and not is_many(examined, get.key)
        if varies and not written:
            yield _hit(get, get.module, get.call)
    for module, call in examined.program.calls:
        if not any(each.method in _READS for each in examined.performed_by_call(call)):
            continue
        loop = examined.loop(call)
        if loop is None or _depends_on_answers(loop, call) or ends_after(call, loop):
            continue
        if _is_of_few_at_once(examined, call, loop):
            continue
        if any(examined.varies_by_name(each, loop) for each in arguments(call)):
            read = next(_chosen_reads(examined, call, loop), None)
            if read is not None:
                yield _hit(read, module, call)


def _fills(examined: Examination, get: Operation, put: Operation, loop: Node) -> bool:
    """What was missing is loaded and kept, which a bulk read before the loop would find missing;
    or what was found is written as it is, with other metadata.

    Where a value is changed and written back, or a mark is left that the work is done, a key that
    comes twice has to be read twice.
    """
    pairs = [
        pair
        for pair in examined.pairs.all
        if pair.read.call == get.call and pair.write.call == put.call
    ]
    loaded = _is_loaded(examined, put, loop)
    return any(is_kept(examined, each) or (loaded and not each.derived) for each in pairs)


def _is_loaded(examined: Examination, put: Operation, loop: Node) -> bool:
    """What is written is made in this round of something that was waited for."""
    written = arguments(put.call)[1:2]
    variables, loaded = examined.pairs.variables, set[Variable]()
    for change in below(loop, "variable_declarator", "assignment_expression"):
        source = part(change, "value") or part(change, "right")
        target = part(change, "name") or part(change, "left")
        if source is None or target is None or inside(put.call, change):
            continue
        is_of_a_read = any(inside(read.call, source) for read in examined.reads)
        if (_waits(source) and not is_of_a_read) or variables(source) & loaded:
            loaded |= variables(target)
    return any(_waits(value) or variables(value) & loaded for value in written)


def _waits(expression: Node) -> bool:
    return any(below(expression, "await_expression"))


def _is_of_few_at_once(examined: Examination, call: Node, loop: Node) -> bool:
    """A constant list that fits into the connections: all are back after one round trip anyway."""
    known = rounds(examined, loop)
    return known is not None and known <= _CONNECTIONS and is_at_once(call, loop)


def _is_binary(examined: Examination, get: Operation) -> bool:
    """Many keys at once come as text or JSON only."""
    given = arguments(get.call)[1:2]
    option = examined.values.option(get.call, 1, "type")
    kinds = [*given, *([option] if isinstance(option, Node) else [])]
    return any(text(each).strip("\"'`") in ("stream", "arrayBuffer") for each in kinds)


def _depends_on_answers(loop: Node, read: Node) -> bool:
    """`while (low < high)`: the next key is known only when the last has been read.

    So it is in `do { id = random(); } while (await kv.get(id))`, however often it may try.
    """
    condition = part(loop, "condition")
    if loop.type != "for_statement" and condition is not None and inside(read, condition):
        return True
    return loop.type == "while_statement" and not _COUNTING.search(text(loop))


def _chosen_reads(examined: Examination, call: Node, loop: Node) -> Iterator[Operation]:
    """The reads of a helper whose key is the argument that differs from round to round."""
    given = arguments(call)
    for function in examined.kinds.callees(call):
        own = [each.id for each in parameters(function)]
        varying = {
            own[index]
            for index, each in enumerate(given[: len(own)])
            if examined.varies_by_name(each, loop)
        }
        for operation in examined.performed_by(function):
            if _is_binary(examined, operation):
                continue
            if operation.method in _READS and _is_keyed_by(examined, operation, varying):
                yield operation


def _is_keyed_by(examined: Examination, operation: Operation, given: set[int]) -> bool:
    if operation.key is None or is_many(examined, operation.key):
        return False
    names = [operation.key, *_behind(examined, operation.key)]
    found = (
        examined.program.look_up(text(name), name)
        for node in names
        for name in below(node, "identifier")
    )
    return any(each is not None and each.owner.id in given for each in found)


def _behind(examined: Examination, key: Node) -> Iterator[Node]:
    """The value of a constant that is the key."""
    definition = examined.program.look_up(text(key), key) if key.type == "identifier" else None
    if definition is not None and definition.value is not None:
        yield definition.value


def _hit(get: Operation, module: Module, node: Node) -> Hit:
    message = f"reads {get.namespace} key by key in a loop; get([…]) reads up to 100 keys at once"
    return Hit(message, node, module)


RULE = Rule(
    id="kv-get-in-loop",
    severity="warning",
    title="KV reads in a loop",
    why="One invocation may perform 1,000 KV operations and hold 6 connections at once; a bulk "
    "read of up to 100 keys counts as one operation and takes one round trip.",
    source="Cloudflare docs, kv/api/read-key-value-pairs and changelog 2025-04-10; read 2026-11-23",
    counterfactual=NotModelled("the traffic of a case does not say how many keys a request reads"),
    find=find,
    fires="""export async function all(env: Env, keys: string[]) {
  const values = [];
  for (const key of keys) values.push(await env.CACHE.get(key));
  return values;
}""",
    quiet="""export async function all(env: Env, keys: string[]) {
  return env.CACHE.get(keys);
}""",
)
