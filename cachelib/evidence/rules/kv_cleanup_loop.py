"""A loop that lists keys and deletes them: the work that expiration does for nothing."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.functions import function_name
from cachelib.evidence.module import FUNCTIONS, Module
from cachelib.evidence.operations import Operation
from cachelib.evidence.program import function_of
from cachelib.evidence.roles import Confidence
from cachelib.evidence.rule import Counterfactual, Hit, Rule
from cachelib.evidence.syntax import ancestors, below, line, part, text

_FORGETTING = ("cache", "unknown", "configuration")
_STALE = re.compile(r"(?i)clean|sweep|expir|evict|prune|stale|garbage|outdated|scheduled|housekeep")
_WHOLE = re.compile(r"(?i)purge|clear|flush|wipe|reset")
_CLOCK = re.compile(r"Date\.now\(\)|new Date\(\)|\bnow\b")
_NEWEST = re.compile(r"\.slice\(\s*[a-zA-Z_]\w*\s*\)|\.slice\(\s*\d+\s*\)|\.splice\(")
_AGE = re.compile(r"(?i)expir|stale|maxage|max_age|ttl|old|cutoff|timestamp|createdat|storedat")


def find(examined: Examination) -> Iterator[Hit]:
    seen: set[int] = set()
    for module, call, listing in _listings(examined):
        routine = examined.routine(call)
        if routine is None or routine.id in seen:
            continue
        deletes = _deletes_in_loops(examined, routine)
        if not any(listing.shares_namespace(delete) for delete in deletes):
            continue
        if examined.roles.of(listing).name in _FORGETTING and _is_clean_up(
            examined, routine, listing
        ):
            seen.add(routine.id)
            message = (
                f"lists the keys of {listing.namespace} and deletes them one by one "
                f"(lines {line(routine)}-{routine.end_point.row + 1})"
            )
            aged = _CLOCK.search(text(routine)) is not None
            confidence: Confidence = "high" if aged else "low"
            because = "what is deleted is chosen by its age"
            if not aged:
                because = "the routine is called a clean-up, but shows no age"
            yield Hit(message, call, module, confidence=confidence, because=because)


def _is_clean_up(examined: Examination, routine: Node, listing: Operation) -> bool:
    """Deletes what is stale, or all there is; some keys, by request, cannot wait to expire."""
    prefix = examined.values.option(listing.call, 0, "prefix")
    if _WHOLE.search(function_name(routine)) and not isinstance(prefix, Node):
        return True
    clock = _CLOCK.search(text(routine)) is not None
    if not clock and (_NEWEST.search(text(routine)) or _is_chosen(routine)):
        return False  # all but the newest few, or another layout's: no expiration does that
    around = [each for each in (routine, *ancestors(routine)) if each.type in FUNCTIONS]
    if any(_STALE.search(function_name(each)) for each in around):
        return True
    return bool(_CLOCK.search(text(routine)) and _AGE.search(text(routine)))


def _is_chosen(routine: Node) -> bool:
    """`for (const key of staleKeys(keys))`: by a function that has its own reasons."""
    iterated = (part(loop, "right") for loop in below(routine, "for_in_statement"))
    called = (function_of(each) for each in iterated if each and each.type == "call_expression")
    return any(each is not None and each.type == "identifier" for each in called)


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
    why="Every list and every delete is billed like a write; a key written with an expiration "
    "is removed without a charge. A loop that deletes what is only stale also turns the "
    "next read of each key into a miss.",
    source="Cloudflare docs, kv/platform/pricing and kv/reference/faq; read 2026-11-23",
    counterfactual=Counterfactual(
        "clean_up", "list_and_delete", "none",
        ("kv_lists", "kv_deletes", "kv_writes", "monthly_cost", "hit_ratio"),
    ),
    find=find,
    fires="""export async function cleanUp(env: Env) {
  const { keys } = await env.CACHE.list<{ expiresAt: number }>({ prefix: "s:" });
  for (const { name, metadata } of keys) {
    if (metadata && metadata.expiresAt < Date.now()) await env.CACHE.delete(name);
  }
}""",
    quiet="""export async function forget(env: Env, id: string) {
  await env.CACHE.delete(id);
}""",
)  # fmt: skip
