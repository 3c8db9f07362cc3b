"""What a family of keys is for: a cache, a store of record, a token, a counter, a lock, settings.

Only a cache may forget. What the code does decides first (a miss is loaded and written back, a
value is changed in place, a value is random), what things are called only where it says nothing.
"""

import re
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from tree_sitter import Node

from cachelib.evidence.flow import Flow, Origin
from cachelib.evidence.functions import function_name
from cachelib.evidence.module import CLASSES, FUNCTIONS
from cachelib.evidence.operations import Operation
from cachelib.evidence.pairs import Pair, Pairs
from cachelib.evidence.program import callee
from cachelib.evidence.syntax import ancestors, below, part, text

if TYPE_CHECKING:
    from cachelib.evidence.examination import Examination

RoleName = Literal["cache", "record", "token", "counter", "lock", "configuration", "unknown"]
Confidence = Literal["low", "medium", "high"]
CONFIDENCES: tuple[Confidence, ...] = ("low", "medium", "high")


@dataclass(frozen=True)
class Role:
    """`why` is a sentence that says what the source shows."""

    name: RoleName
    confidence: Confidence
    why: str


_TOKEN = re.compile(
    r"(?i)session|token|oauth|(?<![a-z])auth(?!or)|grant|nonce|(?<![a-z])otp|csrf|jwt|login|magic"
    r"|verif|challenge|signing|secret|credential|password|passkey|invit|clearance|api_?key|client:"
)
_LOCK = re.compile(r"(?i)(?<![bc])lock(?!out)|mutex|lease(?!d)|semaphore")
_COUNTER = re.compile(
    r"(?i)count|(?<![a-z])hits|views|visits|rate_?limit|(?<![a-z])rate:|limits?(?![a-z])|quota"
)
_SETTINGS = re.compile(
    r"(?i)config|setting|flags?(?![a-z])|feature|branding|preference|manifest"
    r"|(?<![a-z])(?:lang|locale|theme|timezone|profile)(?![a-z])"
)
_CACHE = re.compile(r"(?i)cach|memoi?[sz]?")
_KEY_MADE = re.compile(r"(?i)generate(?:Key|Secret)|getRandomValues")
_ACTING = re.compile(
    r"(?:^_?(?:create|insert|register|submit|charge|enqueue)"
    r"|[a-z](?:Create|Insert|Register|Submit|Charge|Enqueue))"
    r"(?!Completion|Chat|Embedding|Response|Image|Summary)[A-Z]"
)
_MAKES = re.compile(r"[\"'`]POST[\"'`]|\bINSERT (?:OR \w+ )?INTO\b|\.(?:insert|create|send)\(")
_LONGEST = 2000  # characters of a routine that are searched for sums
_NUMBER = re.compile(r"(?i)parseInt|Number\(|\+\+|\+=|\+\s*1\b|count|increment")


