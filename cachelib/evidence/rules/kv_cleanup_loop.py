"""A loop that lists keys and deletes them: the work that expiration does for nothing."""

from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination, Operation
from cachelib.evidence.program import Module
from cachelib.evidence.rule import Counterfactual, Hit, Rule
from cachelib.evidence.syntax import line


def find(examined: Examination) -> Iterator[Hit]:
    seen: set[int] = set()
    for module, call, listing in _listings(examined):
        routine = examined.routine(call)
        if routine is None or routine.id in seen:
            continue
        if any(listing.shares_namespace(delete) for delete in _deletes_in_loops(examined, routine)):
            seen.add(routine.id)
            message = (
                f"lists the keys of {listing.namespace} and deletes them one by one "
                f"(lines {line(routine)}-{routine.end_point.row + 1})"
            )
            yield Hit(message, call, module)


def _listings(examined: Examination) -> Iterator[tuple[Module, Node, Operation]]:
    """The calls that list keys, and those of functions that do."""
    for listing in examined.of("list"):
        yield listing.module, listing.call, listing
    for module, call in examined.program.calls:
        for operation in examined.performed_by_call(call):
            if operation.method == "list":
                yield module, call, operation


def _deletes_in_loops(examined: Examination, routine: Node) -> Iterator[Operation]:
    """Deletes of the routine that run many times, directly or through what it calls."""
    for delete in examined.of("delete"):
        if examined.routine(delete.call) == routine and examined.loop(delete.call):
            yield delete
    for call in examined.calls_in(routine):
        if examined.loop(call):
            performed = examined.performed_by_call(call)
            yield from (each for each in performed if each.method == "delete")


RULE = Rule(
    id="kv-cleanup-loop",
    severity="warning",
    title="Clean-up loop that lists and deletes",
    why="Every list and every delete is billed like a write; a key written with an expiration is "
    "removed without a charge. A loop that deletes what is only stale also turns the next "
    "read of each key into a miss.",
    source="Cloudflare docs, kv/platform/pricing and kv/reference/faq; read 2026-11-23",
    counterfactual=Counterfactual(
        "clean_up", "list_and_delete", "none",
        ("kv_lists", "kv_deletes", "kv_writes", "monthly_cost", "hit_ratio"),
    ),
    find=find,
    fires="""export async function cleanUp(env: Env) {
  const { keys } = await env.CACHE.list({ prefix: "s:" });
  for (const key of keys) await env.CACHE.delete(key.name);
}""",
    quiet="""export async function forget(env: Env, id: string) {
  await env.CACHE.delete(id);
}""",
)  # fmt: skip
