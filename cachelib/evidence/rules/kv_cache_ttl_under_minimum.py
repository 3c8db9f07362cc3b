"""A cacheTtl of less than 30 s: KV refuses the read."""

from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.rule import Edit, Hit, NotModelled, Rule

MINIMUM = 30


def find(examined: Examination) -> Iterator[Hit]:
    for get in examined.reads:
        option = examined.values.option(get.call, 1, "cacheTtl")
        seconds = examined.values.number(option) if isinstance(option, Node) else None
        if isinstance(option, Node) and seconds is not None and seconds < MINIMUM:
            edits = (Edit(option.start_byte, option.end_byte, str(MINIMUM)),)
            message = f"cacheTtl of {seconds:g} s is under KV's minimum of {MINIMUM} s"
            yield Hit(message, option, get.module, edits=edits if option.type == "number" else ())


RULE = Rule(
    id="kv-cache-ttl-under-minimum",
    severity="error",
    title="cacheTtl under 30 seconds",
    why="cacheTtl must be at least 30 seconds (60 before 2026-01-30); KV answers a smaller one "
    "with an error, so that nothing is read.",
    source="Cloudflare changelog 2026-01-30 and kv/api/read-key-value-pairs; read 2026-11-26",
    counterfactual=NotModelled("the read fails: the design then behaves as one without a KV tier"),
    find=find,
    fires="""export const flags = (env: Env) => env.CONFIG.get("flags", { cacheTtl: 5 });""",
    quiet="""export const flags = (env: Env) => env.CONFIG.get("flags", { cacheTtl: 30 });""",
)
