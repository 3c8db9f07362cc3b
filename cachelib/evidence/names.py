"""Which kind of binding a name stands for: as configured, as declared, as used, as named."""

import re

from tree_sitter import Node

from cachelib.evidence.accessors import globals_written
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
    **dict.fromkeys(["createBatch"], "workflow"),
}
_NAMED_LIKE = {
    "durable_object": re.compile(r"(?i)durable|object|counter|room|limiter|(?:^|_)do(?:$|_)"),
    "r2": re.compile(r"(?i)bucket|(?:^|_)r2(?:$|_)|assets"),
    "d1": re.compile(r"(?i)(?:^|_)d[b1](?:$|_)|database"),
    "queue": re.compile(r"(?i)queue"),
    "kv": re.compile(r"^[A-Z][A-Z0-9_]*$|(?i:kv|cache)"),
}


_GLOBALS = ("JSON", "URL", "CSS", "GPU")
_ENV_LIKE = re.compile(r"Env|Environment|Bindings")


class BindingNames:
    """The surest source first: configuration, declaration, tell-tale methods, the name itself."""

    def __init__(
        self, program: Program, configured: dict[str, str], declared: dict[str, str]
    ) -> None:
        self._kinds = {**{name: each.kind for name, each in BY_TYPE.items()}, **_derived(program)}
        self._optional: set[str] = set()
        self._in_types = {**declared, **self._declared(program)}
        self.stated = {**self._in_types, **configured}
        self._told = _telltales(program) | dict.fromkeys(globals_written(program), "kv")
        self._configured = configured

    def of_type(self, name: str) -> str | None:
        """The kind of binding that a type is, or an alias or extension of one."""
        return self._kinds.get(name)

    def kind(self, name: str) -> str | None:
        known = self.stated.get(name) or self._told.get(name)
        return known or next((t for t, like in _NAMED_LIKE.items() if like.search(name)), None)

    def looks_like_one(self, name: str) -> bool:
        told = self._told.get(name) == "kv" or name in self.stated
        return told or (name.isupper() and name not in _GLOBALS)

    def is_declared(self, name: str) -> bool:
        """Named by a type, an interface Env say."""
        return name in self._in_types

    def is_optional(self, name: str) -> bool:
        """Declared as `NAME?: …`: the source does without it."""
        return name in self._optional

    def _declared(self, program: Program) -> dict[str, str]:
        """Bindings that an interface of the program declares.

        A member of an Env whose type is none of the platform's is no binding of a known kind.
        """
        found: dict[str, str] = {}
        for name, nodes in program.types.items():
            for member in (each for node in nodes for each in below(node, "property_signature")):
                types = [text(each) for each in below(member, "type_identifier")]
                known = [self._kinds[each] for each in types if each in self._kinds]
                binding = text(part(member, "name"))
                if known:
                    found[binding] = known[0]
                elif _ENV_LIKE.search(name):
                    found.setdefault(binding, "other_binding")
                if any(child.type == "?" for child in member.children):
                    self._optional.add(binding)
        return found


def _derived(program: Program) -> dict[str, str]:
    """`type Store = KVNamespace`, `interface Store extends KVNamespace`."""
    found: dict[str, str] = {}
    for name, nodes in program.types.items():
        for node in nodes:
            if name in BY_TYPE:
                continue
            clause = next((c for c in node.children if c.type == "extends_type_clause"), None)
            value = part(node, "value") or clause
            if value is None or value.type in ("object_type", "function_type"):
                continue
            types = [text(each) for each in below(value, "type_identifier")]
            if types and types[0] in BY_TYPE:
                found[name] = BY_TYPE[types[0]].kind
            elif types[1:] and types[0] in ("Pick", "Omit", "Required") and types[1] in BY_TYPE:
                found[name] = BY_TYPE[types[1]].kind
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
