"""A cache in the storage of a Durable Object that only grows."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.module import CLASSES
from cachelib.evidence.program import arguments, callee, receiver_of
from cachelib.evidence.rule import Counterfactual, Hit, Rule
from cachelib.evidence.syntax import below, enclosing, part, text

_ENDING = re.compile(r"\.(?:delete|deleteAll|setAlarm|deleteAlarm)\(|\bDELETE FROM\b", re.I)
_CACHE = re.compile(r"(?i)cach|memo")


def find(examined: Examination) -> Iterator[Hit]:
    told: set[int] = set()
    for call in examined.program.calls_by_name["put"]:
        class_ = enclosing(call, CLASSES)
        if (
            class_ is None
            or class_.id in told
            or not examined.kinds.has(receiver_of(call), "storage")
        ):
            continue
        key = next(iter(arguments(call)), None)
        grows = key is not None and "*" in examined.flow.pattern(key)
        if grows and _is_cache(examined, class_) and not _ENDING.search(text(part(class_, "body"))):
            told.add(class_.id)
            message = "what this object caches in its storage is neither deleted nor aged"
            yield Hit(
                message,
                call,
                examined.module_of(call),
                confidence="medium",
                because="the class or its file is called a cache",
            )


def _is_cache(examined: Examination, class_: Node) -> bool:
    named = f"{text(part(class_, 'name'))} {examined.program.path_of(class_).rpartition('/')[2]}"
    reads = any(callee(call) == "get" for call in below(class_, "call_expression"))
    return reads and _CACHE.search(named) is not None


RULE = Rule(
    id="do-storage-never-evicted",
    severity="warning",
    title="Object storage that only grows",
    why="The storage of a Durable Object has no expiration: what is put there is billed by the "
    "month until it is deleted, and is as old as its last write. An alarm can delete what "
    "is too old.",
    source="Cloudflare docs, durable-objects/platform/pricing and durable-objects/api/alarms; "
    "read 2026-11-26",
    counterfactual=Counterfactual(
        "object_storage", "kept", "deleted_by_alarm", ("stored_gb", "monthly_cost")
    ),
    find=find,
    fires="""export class PageCache extends DurableObject<Env> {
  async remember(path: string, page: string) {
    await this.ctx.storage.put(path, page);
  }
  async recall(path: string) {
    return this.ctx.storage.get<string>(path);
  }
}""",
    quiet="""export class PageCache extends DurableObject<Env> {
  async remember(path: string, page: string) {
    await this.ctx.storage.put(path, page);
    await this.ctx.storage.setAlarm(Date.now() + 3_600_000);
  }
  async recall(path: string) {
    return this.ctx.storage.get<string>(path);
  }
  async alarm() {
    await this.ctx.storage.deleteAll();
  }
}""",
)
