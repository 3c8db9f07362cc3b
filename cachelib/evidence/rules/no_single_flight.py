"""A miss starts an expensive load although the same load may already be under way."""

import re
from collections.abc import Iterator, Set

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.functions import owner_function
from cachelib.evidence.module import Module
from cachelib.evidence.program import (
    Program,
    arguments,
    callee,
    function_of,
    receiver_of,
)
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.rules._lifetimes import (
    is_kept,
    outlives_requests,
    outlives_with_its_class,
    sets,
)
from cachelib.evidence.syntax import ancestors, below, inside, part, text

_SHARED = re.compile(
    r"(?i)in_?flight|pending|single_?flight|dedupe|coalesc|in_?progress|mutex|(?<![bc])lock|memoi[sz]e"
)
_DEEPEST_CALL = 20
_TELLING = re.compile(r"^(?:send|notify|post|publish|track|report|log|save|delete|update|insert)")
_EXPENSIVE_BINDINGS = ("ai", "service", "d1", "vectorize", "hyperdrive", "browser")


def find(examined: Examination) -> Iterator[Hit]:
    expensive: dict[int, list[Node]] = {}
    loads = _loads(examined, expensive)
    for routine, (module, its) in loads.items():
        others = loads.keys() - {routine}
        own = next((each for each in its if not _leads_to(examined, each, others)), None)
        if own is not None:
            yield Hit("callers that miss together each start this load", own, module)


def _leads_to(examined: Examination, load: Node, told: Set[int]) -> bool:
    """The load is another one of these, or calls it: to share that one is enough."""
    seen: set[int] = set()
    waiting = examined.kinds.callees(load)
    while waiting:
        function = waiting.pop()
        if function.id in told:
            return True
        if function.id not in seen:
            seen.add(function.id)
            waiting += [
                each
                for call in below(function, "call_expression")
                for each in examined.kinds.callees(call)
            ]
    return False


def _loads(
    examined: Examination, expensive: dict[int, list[Node]]
) -> dict[int, tuple[Module, list[Node]]]:
    """The loads of each routine that looks into a cache, fills it, and shares none of them."""
    found: dict[int, tuple[Module, list[Node]]] = {}
    for module, read, fill in _fills(examined):
        routine = examined.routine(fill)
        if routine is None or routine.id in found:
            continue
        calls = _expensive_calls(examined, routine, expensive)
        its = [each for each in calls if _is_between(each, read, fill, routine)]
        if its and not _is_shared(examined, routine):
            found[routine.id] = module, its
    return found


def _is_shared(examined: Examination, routine: Node) -> bool:
    """By the routine itself, or by all that call it."""
    if _shares(examined.program, routine):
        return True
    callers = [examined.routine(call) for call in examined.kinds.callers(routine)]
    return bool(callers) and all(
        caller is not None and _shares(examined.program, caller) for caller in callers
    )


def _is_between(load: Node, read: Node, fill: Node, routine: Node) -> bool:
    """What comes before the look or after the write is no load of what was missing."""
    after = not inside(read, routine) or load.start_byte > read.start_byte
    return after and (load.start_byte < fill.start_byte or inside(load, fill))


def _fills(examined: Examination) -> Iterator[tuple[Module, Node, Node]]:
    """Writes to a cache that the same routine has looked into before: module, look, write."""
    for pair in examined.pairs.all:
        role = examined.roles.of(pair.write.operation)
        if not pair.derived and role.name == "cache" and role.confidence == "high":
            yield pair.write.module, pair.read.call, pair.write.call
    for module, call in sets(examined):
        routine = examined.routine(call)
        if routine is None or not _outlives(examined, call):
            continue
        for read in examined.calls_in(routine):
            if _looks_into(read, call):
                yield module, read, call


def _outlives(examined: Examination, call: Node) -> bool:
    """A map that other requests see too, not one that a call makes for itself."""
    receiver = receiver_of(call)
    names = examined.kinds.names(receiver, "map") | examined.kinds.names(receiver, "lru")
    return any(
        str(node.id) in names
        and (
            (outlives_requests(node) and outlives_with_its_class(examined, node))
            or _is_captured(examined, node, call)
        )
        for _, node in examined.program.nodes["new_expression"]
    )


