"""Values stored one by one by a Durable Object, each awaited, where one put takes 128."""

from collections.abc import Iterator

from cachelib.evidence.examination import Examination
from cachelib.evidence.program import arguments, callee, receiver_of
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.rules._requests import ends_after, is_many
from cachelib.evidence.syntax import enclosing

_METHODS = ("put", "delete", "get")


def find(examined: Examination) -> Iterator[Hit]:
    for module, call in examined.program.calls_of(*_METHODS):
        if not examined.kinds.has(receiver_of(call), "storage"):
            continue
        loop, key = examined.loop(call), next(iter(arguments(call)), None)
        awaited = call.parent is not None and call.parent.type == "await_expression"
        if loop is None or not awaited or enclosing(call, {"try_statement"}) is not None:
            continue
        if is_many(examined, key):
            continue  # a batch in each round
        if examined.varies_by_name(key, loop) and not ends_after(call, loop):
            message = f"storage.{callee(call)} key by key in a loop; one call takes up to 128 keys"
            yield Hit(message, call, module)


RULE = Rule(
    id="do-write-in-loop",
    severity="note",
    title="Storage key by key in a loop",
    why="put, get and delete of the storage take up to 128 keys in one call. Each awaited call "
    "of its own is a round trip of the loop, and lets other events in between, so that "
    "they see half of the change.",
    source="Cloudflare docs, durable-objects/api/storage-api and "
    "durable-objects/platform/limits; read 2026-11-26",
    counterfactual=NotModelled("the model's objects hold one value each"),
    find=find,
    fires="""export class Board extends DurableObject<Env> {
  async save(cells: Map<string, string>) {
    for (const [name, value] of cells) {
      await this.ctx.storage.put(name, value);
    }
  }
}""",
    quiet="""export class Board extends DurableObject<Env> {
  async save(cells: Map<string, string>) {
    await this.ctx.storage.put(Object.fromEntries(cells));
  }
}""",
)
