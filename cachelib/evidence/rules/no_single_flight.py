"""A miss starts an expensive load although the same load may already be under way."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination, Operation
from cachelib.evidence.program import Program, callee, function_of, receiver_of
from cachelib.evidence.rule import Counterfactual, Hit, Rule
from cachelib.evidence.syntax import below, part, text

_SHARED = re.compile(
    r"(?i)in_?flight|pending|single_?flight|dedupe|coalesc|in_?progress|mutex|lock|memoi[sz]e"
)
_EXPENSIVE_BINDINGS = ("ai", "service", "d1", "vectorize", "hyperdrive", "browser")


def find(examined: Examination) -> Iterator[Hit]:
    seen: set[int] = set()
    for put in examined.of("put"):
        routine = examined.routine(put.call)
        if routine is None or routine.id in seen or not _read_before(examined, put):
            continue
        load = _expensive_call(examined, routine)
        if load is not None and not _shares(examined.program, routine):
            seen.add(routine.id)
            message = "callers that miss together each start this load"
            yield Hit(message, load, put.module)


def _read_before(examined: Examination, put: Operation) -> bool:
    """Read-through: the same routine looks into the cache first."""
    reads = examined.reads_beside(put)
    return any(get.call.start_byte < put.call.start_byte for get in reads)


def _expensive_call(examined: Examination, routine: Node, depth: int = 0) -> Node | None:
    """A subrequest, a model, a database; in the routine or in what it calls."""
    for call in below(routine, "call_expression"):
        called = function_of(call)
        if text(called) in ("fetch", "globalThis.fetch", "self.fetch"):
            return call
        if called is not None and _is_loader(examined, call, called):
            return call
        base = part(called, "object")
        while base is not None and base.type in ("call_expression", "member_expression"):
            if any(examined.kinds.has(base, tag) for tag in _EXPENSIVE_BINDINGS):
                return call
            base = receiver_of(base) or part(base, "object")
        if base is not None and any(examined.kinds.has(base, t) for t in _EXPENSIVE_BINDINGS):
            return call
        for function in examined.kinds.callees(call) if depth < 4 else []:
            if function != routine and _expensive_call(examined, function, depth + 1) is not None:
                return call
    return None


def _is_loader(examined: Examination, call: Node, called: Node) -> bool:
    """A function the caller hands in, awaited: `await load()`."""
    awaited = call.parent is not None and call.parent.type == "await_expression"
    definition = examined.program.look_up(text(called), called)
    return (
        awaited
        and definition is not None
        and definition.owner.type in ("required_parameter", "optional_parameter")
    )


def _shares(program: Program, routine: Node) -> bool:
    """A place where loads under way are kept: by its name, or a map that is given a promise."""
    if _SHARED.search(text(routine)) or "blockConcurrencyWhile" in text(routine):
        return True
    names = {text(part(each, "left")) for each in below(routine, "assignment_expression")}
    if any(_SHARED.search(name) for name in names):
        return True
    return any(
        callee(call) == "set" and _stores_promise(program, call)
        for call in below(routine, "call_expression")
    )


def _stores_promise(program: Program, call: Node) -> bool:
    """`map.set(key, load(key))`, the load not awaited."""
    given = part(call, "arguments")
    if given is None or len(given.named_children) < 2:
        return False
    stored: Node | None = given.named_children[1]
    if stored is not None and stored.type == "identifier":
        definition = program.look_up(text(stored), stored)
        stored = definition.value if definition is not None else None
    return stored is not None and stored.type == "call_expression" and callee(stored) != "stringify"


RULE = Rule(
    id="no-single-flight",
    severity="note",
    title="No single flight around an expensive load",
    why="Requests that miss while a load is under way start another one each. Within an isolate "
    "they can share one promise; over all locations only a coordinator such as a Durable "
    "Object can.",
    source="Cloudflare docs, workers/reference/how-workers-works; read 2026-11-23",
    counterfactual=Counterfactual(
        "single_flight", "none", "per_isolate", ("origin_loads", "latency_p99_ms", "monthly_cost")
    ),
    find=find,
    fires="""export async function read(env: Env, key: string) {
  const known = await env.CACHE.get(key);
  if (known !== null) return known;
  const fresh = await (await fetch(`https://origin.example/${key}`)).text();
  await env.CACHE.put(key, fresh, { expirationTtl: 3600 });
  return fresh;
}""",
    quiet="""const inFlight = new Map<string, Promise<string>>();
export async function read(env: Env, key: string) {
  const known = await env.CACHE.get(key);
  if (known !== null) return known;
  const running = inFlight.get(key) ?? load(env, key);
  inFlight.set(key, running);
  return running.finally(() => inFlight.delete(key));
}
async function load(env: Env, key: string) {
  const fresh = await (await fetch(`https://origin.example/${key}`)).text();
  await env.CACHE.put(key, fresh, { expirationTtl: 3600 });
  return fresh;
}""",
)
