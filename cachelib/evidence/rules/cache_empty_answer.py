"""A row that was not found is kept like one that was."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.pairs import Pair
from cachelib.evidence.program import callee
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.syntax import below, inside, part, text

_MAY_BE_NONE = ("first", "findFirst", "findUnique", "findOne", "maybeSingle", "executeTakeFirst")
_MEANT = re.compile(r"(?i)negative|not_?found|missing|absent|\bnull\b|undefined|none|sentinel")


def find(examined: Examination) -> Iterator[Hit]:
    told: set[int] = set()
    for pair in examined.pairs.all:
        operation = pair.write.operation
        role = examined.roles.of(operation)
        if pair.derived or role.name != "cache" or operation.call.id in told:
            continue
        row = _row(pair)
        if row is not None and not _is_tested(examined, pair.routine, row):
            told.add(operation.call.id)
            message = (
                f"{text(row)} may be nothing, and is kept in {operation.namespace} all the same"
            )
            because = "the query gives nothing where there is no row, and nobody asks"
            yield Hit(
                message, operation.call, operation.module, confidence="medium", because=because
            )


def _row(pair: Pair) -> Node | None:
    """The variable of the routine that holds the row, where it is what is written."""
    if pair.write.call != pair.write.operation.call or pair.write.operation.value is None:
        return None
    written = {text(each) for each in below(pair.write.operation.value, "identifier")}
    for declared in below(pair.routine, "variable_declarator"):
        name, value = part(declared, "name"), part(declared, "value")
        while value is not None and value.type in ("await_expression", "parenthesized_expression"):
            value = value.named_children[0]
        if (
            name is not None
            and name.type == "identifier"
            and text(name) in written
            and value is not None
            and value.type == "call_expression"
            and callee(value) in _MAY_BE_NONE
        ):
            return name
    return None


def _is_tested(examined: Examination, routine: Node, row: Node) -> bool:
    """Asked anywhere whether it is there: `if (!row)`, `row ?? …`, `row?.name`."""
    if _MEANT.search(text(routine)):
        return True
    name = re.escape(text(row))
    asked = re.compile(rf"!{name}\b|\b{name}\s*(?:\?|&&|\|\||[!=]==?)")
    if asked.search(text(routine)):
        return True
    return any(
        re.search(rf"\b{name}\b", text(part(each, "condition")))
        for each in below(routine, "if_statement", "ternary_expression")
        if not inside(row, each)
    )


RULE = Rule(
    id="cache-empty-answer",
    severity="note",
    title="Empty answer cached",
    why="A query for a row that is not there gives null or undefined. Kept for as long as a good "
    "answer it hides the row once there is one; and read back as null it looks like a miss, so "
    "that each request loads and writes again. Test it, or keep it for a short while and on "
    "purpose.",
    source="Cloudflare docs, d1/worker-api/prepared-statements and kv/api/read-key-value-pairs; "
    "read 2026-11-26",
    counterfactual=NotModelled("how many keys name nothing is not part of a case"),
    find=find,
    fires="""export async function user(env: Env, id: string) {
  const known = await env.CACHE.get(`user:${id}`, "json");
  if (known) return known;
  const row = await env.DB.prepare("SELECT * FROM users WHERE id = ?").bind(id).first();
  await env.CACHE.put(`user:${id}`, JSON.stringify(row), { expirationTtl: 3600 });
  return row;
}""",
    quiet="""export async function user(env: Env, id: string) {
  const known = await env.CACHE.get(`user:${id}`, "json");
  if (known) return known;
  const row = await env.DB.prepare("SELECT * FROM users WHERE id = ?").bind(id).first();
  if (!row) return { status: 404 };
  await env.CACHE.put(`user:${id}`, JSON.stringify(row), { expirationTtl: 3600 });
  return row;
}""",
)
