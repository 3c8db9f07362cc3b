"""What one user may see is cached under a key that all users share."""

import re
from collections.abc import Collection, Iterator, Sequence

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.flow import Origin
from cachelib.evidence.pairs import Pair
from cachelib.evidence.program import arguments, callee, function_of, receiver_of
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.rules._requests import NAMES, edge_calls, expressions_of
from cachelib.evidence.syntax import below, part, text

_CREDENTIAL = re.compile(
    r"(?i)authori[sz]ation|cookie|api_?(?:key|token)|access_?token|bearer|credential|jwt|session"
    r"|(?:^|\.)token(?:$|\.)"
)
_IDENTITY = re.compile(
    rf"{_CREDENTIAL.pattern}|(?:^|\.)(?:user|tenant|account|member|customer)(?:\.|_?id|$)"
)
_ADDRESS = re.compile(r"(?i)(?:^|\.)(?:url|nexturl|params?|query|searchparams|pathname)\b")
_UNKEPT = re.compile(r"(?i)no-store|\bprivate\b")
_READ = re.compile(r"(?i)headers\.get\(\s*[\"'`]authorization")
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
    yield from _at_edge(examined)


def _at_edge(examined: Examination) -> Iterator[Hit]:
    """The same in the Cache API, which takes of a request the URL, and knows no Vary."""
    for module, put in edge_calls(examined, "put"):
        routine, given = examined.routine(put), arguments(put)
        if routine is None or len(given) < 2 or _UNKEPT.search(text(routine)):
            continue
        key = _with_additions(examined, routine, given[0])
        made_of = _with_additions(examined, routine, given[1]) | _asked_of_kv(examined, given[1])
        if any(origin.kind == "request" for origin in key):
            made_of = {each for each in made_of if each.kind == "load" or not _is_in_address(each)}
        whose = _asking(made_of)
        if whose is not None and not _tells_apart(key, whose):
            message = (
                f"what {_named(whose)} decides is kept in the Cache API under a key without it: "
                "every user is served the first one's"
            )
            yield Hit(message, put, module)
        elif whose is None and not _tells_apart(key, None) and _goes_on(examined, routine, given):
            message = "a request with its Authorization goes on, the answer is kept under the URL"
            because = "the source does not say whether the answer depends on who asks"
            yield Hit(message, put, module, confidence="low", because=because)


def _with_additions(examined: Examination, routine: Node, value: Node) -> set[Origin]:
    """Where a value is from, and what is put into the parts that it is made of."""
    names = {text(name) for each in expressions_of(examined, value) for name in below(each, *NAMES)}
    found = set(examined.flow.origins(value))
    for call in below(routine, "call_expression"):
        if callee(call) in ("set", "append") and _root(receiver_of(call)) in names:
            found = found.union(*(examined.flow.origins(each) for each in arguments(call)))
    for change in below(routine, "assignment_expression"):
        if _root(part(change, "left")) in names:
            found |= examined.flow.origins(part(change, "right"))
    return found


def _asked_of_kv(examined: Examination, value: Node) -> set[Origin]:
    """What the keys are made of under which a value is read from KV, and that it is loaded."""
    read = [
        call
        for each in expressions_of(examined, value)
        for call in below(each, "call_expression")
        if callee(call) == "get" and examined.kinds.has(receiver_of(call), "kv")
    ]
    asked = [examined.flow.origins(argument) for call in read for argument in arguments(call)[:1]]
    return {Origin("load", "KV"), *frozenset().union(*asked)} if read else set()


def _is_in_address(origin: Origin) -> bool:
    """Of the URL, which the key has: parts of it, and the ids that routers take from it."""
    return not _CREDENTIAL.search(origin.text) or _ADDRESS.search(origin.text) is not None


def _root(node: Node | None) -> str:
    """`key.searchParams`: `key`."""
    return re.split(r"[.?\[(]", text(node), maxsplit=1)[0]


def _tells_apart(key: Collection[Origin], whose: Origin | None) -> bool:
    """Whether a key of the Cache API may hold who asks: of a request its URL does not."""
    return any(
        origin.kind in ("unknown", "called", "kv", "load")
        or _IDENTITY.search(origin.text)
        or (origin.kind == "given" and (whose is None or _root_of(origin) == _root_of(whose)))
        for origin in key
    )


def _goes_on(examined: Examination, routine: Node, given: Sequence[Node]) -> bool:
    """The caller's request is fetched as it is, in a routine that reads its Authorization."""
    loads = [
        load
        for value in expressions_of(examined, given[1])
        for load in below(value, "call_expression")
        if text(function_of(load)) == "fetch"
    ]
    whole = any(
        origin.kind == "request" and "." not in origin.text
        for load in loads
        for argument in arguments(load)[:1]
        for origin in examined.flow.origins(argument)
    )
    return whole and _READ.search(text(routine)) is not None


def _identity(examined: Examination, pair: Pair) -> Origin | None:
    """Who asks, as far as the load of the value depends on it; the Worker's own secrets do not."""
    origins: set[Origin] = set()
    for value in _values(pair):
        origins |= examined.flow.origins(value)
    return _asking(origins)


def _asking(origins: Collection[Origin]) -> Origin | None:
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
    return not any(
        origin.kind in _OPEN or _IDENTITY.search(origin.text) or _root_of(origin) == _root_of(whose)
        for origin in origins
        if origin.kind != "env"
    )


def _root_of(origin: Origin) -> str:
    return origin.text.split(".")[0]


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
    "served to everybody until it expires. The key must hold whatever decides the value: the "
    "Cache API takes of a request its URL alone, and Vary does not help there.",
    source="this project's rule for keys; OWASP Cache Poisoning and Web Cache Deception; "
    "Cloudflare docs, workers/runtime-apis/cache (no Vary), read 2026-11-27",
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
