"""A Durable Object that cannot hibernate: billed for every second that it lives."""

from collections.abc import Iterator

from cachelib.evidence.examination import Examination
from cachelib.evidence.program import arguments, receiver_of
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.rules._requests import object_class
from cachelib.evidence.syntax import text


def find(examined: Examination) -> Iterator[Hit]:
    for call in examined.program.calls_by_name["accept"]:
        if not arguments(call) and receiver_of(call) is not None and object_class(call):
            message = f"{text(receiver_of(call))}.accept() keeps this object awake while it is open"
            yield Hit(message, call, examined.module_of(call))
    for call in examined.program.calls_by_name["setInterval"]:
        if object_class(call):
            message = "an interval keeps this object awake; an alarm lets it sleep between two"
            yield Hit(message, call, examined.module_of(call))


RULE = Rule(
    id="do-never-sleeps",
    severity="warning",
    title="Object that never sleeps",
    why="A Durable Object is billed for its duration, 128 MB of it, while it runs or cannot "
    "hibernate. A WebSocket taken with accept() and a timer keep it awake for as long as "
    "they last; acceptWebSocket and alarms do not.",
    source="Cloudflare docs, durable-objects/best-practices/websockets and "
    "durable-objects/platform/pricing; read 2026-11-26",
    counterfactual=NotModelled("the model's objects have no connections that stay open"),
    find=find,
    fires="""export class Room extends DurableObject<Env> {
  async fetch(request: Request): Promise<Response> {
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    return new Response(null, { status: 101, webSocket: client });
  }
}""",
    quiet="""export class Room extends DurableObject<Env> {
  async fetch(request: Request): Promise<Response> {
    const [client, server] = Object.values(new WebSocketPair());
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }
}""",
)
