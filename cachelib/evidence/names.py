"""Which kind of binding a name stands for: as configured, as declared, as used, as named."""

import re

from tree_sitter import Node

from cachelib.evidence.bindings import BY_TYPE
from cachelib.evidence.program import Program, receiver_of
from cachelib.evidence.syntax import below, part, text

_TELLTALE = {
    **dict.fromkeys(
        ["idFromName", "idFromString", "newUniqueId", "getByName", "jurisdiction"], "durable_object"
    ),
    **dict.fromkeys(["prepare", "batch", "exec"], "d1"),
    **dict.fromkeys(["head", "createMultipartUpload", "resumeMultipartUpload"], "r2"),
    **dict.fromkeys(["send", "sendBatch"], "queue"),
    **dict.fromkeys(["fetch", "connect"], "service"),
    **dict.fromkeys(["run", "toMarkdown"], "ai"),
    **dict.fromkeys(["limit"], "ratelimit"),
    **dict.fromkeys(["writeDataPoint"], "analytics"),
    **dict.fromkeys(["getWithMetadata"], "kv"),
}
_NAMED_LIKE = {
    "durable_object": re.compile(r"(?i)durable|object|counter|room|limiter|(?:^|_)do(?:$|_)"),
    "r2": re.compile(r"(?i)bucket|(?:^|_)r2(?:$|_)|assets"),
    "d1": re.compile(r"(?i)(?:^|_)d[b1](?:$|_)|database"),
    "queue": re.compile(r"(?i)queue"),
    "kv": re.compile(r"^[A-Z][A-Z0-9_]*$|(?i:kv|cache)"),
}


class BindingNames:
    """The surest source first: configuration, declaration, tell-tale methods, the name itself."""

    def __init__(self, program: Program, configured: dict[str, str]) -> None:
        self.stated = {**_declared(program), **configured}
        self._told = _telltales(program)

    def kind(self, name: str) -> str | None:
        known = self.stated.get(name) or self._told.get(name)
        return known or next((t for t, like in _NAMED_LIKE.items() if like.search(name)), None)

    def looks_like_one(self, name: str) -> bool:
        return name in self.stated or name.isupper()


def _declared(program: Program) -> dict[str, str]:
    """Bindings that an interface of the program declares."""
    found = {}
    for kind in ("interface_declaration", "type_alias_declaration"):
        for _, node in program.nodes[kind]:
            for member in below(node, "property_signature"):
                types = [text(each) for each in below(member, "type_identifier")]
                known = [BY_TYPE[each].kind for each in types if each in BY_TYPE]
                if known:
                    found[text(part(member, "name"))] = str(known[0])
    return found


def _reached_by(program: Program, receiver: Node | None) -> str | None:
    """The property by which something was reached: CACHE of env.CACHE, also under an alias."""
    if receiver is None:
        return None
    if receiver.type == "identifier":
        definition = program.look_up(text(receiver), receiver)
        if definition is not None and definition.path:
            return definition.path[-1]
        receiver = definition.value if definition is not None else None
    if receiver is not None and receiver.type == "member_expression":
        return text(part(receiver, "property"))
    return None


def _telltales(program: Program) -> dict[str, str]:
    """`env.COUNTER.idFromName(…)` says what COUNTER is, wherever it stands."""
    found: dict[str, str] = {}
    for name, tag in _TELLTALE.items():
        for call in program.calls_by_name[name]:
            if (known := _reached_by(program, receiver_of(call))) is not None:
                found.setdefault(known, tag)
    return found
