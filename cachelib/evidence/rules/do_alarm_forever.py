"""An alarm that sets itself again whatever happens."""

from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.facts import bindings_of
from cachelib.evidence.functions import function_name, owner_function
from cachelib.evidence.program import arguments, callee, receiver_of
from cachelib.evidence.roles import Confidence
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.rules._requests import is_conditional, object_class
from cachelib.evidence.rules.do_single_id import NAMING, OTHERS
from cachelib.evidence.syntax import below, part, text


def find(examined: Examination) -> Iterator[Hit]:
    told: set[int] = set()
    for call in examined.program.calls_by_name["setAlarm"]:
        alarm = owner_function(call)
        if alarm is None or function_name(alarm) != "alarm" or not object_class(call):
            continue
        if is_conditional(call, alarm) or _may_leave(alarm, call):
            continue
        if alarm.id not in told and _is_begun(examined, call):
            told.add(alarm.id)
            message = "this alarm sets itself again for ever: an object nobody uses goes on waking"
            confidence, because = _certainty(examined, call)
            module = examined.module_of(call)
            yield Hit(message, call, module, confidence=confidence, because=because)


def _certainty(examined: Examination, call: Node) -> tuple[Confidence, str]:
    """Of a class with one object, by a constant name, none is ever left over."""
    class_ = text(part(object_class(call), "name"))
    facts = bindings_of(examined.config, None) if examined.config is not None else []
    bound = {each.name for each in facts if each.details.get("class_name") == class_}
    calls = [
        each
        for _, each in examined.program.calls_of(*NAMING, *OTHERS)
        if examined.kinds.names(receiver_of(each), "durable_object") & bound
    ]
    if calls and all(
        callee(each) in NAMING and examined.values.is_constant(next(iter(arguments(each)), None))
        for each in calls
    ):
        return "low", "there is one such object, which may be meant to go on"
    return "high", ""


def _is_begun(examined: Examination, call: Node) -> bool:
    """Something else of its file sets the first one; otherwise it never runs."""
    module = examined.module_of(call)
    others = (e for e in examined.program.calls_by_name["setAlarm"] if e != call)
    return any(
        examined.module_of(each) == module and owner_function(each) != owner_function(call)
        for each in others
    )


def _may_leave(alarm: Node, call: Node) -> bool:
    return any(
        each.start_byte < call.start_byte and owner_function(each) == alarm
        for each in below(alarm, "return_statement", "throw_statement")
    )


RULE = Rule(
    id="do-alarm-forever",
    severity="warning",
    title="Alarm without an end",
    why="Every run of an alarm is billed as a request, and setting it as a row written. An "
    "alarm that sets itself again without a condition keeps every object alive that was "
    "ever made, also those that nobody uses any more.",
    source="Cloudflare docs, durable-objects/api/alarms and durable-objects/platform/pricing; "
    "read 2026-11-26",
    counterfactual=NotModelled("an alarm of the model comes when a value ends, and sets no other"),
    find=find,
    fires="""export class Poller extends DurableObject<Env> {
  async start() {
    await this.ctx.storage.setAlarm(Date.now() + 60_000);
  }
  async alarm() {
    await this.poll();
    await this.ctx.storage.setAlarm(Date.now() + 60_000);
  }
}""",
    quiet="""export class Poller extends DurableObject<Env> {
  async alarm() {
    if (await this.poll()) {
      await this.ctx.storage.setAlarm(Date.now() + 60_000);
    }
  }
}""",
)
