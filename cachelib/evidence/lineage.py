"""The classes of a program: what they extend, their members, the values their fields are given."""

from collections.abc import Callable, Iterator

from tree_sitter import Node

from cachelib.evidence.functions import parameters
from cachelib.evidence.module import FUNCTIONS
from cachelib.evidence.program import Program
from cachelib.evidence.syntax import below, part, text

_DEEPEST = 40


class Lineage:
    def __init__(self, program: Program, names: Callable[[Node | None, str], set[str]]) -> None:
        """`names` gives the keys of the classes that an expression may stand for."""
        self.program = program
        self._names = names

    def of(self, class_: str) -> Iterator[str]:
        """A class of the program and what it extends."""
        seen: set[str] = set()
        while class_ in self.program.classes and class_ not in seen and len(seen) < _DEEPEST:
            yield class_
            seen.add(class_)
            class_ = self._extended(self.program.classes[class_])

    def _extended(self, class_: Node) -> str:
        """The key of the class in the `extends` of another, where the program has it."""
        for child in class_.named_children:
            if child.type == "class_heritage":
                base = next(below(child, "identifier"), None)
                return min(self._names(base, "class"), default="")
        return ""

    def fields(self, class_: str, name: str) -> list[Node]:
        """The members of that name, of the class or of what it extends."""
        for each in self.of(class_):
            if (each, name) in self.program.members:
                return self.program.members[each, name]
        return []

    def methods(self, class_: str, name: str) -> list[Node]:
        """The methods of that name, and the functions held in fields."""
        members = [part(each, "value") or each for each in self.fields(class_, name)]
        return [each for each in members if each.type in FUNCTIONS]

    def held(self, class_: str, name: str) -> list[Node]:
        """The values that a field is given: where declared, and wherever it is assigned."""
        found = [each for key in self.of(class_) for each in self.program.assigned[key, name]]
        values = [part(each, "value") for each in self.fields(class_, name)]
        return found + [each for each in values if each is not None]

    def parameter_properties(self, class_: str, name: str) -> list[Node]:
        """`constructor(private readonly kv: KVNamespace)`."""
        constructors = self.fields(class_, "constructor")
        return [
            parameter
            for constructor in constructors
            for parameter in parameters(constructor)
            if text(part(parameter, "pattern")) == name
            and any(
                child.type in ("accessibility_modifier", "readonly") for child in parameter.children
            )
        ]
