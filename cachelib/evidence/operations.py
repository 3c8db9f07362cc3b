"""A call of a KV namespace."""

from dataclasses import dataclass

from tree_sitter import Node

from cachelib.evidence.module import Module
from cachelib.evidence.program import arguments, receiver_of
from cachelib.evidence.syntax import text

KV_METHODS = ("get", "getWithMetadata", "put", "delete", "list")


@dataclass(frozen=True, eq=False)
class Operation:
    """A call of a KV namespace."""

    module: Module
    call: Node
    method: str
    namespaces: frozenset[str]

    @property
    def key(self) -> Node | None:
        return next(iter(arguments(self.call)), None)

    @property
    def value(self) -> Node | None:
        given = arguments(self.call)
        return given[1] if len(given) > 1 else None

    @property
    def namespace(self) -> str:
        """Its name where known, else how the source calls it."""
        named = sorted(name for name in self.namespaces if name)
        return named[0] if named else text(receiver_of(self.call))

    def shares_namespace(self, other: "Operation") -> bool:
        if self.namespaces - {""} and other.namespaces - {""}:
            return bool(self.namespaces & other.namespaces - {""})
        return True
