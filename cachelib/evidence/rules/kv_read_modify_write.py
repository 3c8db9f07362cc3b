"""A value is read from KV, changed and written back: two writers lose one change."""

from collections.abc import Iterator

from cachelib.evidence.examination import Examination
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.rules._kept_values import is_kept


def find(examined: Examination) -> Iterator[Hit]:
    told: set[int] = set()
    for pair in examined.pairs.all:
        if pair.derived and pair.write.call.id not in told:
            told.add(pair.write.call.id)
            namespace = pair.write.operation.namespace
            done = (
                "writes the value back as it was, over what others have written since"
                if is_kept(examined, pair)
                else "changes the value and writes it back"
            )
            message = f"reads {namespace}, {done}"
            yield Hit(message, pair.write.call, pair.write.module)


RULE = Rule(
    id="kv-read-modify-write",
    severity="error",
    title="Read-modify-write on KV",
    why="KV has no atomic operations. A read may return a value up to 60 seconds old or older, "
    "and of concurrent writes the last one wins, so that changes are lost without an "
    "error. A Durable Object serialises them.",
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
