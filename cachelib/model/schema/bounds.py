"""What a YAML file may hold, looked at before anything is made of it."""

from __future__ import annotations

from collections.abc import Iterator

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from cachelib.model.schema.characters import unfit

MOST_PARTS = 100_000
"""Of a file with every reference in it written out: a few lines may stand for billions."""
LONGEST_NUMBER = 40

Fault = tuple[int, str]
"""A line, and what is wrong there."""


def faults(tree: Node) -> list[Fault]:
    """Everything that makes a file unfit to be read."""
    return list(_too_large(tree)) or list(_unfit(tree))


def _too_large(tree: Node) -> Iterator[Fault]:
    try:
        if _size(tree, {}) > MOST_PARTS:
            most = f"at most {MOST_PARTS:,} are read"
            yield _line(tree), f"with its references written out it has too many parts; {most}"
    except _CycleError as error:
        yield error.line, "refers to itself; write out what is meant"


class _CycleError(ValueError):
    def __init__(self, line: int) -> None:
        self.line = line


def _size(node: Node, known: dict[int, int | None]) -> int:
    """How many parts a node has, each as often as it is referred to."""
    if id(node) not in known:
        known[id(node)] = None
        known[id(node)] = 1 + sum(_size(child, known) for child in _children(node))
    size = known[id(node)]
    if size is None:
        raise _CycleError(_line(node))
    return size


def _unfit(tree: Node) -> Iterator[Fault]:
    seen: set[int] = set()
    todo = [tree]
    while todo:
        node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        todo += _children(node)
        if isinstance(node, ScalarNode):
            is_number = str(node.tag).endswith((":int", ":float"))
            if is_number and len(node.value) > LONGEST_NUMBER:
                said = f"a number of {len(node.value):,} characters; at most {LONGEST_NUMBER}"
                yield _line(node), said
            elif (why := unfit(node.value)) is not None:
                yield _line(node), why


def _children(node: Node) -> list[Node]:
    if isinstance(node, MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, SequenceNode) else []


def _line(node: Node) -> int:
    line: int = node.start_mark.line + 1
    return line
