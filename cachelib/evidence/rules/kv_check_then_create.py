"""Whether a key is free is asked first and taken then: two may take it."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.pairs import Pair
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.syntax import below, part, text

_TAKEN = re.compile(
    r"(?i)\b409\b|exists|taken|already|duplicate|conflict|unavailable|in use"
    r"|locked|is running|in progress"
)
_LEAVING = ("return_statement", "throw_statement", "continue_statement")


def find(examined: Examination) -> Iterator[Hit]:
    told: set[int] = set()
    for pair in examined.pairs.all:
        if pair.derived or pair.write.call.id in told:
            continue
        role = examined.roles.of(pair.write.operation)
        if role.name != "cache" and (_refuses(pair) or role.name == "lock"):
            told.add(pair.write.call.id)
            message = (
                f"asks {pair.write.operation.namespace} whether the key is free and then takes it: "
                "two callers can both get it"
            )
            yield Hit(message, pair.write.call, pair.write.module)


def _refuses(pair: Pair) -> bool:
    """`if (await kv.get(name)) return conflict();` between the read and the write."""
    for check in below(pair.routine, "if_statement", "while_statement"):
        between = pair.read.call.start_byte - 200 < check.start_byte < pair.write.call.start_byte
        then = part(check, "consequence") or part(check, "body")
        if not between or then is None or check.end_byte <= pair.read.call.start_byte:
            continue
        asked = _asks(check, pair.read.call)
        if asked and any(below(then, *_LEAVING)) and _TAKEN.search(text(then)):
            return True
    return False


def _asks(check: Node, read: Node) -> bool:
    """The condition holds the read, or a name that it was given to; not its absence."""
    condition = part(check, "condition")
    if condition is None or text(condition).replace(" ", "").startswith("(!"):
        return False
    if condition.start_byte <= read.start_byte < condition.end_byte:
        return True
    holder = read
    while holder.parent is not None and holder.type != "variable_declarator":
        if holder.type in ("statement_block", "program"):
            return False
        holder = holder.parent
    name = re.escape(text(part(holder, "name")))
    if not name or re.search(rf"\b{name}\??\.\w+\s*!==?", text(condition)):
        return False  # `review.status !== "pending"`: it is there, and is to be changed
    return re.search(rf"\b{name}\b", text(condition)) is not None


RULE = Rule(
    id="kv-check-then-create",
    severity="error",
    title="Check, then create",
    why="KV has no write on a condition, and a read may miss for a minute what another place "
    "has written: of two callers who ask at once both find the key free. A Durable Object, "
    "or a unique index of D1, decides for one.",
    source="Cloudflare docs, kv/concepts/how-kv-works; read 2026-11-26",
    counterfactual=NotModelled("two owners of one name are a matter of correctness, not of cost"),
    find=find,
    fires="""export async function claim(env: Env, name: string, owner: string) {
  if (await env.NAMES.get(name)) throw new Error("already taken");
  await env.NAMES.put(name, owner);
}""",
    quiet="""export async function claim(env: Env, name: string, owner: string) {
  const registry = env.REGISTRY.get(env.REGISTRY.idFromName(name));
  await registry.claim(owner);
}""",
)