class Roles:
    def __init__(self, examined: "Examination", flow: Flow, pairs: Pairs) -> None:
        self._examined = examined
        self._flow = flow
        self._pairs = pairs
        self._known: dict[tuple[str, str], Role] = {}

    def family(self, operation: Operation) -> tuple[str, str]:
        """The namespace and the pattern of the keys."""
        key = operation.key
        if operation.method == "list":
            prefix = self._examined.values.option(operation.call, 0, "prefix")
            if not isinstance(prefix, Node):
                return operation.namespace, "*"
            return operation.namespace, self._flow.pattern(prefix).rstrip("*") + "*"
        return operation.namespace, self._flow.pattern(key)

    def of(self, operation: Operation) -> Role:
        family = self.family(operation)
        if family not in self._known:
            self._known[family] = self._classify(family, operation)
        return self._known[family]

    def is_cache(self, operation: Operation) -> bool:
        return self.of(operation).name == "cache"

    def operations(self, operation: Operation) -> list[Operation]:
        """All operations on the family of one."""
        return self._families[self.family(operation)]

    @cached_property
    def _families(self) -> dict[tuple[str, str], list[Operation]]:
        found = defaultdict(list)
        for each in self._examined.operations:
            found[self.family(each)].append(each)
        return found

    @cached_property
    def _paired(self) -> dict[tuple[str, str], list[Pair]]:
        found = defaultdict(list)
        for pair in self._pairs.all:
            for family in {self.family(pair.read.operation), self.family(pair.write.operation)}:
                found[family].append(pair)
        return found

    def _classify(self, family: tuple[str, str], operation: Operation) -> Role:
        pairs = self._paired.get(family, [])
        fills = [each for each in pairs if not each.derived]
        changes = [each for each in pairs if each.derived]
        names = f"{family[0]} {family[1]}"
        if fills and (filled := self._filled(fills, changes, names)) is not None:
            return filled
        if changes:
            return self._changed(changes, names)
        return self._named(family, operation, names)

    def _filled(self, fills: list[Pair], changes: list[Pair], names: str) -> Role | None:
        if any(self._is_minted(each) for each in fills):
            role: RoleName = "token" if _TOKEN.search(names) else "record"
            return Role(role, "high", "what is stored on a miss is random: it cannot be made again")
        if _LOCK.search(names):
            return Role("lock", "medium", "it is called a lock")
        if changes and _COUNTER.search(names):
            return Role("counter", "medium", "it is counted up and called a counter")
        if any(self._acts(each) for each in fills):
            return Role("record", "medium", "what is stored is what was made on the way")
        if changes and not _CACHE.search(names):
            return None  # of what is changed in place nobody knows an origin
        loaded = [each for each in fills if self._is_loaded(each)]
        if loaded:
            return Role("cache", "high", "a miss is loaded and written back")
        return None

    def _changed(self, changes: list[Pair], names: str) -> Role:
        if _TOKEN.search(names):
            return Role("token", "medium", "it is renewed in place and called a token or session")
        routines = " ".join(text(each.routine)[:_LONGEST] for each in changes)
        if _COUNTER.search(names) or _NUMBER.search(routines):
            return Role("counter", "high", "a number is read, changed and written back")
        return Role("record", "high", "a value is read, changed and written back")

    def _named(self, family: tuple[str, str], operation: Operation, names: str) -> Role:
        for pattern, name, said in (
            (_TOKEN, "token", "it is called a token, session or credential"),
            (_LOCK, "lock", "it is called a lock"),
            (_COUNTER, "counter", "it is called a counter or limit"),
        ):
            if pattern.search(names):
                return Role(name, "medium", said)  # type: ignore[arg-type]
        writes = [each for each in self._families[family] if each.method == "put"]
        if any(self._mints(each.value) for each in writes):
            return Role("token", "medium", "what is stored is random: it cannot be made again")
        moments = any(_is_moment(self._flow.origins(each.value)) for each in writes)
        if moments and "*" in family[1]:
            return Role(
                "record", "medium", "what is stored is a moment, which nobody can load again"
            )
        if _CACHE.search(names):
            return Role("cache", "medium", "it is called a cache")
        if writes and all(_is_asked(self._flow.origins(each.value)) for each in writes):
            return Role("record", "medium", "what is written is what the request brings")
        reads = [each for each in self._families[family] if each.method.startswith("get")]
        if reads and all(_has_default(each.call) for each in reads):
            return Role("record", "medium", "a miss is answered by a default")
        if _SETTINGS.search(names) or "*" not in family[1]:
            return Role("configuration", "medium", "one fixed key, or called a setting")
        if any(_CACHE.search(each) for each in _around(operation)):
            if family[1] == "*" or any(map(_CACHE.search, _classes_around(operation))):
                return Role(
                    "cache", "medium", "its class, or what takes any key, is called a cache"
                )
            return Role("cache", "low", "only the code around it is called a cache")
        return Role("unknown", "low", "the source does not show what a miss means")

    def _acts(self, pair: Pair) -> bool:
        """Between the look and the write something is made: `await createOrder(…)`.

        Whoever forgets that it was made makes another one; nothing is loaded.
        """
        between = range(pair.read.call.end_byte, pair.write.call.start_byte)
        calls = (
            call
            for call in below(pair.routine, "call_expression")
            if call.start_byte in between and _ACTING.search(callee(call))
        )
        made = (function for call in calls for function in self._examined.kinds.callees(call))
        return any(_MAKES.search(text(each)) for each in made)

    def _is_minted(self, pair: Pair) -> bool:
        origins = {o for value in self._values(pair) for o in self._flow.origins(value)}
        if any(o.kind == "minted" and _KEY_MADE.search(o.text) for o in origins):
            return True  # an account or a certificate made with it is not to be had again
        kinds = {o.kind for o in origins}
        return "minted" in kinds and "load" not in kinds

    def _values(self, pair: Pair) -> list[Node]:
        """What is written, as the caller gives it and as the helper makes it."""
        own = pair.write.operation.value
        given = [each for each in pair.write.values if each not in pair.write.keys]
        return [*given, *([own] if own is not None else [])]

    def _is_loaded(self, pair: Pair) -> bool:
        """Made by a call whose result is not at hand: a load, or a function that was handed in."""
        origins = {o for value in self._values(pair) for o in self._flow.origins(value)}
        if any(o.kind == "load" for o in origins):
            return True
        return any(o.kind == "called" for o in origins) and not _is_asked(origins)

    def _mints(self, value: Node | None) -> bool:
        return any(origin.kind == "minted" for origin in self._flow.origins(value))


def is_called_token(words: str) -> bool:
    """Named like a session, a token or a credential."""
    return _TOKEN.search(words) is not None


def _is_moment(origins: Collection[Origin]) -> bool:
    return bool(origins) and all(each.kind == "time" for each in origins)


def _is_asked(origins: Collection[Origin]) -> bool:
    """Something of the request's body, which nobody could load again."""
    return any(o.kind == "request" and _BODY.search(o.text) for o in origins)


_BODY = re.compile(r"\.body\b")


def _has_default(read: Node) -> bool:
    """`(await kv.get(key)) ?? []`."""
    for above in ancestors(read):
        if above.type == "binary_expression":
            right = part(above, "right")
            loads = right is not None and any(below(right, "call_expression", "await_expression"))
            return text(part(above, "operator")) in ("??", "||") and not loads
        if above.type not in ("await_expression", "parenthesized_expression", "as_expression"):
            return False
    return False


def _classes_around(operation: Operation) -> list[str]:
    around = (each for each in ancestors(operation.call) if each.type in CLASSES)
    return [text(part(each, "name")) for each in around]


def _around(operation: Operation) -> list[str]:
    """The names of the file and of the functions and classes that an operation stands in."""
    names = [operation.module.path.rpartition("/")[2]]
    for above in ancestors(operation.call):
        if above.type == "variable_declarator":
            names.append(text(part(above, "name")))
        elif above.type in FUNCTIONS:
            names.append(function_name(above))
        elif above.type in CLASSES:
            names.append(text(part(above, "name")))
    return names
