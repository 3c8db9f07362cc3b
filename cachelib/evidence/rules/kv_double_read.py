"""One key read twice in one routine: billed twice, and perhaps of two generations."""

from collections.abc import Iterator

from cachelib.evidence.examination import Examination
from cachelib.evidence.operations import Operation
from cachelib.evidence.pairs import may_follow
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.syntax import enclosing


def find(examined: Examination) -> Iterator[Hit]:
    told: set[int] = set()
    for second in examined.reads:
        for first in examined.reads_beside(second):
            if second.call.id not in told and _repeats(examined, first, second):
                told.add(second.call.id)
                message = f"{second.namespace} is asked for the same key as a moment before"
                yield Hit(message, second.call, second.module)


def _repeats(examined: Examination, first: Operation, second: Operation) -> bool:
    """The same key, one after the other, nothing written and no round of a loop between them."""
    if not examined.values.same_text(first.key, second.key):
        return False
    if not may_follow(first.call, second.call) or enclosing(first.call, {"catch_clause"}):
        return False
    if examined.loop(first.call) or examined.loop(second.call) or _in_handler(second):
        return False
    between = range(first.call.end_byte, second.call.start_byte)
    routine = examined.routine(second.call)
    return not any(
        write.call.start_byte in between and examined.routine(write.call) == routine
        for write in examined.of("put", "delete")
    )


def _in_handler(operation: Operation) -> bool:
    return enclosing(operation.call, {"catch_clause"}) is not None


RULE = Rule(
    id="kv-double-read",
    severity="warning",
    title="One key read twice",
    why="Every read is billed and takes a round trip, and of two reads the second may find a "
    "newer value than the first, so that a value is served with the metadata of another. "
    "getWithMetadata gives both at once.",
    source="Cloudflare docs, kv/api/read-key-value-pairs and kv/platform/pricing; read 2026-11-26",
    counterfactual=NotModelled("the model reads each key once a request"),
    find=find,
    fires="""export async function hit(env: Env, key: string) {
  const body = await env.CACHE.get(key, "stream");
  const { metadata } = await env.CACHE.getWithMetadata<{ type: string }>(key, "stream");
  return new Response(body, { headers: { "content-type": metadata?.type ?? "text/plain" } });
}""",
    quiet="""export async function hit(env: Env, key: string) {
  const { value, metadata } = await env.CACHE.getWithMetadata<{ type: string }>(key, "stream");
  return new Response(value, { headers: { "content-type": metadata?.type ?? "text/plain" } });
}""",
)
