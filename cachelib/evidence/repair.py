"""A mechanical repair shown as a unified diff."""

from bisect import bisect_right
from collections.abc import Sequence

from tree_sitter import Node

from cachelib.evidence.mask import mask
from cachelib.evidence.module import Module
from cachelib.evidence.rule import Edit


def as_diff(module: Module, edits: Sequence[Edit]) -> str:
    """One hunk with a line of context on either side; credentials masked."""
    first = bisect_right(module.starts, min(edit.start for edit in edits)) - 1
    last = bisect_right(module.starts, max(edit.end for edit in edits)) - 1
    begin = module.starts[first]
    old = module.lines[first : last + 1]
    patched = "\n".join(old).encode()
    for edit in sorted(edits, key=lambda each: -each.start):
        start, end = edit.start - begin, edit.end - begin
        patched = patched[:start] + edit.replacement.encode() + patched[end:]
    old, new, same = _differing(old, patched.decode().split("\n"))
    first, last = first + same, first + same + len(old) - 1
    before = module.lines[max(0, first - 1) : first]
    after = [line for line in module.lines[last + 1 : last + 2] if last + 2 < len(module.lines)]
    around = len(before) + len(after)
    head = first + 1 - len(before)
    return module.fit(
        mask(
            "\n".join(
                [
                    f"--- a/{module.path}",
                    f"+++ b/{module.path}",
                    f"@@ -{head},{len(old) + around} +{head},{len(new) + around} @@",
                    *(f" {line}" for line in before),
                    *(f"-{line}" for line in old),
                    *(f"+{line}" for line in new),
                    *(f" {line}" for line in after),
                ]
            )
        )
    )


def _differing(old: list[str], new: list[str]) -> tuple[list[str], list[str], int]:
    """Without the lines that both begin or end with, and how many of them they begin with."""
    same = 0
    while old and new and old[0] == new[0]:
        old, new, same = old[1:], new[1:], same + 1
    while old and new and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    return old, new, same


def insert(at: int, words: str) -> Edit:
    return Edit(at, at, words)


def whole_lines(module: Module, node: Node) -> Edit:
    """Removes the lines a node stands on."""
    return Edit(module.starts[node.start_point.row], module.starts[node.end_point.row + 1], "")
