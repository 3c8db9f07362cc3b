"""Which calls reach a function, and which functions a call may reach."""

from collections import defaultdict
from collections.abc import Callable

from tree_sitter import Node

from cachelib.evidence.declared import Kinds, class_kind
from cachelib.evidence.functions import function_name
from cachelib.evidence.lineage import Lineage
from cachelib.evidence.module import CLASSES
from cachelib.evidence.program import Program, function_of
from cachelib.evidence.syntax import enclosing, part, text


class Calls:
    """By what the expressions stand for, not by name alone."""

    def __init__(
        self,
        program: Program,
        lineage: Lineage,
        kinds: Callable[[Node | None], Kinds],
        names: Callable[[Node | None, str], set[str]],
    ) -> None:
        """`kinds` and `names` say what an expression stands for."""
        self.program = program
        self.functions: dict[str, Node] = {}  # by the name that a kind calls them
        self._kinds = kinds
        self._names = names
        self._lineage = lineage
        self._callers: dict[str, dict[int, list[Node]]] = {}

    def callers(self, function: Node) -> list[Node]:
        name = function_name(function)
        if not name:
            return []
        if name == "constructor":
            return self._constructions(enclosing(function, CLASSES))
        if name not in self._callers:
            self._callers[name] = self._callers_by_function(name)
        return self._callers[name].get(function.id, [])

    def _constructions(self, class_: Node | None) -> list[Node]:
        calls = self.program.calls_by_name[text(part(class_, "name"))]
        return [call for call in calls if self._kinds(call) == class_kind(class_)]

    def _callers_by_function(self, name: str) -> dict[int, list[Node]]:
        found: dict[int, list[Node]] = defaultdict(list)
        for call in self.program.calls_by_name[name]:
            for function in self.callees(call) if call.type == "call_expression" else []:
                found[function.id].append(call)
        return found

    def callees(self, call: Node) -> list[Node]:
        """The functions of the program that a call may reach."""
        called = function_of(call)
        return self.reached(called) if called is not None else []

    def reached(self, called: Node) -> list[Node]:
        found = [self.functions[name] for name in sorted(self._names(called, "function"))]
        if called.type == "member_expression":
            name = text(part(called, "property"))
            for class_ in sorted(self._names(part(called, "object"), "class")):
                found += [each for each in self._lineage.methods(class_, name) if each not in found]
        return found
