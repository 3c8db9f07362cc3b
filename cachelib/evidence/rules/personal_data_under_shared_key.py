"""What one user may see is cached under a key that all users share."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.flow import Origin
from cachelib.evidence.pairs import Pair
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.syntax import below, part, text

_IDENTITY = re.compile(
    r"(?i)authori[sz]ation|cookie|api_?(?:key|token)|access_?token|bearer|credential|jwt|session"
    r"|(?:^|\.)(?:user|tenant|account|member|customer)(?:\.|_?id|$)|(?:^|\.)token(?:$|\.)"
)
_OPEN = ("given", "unknown", "called", "kv", "load")


def find(examined: Examination) -> Iterator[Hit]:
    told: set[int] = set()
    for pair in examined.pairs.all:
        if pair.derived or not examined.roles.is_cache(pair.write.operation):
            continue
        whose = _identity(examined, pair)
        if (
            whose is not None
            and pair.write.call.id not in told
            and _is_shared(examined, pair, whose)
        ):
            told.add(pair.write.call.id)
            message = (
                f"what {_named(whose)} decides is kept in {pair.write.operation.namespace} "
                "under a key without it: every user is served the first one's"
            )
            yield Hit(message, pair.write.call, pair.write.module)


def _identity(examined: Examination, pair: Pair) -> Origin | None:
    """Who asks, as far as the load of the value depends on it; the Worker's own secrets do not."""
    origins: set[Origin] = set()
    for value in _values(pair):
        origins |= examined.flow.origins(value)
    loaded = any(origin.kind == "load" for origin in origins)
    asking = sorted(
        o for o in origins if o.kind in ("given", "request") and _IDENTITY.search(o.text)
    )
    return asking[0] if asking and loaded else None


def _named(whose: Origin) -> str:
    """As the source calls it, without the steps that the value took from there."""
    header = re.search(r"\bheaders\.([\w-]+)", whose.text)
    return f"the header {header[1]}" if header else whose.text


def _values(pair: Pair) -> list[Node]:
    given = [each for each in pair.write.values if each not in pair.write.keys]
    own = pair.write.operation.value
    return [*given, *([own] if own is not None else [])]


def _is_shared(examined: Examination, pair: Pair, whose: Origin) -> bool:
    """The key holds nothing that could tell one user from another."""
    origins: set[Origin] = set()
    for key in (*pair.write.keys[:1], pair.write.operation.key):
        origins |= examined.flow.origins(key)
    root = whose.text.split(".")[0]
    return not any(
        origin.kind in _OPEN or _IDENTITY.search(origin.text) or origin.text.split(".")[0] == root
        for origin in origins
        if origin.kind != "env"
    )


def credential_headers(call: Node) -> bool:
    """`fetch(url, { headers: request.headers })`: whatever the caller sent goes along."""
    return any(
        text(part(pair, "key")).strip("\"'") == "headers"
        and re.search(r"\b(?:request|req|raw)\.headers\b", text(part(pair, "value")))
        for pair in below(call, "pair")
    )


RULE = Rule(
    id="personal-data-under-shared-key",
    severity="error",
    title="Personal data under a shared key",
    why="The load is authorised as one user, the key does not say which: the first answer is "
    "served to everybody until it expires. The key must hold whatever decides the value.",
    source="this project's rule for keys; OWASP Cache Poisoning and Web Cache Deception",
    counterfactual=NotModelled("whose data is served to whom is a matter of safety, not of cost"),
    find=find,
    fires="""export async function account(env: Env, user: { token: string }) {
  const known = await env.CACHE.get("account", "json");
  if (known) return known;
  const headers = { Authorization: `Bearer ${user.token}` };
  const answer = await fetch("https://api.example/me", { headers });
  if (!answer.ok) throw new Error("no account");
  const data = await answer.json();
  await env.CACHE.put("account", JSON.stringify(data), { expirationTtl: 3600 });
  return data;
}""",
    quiet="""export async function account(env: Env, user: { id: string; token: string }) {
  const known = await env.CACHE.get(`account:${user.id}`, "json");
  if (known) return known;
  const headers = { Authorization: `Bearer ${user.token}` };
  const answer = await fetch("https://api.example/me", { headers });
  if (!answer.ok) throw new Error("no account");
  const data = await answer.json();
  await env.CACHE.put(`account:${user.id}`, JSON.stringify(data), { expirationTtl: 3600 });
  return data;
}""",
)
