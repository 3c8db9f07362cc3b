"""One entry lies under several keys, which are written and read together."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from cachelib.evidence.examination import Examination
from cachelib.evidence.operations import Operation
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.syntax import text


def find(examined: Examination) -> Iterator[Hit]:
    together = _read_together(examined)
    by_routine: dict[int, list[Operation]] = defaultdict(list)
    for put in examined.of("put"):
        routine = examined.routine(put.call)
        if routine is not None and examined.loop(put.call) is None:
            by_routine[routine.id].append(put)
    for puts in by_routine.values():
        for first, second in pairwise(puts):
            families = frozenset([_family(examined, first), _family(examined, second)])
            if (
                len(families) == 2
                and families in together
                and _same_choice(examined, first, second)
                and not _points(first, second)
                and not _points(second, first)
            ):
                message = f"one entry of {second.namespace} lies under two keys, used together"
                yield Hit(
                    message,
                    second.call,
                    second.module,
                    confidence="medium",
                    because="both are written in one routine and read in another",
                )


def _points(index: Operation, entry: Operation) -> bool:
    """`put(`email:${email}`, id)` beside `put(`user:${id}`, user)`: another way to the entry."""
    value = text(index.value)
    return bool(value) and (value in text(entry.key) or value == text(entry.value))


def _family(examined: Examination, operation: Operation) -> str:
    return examined.roles.family(operation)[1]


def _read_together(examined: Examination) -> set[frozenset[str]]:
    found: set[frozenset[str]] = set()
    for one in examined.reads:
        for other in examined.reads_beside(one):
            families = frozenset([_family(examined, one), _family(examined, other)])
            if len(families) == 2 and _same_choice(examined, one, other):
                found.add(families)
    return found


def _same_choice(examined: Examination, one: Operation, other: Operation) -> bool:
    """`a:*` and `b:*` of one and the same variable."""
    keys = [examined.pairs.variables(each.key) for each in (one, other) if each.key is not None]
    patterns = [_family(examined, each) for each in (one, other)]
    named = all("*" in each and len(each) > 2 for each in patterns)
    return named and len(keys) == 2 and bool(keys[0]) and keys[0] == keys[1]


RULE = Rule(
    id="kv-entry-split",
    severity="note",
    title="One entry under several keys",
    why="Each key is billed and cached for itself: two reads and two writes for one entry, and "
    "at a given place one of the keys may be of an older generation than the other. A "
    "value with its metadata is one key.",
    source="Cloudflare docs, kv/concepts/how-kv-works and kv/api/write-key-value-pairs; read "
    "2026-11-26",
    counterfactual=NotModelled("the model keeps an entry under one key"),
    find=find,
    fires="""export async function save(env: Env, id: string, page: Page) {
  await env.CACHE.put(`body:${id}`, page.body, { expirationTtl: 3600 });
  await env.CACHE.put(`type:${id}`, page.type, { expirationTtl: 3600 });
}
export async function load(env: Env, id: string) {
  const body = await env.CACHE.get(`body:${id}`);
  const type = await env.CACHE.get(`type:${id}`);
  return { body, type };
}""",
    quiet="""export async function save(env: Env, id: string, page: Page) {
  await env.CACHE.put(`page:${id}`, page.body, { expirationTtl: 3600, metadata: page.type });
}
export async function load(env: Env, id: string) {
  return env.CACHE.getWithMetadata(`page:${id}`);
}""",
)
