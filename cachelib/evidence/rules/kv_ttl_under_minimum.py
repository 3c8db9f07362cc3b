"""An expiration less than 60 s away: KV refuses the write."""

from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.program import arguments, function_of
from cachelib.evidence.rule import Edit, Hit, NotModelled, Rule
from cachelib.evidence.syntax import part, text

MINIMUM = 60


def find(examined: Examination) -> Iterator[Hit]:
    for put in examined.of("put"):
        option = examined.values.option(put.call, 2, "expirationTtl")
        if isinstance(option, Node):
            seconds = examined.values.number(option)
            if seconds is not None and seconds < MINIMUM:
                repair = (Edit(option.start_byte, option.end_byte, str(MINIMUM)),)
                literal = option.type == "number"
                message = f"expirationTtl of {seconds:g} s is under KV's minimum of {MINIMUM} s"
                place = option if literal else _stated(examined, option)
                yield Hit(message, place, put.module, edits=repair if literal else ())
            elif seconds is None and (low := _lower_bound(examined, option)) is not None:
                message = f"expirationTtl may be {low:g} s, under KV's minimum of {MINIMUM} s"
                yield Hit(message, option, put.module)
        option = examined.values.option(put.call, 2, "expiration")
        if isinstance(option, Node):
            seconds = _from_now(examined, option)
            if seconds is not None and seconds < MINIMUM:
                message = f"expiration {seconds:g} s from now is under KV's minimum of {MINIMUM} s"
                yield Hit(message, option, put.module)


def _lower_bound(examined: Examination, option: Node) -> float | None:
    """The N of `Math.max(N, …)`, where it is under the minimum."""
    definition = examined.program.look_up(text(option), option)
    bound = definition.value if definition is not None and not definition.path else option
    if bound is None or text(function_of(bound)) != "Math.max":
        return None
    numbers = [examined.values.number(each) for each in arguments(bound)]
    stated = [each for each in numbers if each is not None]
    low = max(stated, default=None)
    return low if low is not None and low < MINIMUM and None in numbers else None


def _stated(examined: Examination, option: Node) -> Node:
    """Where the number stands: the default of a parameter in the same file, else the option."""
    definition = examined.program.look_up(text(option), option)
    default = part(definition.owner, "value") if definition is not None else None
    is_parameter = definition is not None and definition.owner.type.endswith("_parameter")
    return default if default is not None and is_parameter else option


def _from_now(examined: Examination, node: Node) -> float | None:
    """The seconds N of `Math.floor(Date.now() / 1000) + N`."""
    if node.type != "binary_expression" or text(part(node, "operator")) != "+":
        return None
    left = part(node, "left")
    definition = examined.program.look_up(text(left), left) if left is not None else None
    if "Date.now()" not in text(definition.value if definition is not None else left):
        return None
    return examined.values.number(part(node, "right"))


RULE = Rule(
    id="kv-ttl-under-minimum",
    severity="error",
    title="KV expiration under 60 seconds",
    why="expirationTtl and expiration must lie at least 60 seconds ahead; KV rejects the write "
    "with an error, so that nothing is cached.",
    source="Cloudflare docs, kv/api/write-key-value-pairs; read 2026-11-23",
    counterfactual=NotModelled("the write fails: the design then behaves as one without a KV tier"),
    find=find,
    fires="""export const save = (env: Env, k: string, v: string) =>
  env.CACHE.put(k, v, { expirationTtl: 30 });""",
    quiet="""export const save = (env: Env, k: string, v: string) =>
  env.CACHE.put(k, v, { expirationTtl: 60 });""",
)
