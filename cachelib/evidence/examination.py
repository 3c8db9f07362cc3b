"""What the rules ask of a program: KV operations, where they stand, what a call reaches."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property

from tree_sitter import Node

from cachelib.evidence.flow import Flow
from cachelib.evidence.functions import callback_of, owner_function
from cachelib.evidence.kinds import Resolver
from cachelib.evidence.module import FUNCTIONS, LOOPS, Module
from cachelib.evidence.operations import KV_METHODS, Operation
from cachelib.evidence.pairs import Pairs
from cachelib.evidence.program import Program, callee, receiver_of
from cachelib.evidence.roles import Roles
from cachelib.evidence.syntax import ancestors, below, inside, part, preorder, text
from cachelib.evidence.values import Values
from cachelib.evidence.wrangler import Wrangler

_ITERATING = {"map", "forEach", "filter", "flatMap", "reduce", "some", "every", "setInterval"}
_CONTINUING = _ITERATING | {"then", "catch", "finally", "waitUntil", "blockConcurrencyWhile"}
_DEEPEST_CALL = 6


class Examination:
    def __init__(
        self,
        program: Program,
        config: Wrangler | None,
        configured: dict[str, str],
        declared: dict[str, str] | None = None,
        *,
        has_entry: bool = True,
        beside: Sequence[Module] = (),
    ):
        """The names of bindings with their kinds: over all environments, and in *.d.ts files.

        `has_entry` says whether the entry itself is among the sources, and not built from them;
        `beside` are the sources of its folder that it does not run.
        """
        self.has_entry = has_entry
        self.beside = beside
        self.program = program
        self.config = config
        self.configured = configured
        self.kinds = Resolver(program, configured, declared)
        self.values = Values(self.kinds)
        self.flow = Flow(self.kinds)
        self.pairs = Pairs(self, self.flow)
        self.roles = Roles(self, self.flow, self.pairs)
        self._reached: dict[int, list[Operation]] = {}
        self._loops: dict[int, Node | None] = {}
        self._routines: dict[int, Node | None] = {}

    @cached_property
    def operations(self) -> list[Operation]:
        found = []
        for module, call in self.program.calls_of(*KV_METHODS):
            if receiver := receiver_of(call):
                names = self.kinds.names(receiver, "kv")
                if names:
                    found.append(Operation(module, call, callee(call), frozenset(names)))
        return found

    def of(self, *methods: str) -> Iterator[Operation]:
        if len(methods) == 1:
            return iter(self._by_method[methods[0]])
        return (each for each in self.operations if each.method in methods)

    @cached_property
    def _by_method(self) -> dict[str, list[Operation]]:
        found: dict[str, list[Operation]] = defaultdict(list)
        for each in self.operations:
            found[each.method].append(each)
        return found

    @cached_property
    def reads(self) -> list[Operation]:
        return list(self.of("get", "getWithMetadata"))

    def reads_beside(self, operation: Operation) -> list[Operation]:
        """The reads of the same namespace in the same routine."""
        routine = self.routine(operation.call)
        beside = self._reads_by_routine.get(routine.id, []) if routine is not None else []
        return [get for get in beside if get.shares_namespace(operation)]

    @cached_property
    def _reads_by_routine(self) -> dict[int, list[Operation]]:
        found: dict[int, list[Operation]] = defaultdict(list)
        for get in self.reads:
            if (routine := self.routine(get.call)) is not None:
                found[routine.id].append(get)
        return found

    def mentions(self, name: str) -> bool:
        """Whether any source of the Worker's folder has the name, be it run or not."""
        return self.program.mentions(name) or any(name in each.source for each in self.beside)

    def module_of(self, node: Node) -> Module:
        return self.program.by_path[self.program.path_of(node)]

    # -- where a node stands -------------------------------------------------------------------

    def loop(self, node: Node) -> Node | None:
        """The innermost code around a node that runs many times, within its function.

        A loop statement or a callback of map, forEach …
        """
        if node.id not in self._loops:
            self._loops[node.id] = self._loop_around(node)
        return self._loops[node.id]

    def _loop_around(self, node: Node) -> Node | None:
        below_ = node
        for above in ancestors(node):
            if above.type in LOOPS and _repeats(above, below_):
                return above
            if above.type in FUNCTIONS:
                if callback_of(above) not in _ITERATING:
                    return None
                return above
            below_ = above
        return None

    def routine(self, node: Node) -> Node | None:
        """The function a node belongs to; callbacks of then, map … belong to the one around."""
        if node.id not in self._routines:
            self._routines[node.id] = self._routine_around(node)
        return self._routines[node.id]

    def _routine_around(self, node: Node) -> Node | None:
        function = owner_function(node)
        while function is not None and callback_of(function) in _CONTINUING:
            outer = owner_function(function)
            if outer is None:
                break
            function = outer
        return function

    def varies(self, node: Node | None, loop: Node) -> bool:
        """Whether a value changes from one round of a loop to the next."""
        computed = ("call_expression", "new_expression", "update_expression")
        return node is not None and (self.varies_by_name(node, loop) or any(below(node, *computed)))

    def _made_in(self, name: Node, loop: Node) -> bool:
        definition = self.program.look_up(text(name), name)
        if definition is not None and inside(definition.owner, loop):
            return True
        return any(
            text(part(change, "left") or part(change, "argument")) == text(name)
            for change in preorder(loop)
            if change.type
            in ("assignment_expression", "augmented_assignment_expression", "update_expression")
        )

    def varies_by_name(self, node: Node | None, loop: Node) -> bool:
        """Whether it is made of something that the loop itself provides."""
        return node is not None and any(
            self._made_in(name, loop) for name in below(node, "identifier")
        )

    # -- what a call reaches -------------------------------------------------------------------

    def reached(self, function: Node, depth: int = 0) -> list[Operation]:
        """The KV operations a function performs, its own and those of what it calls."""
        if function.id not in self._reached:
            self._reached[function.id] = []
            called = [
                operation
                for call in below(function, "call_expression")
                if depth < _DEEPEST_CALL
                for each in self.kinds.callees(call)
                for operation in self.reached(each, depth + 1)
            ]
            self._reached[function.id] = self._performed[function.id] + called
        return self._reached[function.id]

    @cached_property
    def _performed(self) -> dict[int, list[Operation]]:
        """The operations that stand in a function, callbacks included."""
        found: dict[int, list[Operation]] = defaultdict(list)
        for operation in self.operations:
            for above in ancestors(operation.call):
                if above.type in FUNCTIONS:
                    found[above.id].append(operation)
        return found

    def performed_by_call(self, call: Node) -> list[Operation]:
        """The operations that stand in the functions a call may reach."""
        return [each for f in self.kinds.callees(call) for each in self.performed_by(f)]

    def performed_by(self, function: Node) -> list[Operation]:
        """The operations that stand in the function itself."""
        return self._performed[function.id]

    def calls_in(self, function: Node) -> Iterator[Node]:
        return below(function, "call_expression")

    def reached_by(self, call: Node) -> list[Operation]:
        return [each for function in self.kinds.callees(call) for each in self.reached(function)]


def _repeats(loop: Node, child: Node) -> bool:
    """The head of `for (const key of await kv.get(…))` runs once."""
    once = ("right", "left", "initializer")
    return not any(part(loop, field) == child for field in once)