def _is_captured(examined: Examination, node: Node, call: Node) -> bool:
    """A map in a closure: what uses it is a function that the maker has handed out."""
    maker, user = owner_function(node), examined.routine(call)
    if maker is None or user is None or maker == user or not inside(user, maker):
        return False
    if any(above.type == "arguments" and inside(above, maker) for above in ancestors(user)):
        return False  # what another function is given for the while is no cache of the isolate
    return not _is_of_its_maker(user, maker) and _is_made_once(examined, maker)


def _is_made_once(examined: Examination, maker: Node) -> bool:
    """Of a maker that a request calls each time, no other request sees the map."""
    calls = examined.kinds.callers(maker)
    return not calls or any(is_kept(examined, each) for each in calls)


def _is_of_its_maker(user: Node, maker: Node) -> bool:
    """`const nameFor = …; nameFor(target)`: the maker calls it, and gives it to nobody."""
    name = text(part(user.parent, "name")) or text(part(user, "name"))
    mentions = [each for each in below(maker, "identifier") if text(each) == name]
    called = [each for each in mentions if each == part(each.parent, "function")]
    declared = [each for each in mentions if each == part(each.parent, "name")]
    return bool(called) and len(called) + len(declared) == len(mentions)


def _looks_into(read: Node, fill: Node) -> bool:
    """`cache.get(…)` or `cache.has(…)` before `cache.set(…)`."""
    same = text(receiver_of(read)) == text(receiver_of(fill))
    return same and callee(read) in ("get", "has") and read.start_byte < fill.start_byte


def _expensive_calls(
    examined: Examination, routine: Node, known: dict[int, list[Node]], depth: int = 0
) -> list[Node]:
    """Subrequests, models, databases: the routine's own calls that are or lead to one."""
    if routine.id not in known:
        known[routine.id] = []
        known[routine.id] = [
            call
            for call in below(routine, "call_expression")
            if _is_expensive(examined, call)
            or (
                depth < _DEEPEST_CALL
                and any(
                    _expensive_calls(examined, function, known, depth + 1)
                    for function in examined.kinds.callees(call)
                )
            )
        ]
    return known[routine.id]


def _is_expensive(examined: Examination, call: Node) -> bool:
    called = function_of(call)
    if called is None or _TELLING.match(callee(call)):
        return False
    if text(called) in ("fetch", "globalThis.fetch", "self.fetch"):
        return True
    if _is_loader(examined, call, called):
        return True
    base: Node | None = part(called, "object")
    if _is_database(examined, base):
        return True
    while base is not None:
        if any(examined.kinds.has(base, tag) for tag in _EXPENSIVE_BINDINGS):
            return True
        base = receiver_of(base) or part(base, "object")
    return False


def _is_database(examined: Examination, base: Node | None) -> bool:
    """`db.select()` of `const db = drizzle(env.DB)`."""
    if base is None or base.type != "identifier":
        return False
    definition = examined.program.look_up(text(base), base)
    value = definition.value if definition is not None else None
    if value is None or value.type not in ("call_expression", "new_expression"):
        return False
    return any(examined.kinds.has(each, "d1") for each in arguments(value))


def _is_loader(examined: Examination, call: Node, called: Node) -> bool:
    """A function the caller hands in, awaited: `await load()`."""
    awaited = call.parent is not None and call.parent.type == "await_expression"
    definition = examined.program.look_up(text(called), called)
    return (
        awaited
        and text(called) != "next"  # of a middleware: the rest of the request
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
    why="Requests that miss while a load is under way start another one each. Within an "
    "isolate they can share one promise; over all locations only a coordinator such as a "
    "Durable Object can.",
    source="Cloudflare docs, workers/reference/how-workers-works; read 2026-11-23",
    counterfactual=NotModelled("in the model loads are shared as the tiers of a design say"),
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
