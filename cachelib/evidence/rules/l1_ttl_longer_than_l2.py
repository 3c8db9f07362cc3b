"""The memory cache may keep an entry for longer than KV does."""

from collections.abc import Iterator

from cachelib.evidence.examination import Examination
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.rules._lifetimes import Lifetime, named_pairs, of_kv, of_l1


def find(examined: Examination) -> Iterator[Hit]:
    """Used lifetimes first; where they tell, the settings they come from are not told again."""
    seen: set[tuple[str, int]] = set()
    for l1, l2 in _of_one_module(examined):
        place = (l1.module.path, l1.node.start_byte)
        if l1.seconds > l2.seconds and place not in seen:
            seen.add(place)
            yield _hit(l1, l2)
    told = {path for path, _ in seen}
    for l1, l2 in named_pairs(examined):
        if l1.seconds > l2.seconds and l1.module.path not in told:
            yield _hit(l1, l2)


def _hit(l1: Lifetime, l2: Lifetime) -> Hit:
    message = f"the memory cache keeps entries {l1.seconds:g} s, KV only {l2.seconds:g} s"
    return Hit(message, l1.node, l1.module)


def _of_one_module(examined: Examination) -> Iterator[tuple[Lifetime, Lifetime]]:
    """Every L1 lifetime with the longest KV lifetime of its file, the mildest comparison."""
    longest: dict[str, Lifetime] = {}
    for each in of_kv(examined):
        if each.seconds > getattr(longest.get(each.module.path), "seconds", 0):
            longest[each.module.path] = each
    for l1 in of_l1(examined):
        if l1.module.path in longest:
            yield l1, longest[l1.module.path]


RULE = Rule(
    id="l1-ttl-longer-than-l2",
    severity="warning",
    title="Memory cache outlives KV",
    why="An entry that KV has already expired goes on being served by every isolate that holds "
    "it: the age of what is served is bounded by the longer of the two lifetimes, and "
    "differs from isolate to isolate.",
    source="this project's expiry rule (age at most the L2 TTL), proved in its test suite",
    counterfactual=NotModelled("the lifetimes in the source need not be the case's"),
    find=find,
    fires="""const l1 = new Map<string, { value: string; expiresAt: number }>();
export async function save(env: Env, key: string, value: string) {
  l1.set(key, { value, expiresAt: Date.now() + 3_600_000 });
  await env.CACHE.put(key, value, { expirationTtl: 300 });
}""",
    quiet="""const l1 = new Map<string, { value: string; expiresAt: number }>();
export async function save(env: Env, key: string, value: string) {
  l1.set(key, { value, expiresAt: Date.now() + 60_000 });
  await env.CACHE.put(key, value, { expirationTtl: 300 });
}""",
)
