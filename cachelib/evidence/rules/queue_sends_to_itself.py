"""A consumer sends on to the queue that it consumes."""

from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.facts import facts_of
from cachelib.evidence.functions import function_name
from cachelib.evidence.module import FUNCTIONS
from cachelib.evidence.program import receiver_of
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.syntax import ancestors


def find(examined: Examination) -> Iterator[Hit]:
    own = _own_queues(examined)
    for module, call in examined.program.calls_of("send", "sendBatch"):
        names = examined.kinds.names(receiver_of(call), "queue") & own
        around = [each for each in ancestors(call) if each.type in FUNCTIONS]
        consumer = next((each for each in around if function_name(each) == "queue"), None)
        if names and consumer is not None and not _is_bounded(call, consumer):
            message = f"what comes from this queue is sent to it again through {min(names)}"
            yield Hit(message, call, module)


def _own_queues(examined: Examination) -> set[str]:
    """The producers of the queues that the same Worker consumes."""
    if examined.config is None:
        return set()
    facts = list(facts_of(examined.config, None))
    consumed = {fact.name for fact in facts if fact.kind == "queue_consumer"}
    return {
        fact.name
        for fact in facts
        if fact.kind == "queue" and fact.details.get("queue") in consumed
    }


def _is_bounded(call: Node, consumer: Node) -> bool:
    """Under a condition; that it stands in the loop over the batch is none."""
    conditions = ("if_statement", "ternary_expression", "switch_case", "catch_clause")
    for above in ancestors(call):
        if above == consumer:
            return False
        if above.type in conditions:
            return True
        if above.type == "statement_block" and _leaves_before(above, call):
            return True
    return False


def _leaves_before(block: Node, call: Node) -> bool:
    """`if (done) continue;` earlier in the block."""
    return any(
        each.type == "if_statement" and each.end_byte <= call.start_byte
        for each in block.named_children
    )


RULE = Rule(
    id="queue-sends-to-itself",
    severity="error",
    title="Queue that feeds itself",
    why="A message that its consumer sends on to the same queue comes back, and is billed "
    "three operations each time. Without a condition that ends it, one message is enough "
    "for a loop; retry() counts its attempts and ends in the dead letter queue.",
    source="Cloudflare docs, queues/configuration/batching-retries and "
    "queues/platform/pricing; read 2026-11-26",
    counterfactual=NotModelled("the model has no queues"),
    find=find,
    fires="""export default {
  async queue(batch: MessageBatch<Job>, env: Env) {
    for (const message of batch.messages) {
      await work(message.body);
      await env.JOBS.send(message.body);
    }
  },
};""",
    quiet="""export default {
  async queue(batch: MessageBatch<Job>, env: Env) {
    for (const message of batch.messages) {
      await work(message.body);
      if (message.body.next) await env.JOBS.send(message.body.next);
    }
  },
};""",
    configuration="""[[queues.producers]]
binding = "JOBS"
queue = "jobs"

[[queues.consumers]]
queue = "jobs"
""",
)
