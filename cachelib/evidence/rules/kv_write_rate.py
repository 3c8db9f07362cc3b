"""One key written again and again by a loop: KV takes one write per second and key."""

from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.module import LOOPS
from cachelib.evidence.program import arguments, callee
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.syntax import below, inside, preorder, text

_LEAVING = ("return_statement", "break_statement", "throw_statement")
_WAITING = ("sleep", "wait", "delay", "setTimeout")


def find(examined: Examination) -> Iterator[Hit]:
    for put in examined.of("put"):
        loop = examined.loop(put.call)
        if loop is None or examined.varies(put.key, loop):
            continue
        if not _leaves_after(put.call, loop) and not _waits(examined, loop):
            message = f"writes the same key of {put.namespace} in every round of a loop"
            yield Hit(message, put.call, put.module)


def _leaves_after(put: Node, loop: Node) -> bool:
    """A retry: the loop ends once the write has succeeded."""
    if loop.type not in LOOPS:
        return False
    block = next((a for a in _blocks(put) if inside(a, loop)), None)
    if block is None:
        return False
    later = [each for each in preorder(block) if each.start_byte >= put.start_byte]
    returned = any(each.type in _LEAVING for each in later)
    return returned or any(inside(put, each) for each in below(loop, "return_statement"))


def _blocks(node: Node) -> Iterator[Node]:
    above = node.parent
    while above is not None:
        if above.type == "statement_block":
            yield above
        above = above.parent


def _waits(examined: Examination, loop: Node) -> bool:
    """The loop pauses for a second or more."""
    if text(loop.parent).startswith("(") and _interval(examined, loop) >= 1000:
        return True
    for call in below(loop, "call_expression"):
        if callee(call) in _WAITING:
            pauses = [examined.values.number(each) for each in arguments(call)]
            if any(pause is not None and pause >= 1000 for pause in pauses):
                return True
    return False


def _interval(examined: Examination, loop: Node) -> float:
    """The milliseconds between the calls of a setInterval callback."""
    given = loop.parent.named_children if loop.parent is not None else []
    return (examined.values.number(given[1]) or 0) if len(given) > 1 else 0


RULE = Rule(
    id="kv-write-rate",
    severity="error",
    title="More than one write per second to one key",
    why="KV accepts one write per second to the same key; a faster one fails with 429 Too Many "
    "Requests. Every attempt that succeeds is billed.",
    source="Cloudflare docs, kv/api/write-key-value-pairs; read 2026-11-23",
    counterfactual=NotModelled(
        "the traffic of a case does not say how often one key is written in a request"
    ),
    find=find,
    fires="""export async function work(env: Env, jobs: string[]) {
  for (const job of jobs) {
    await env.CACHE.put("progress", job, { expirationTtl: 3600 });
  }
}""",
    quiet="""export async function work(env: Env, jobs: string[]) {
  for (const job of jobs) {
    await env.CACHE.put(job, "done", { expirationTtl: 3600 });
  }
}""",
)
