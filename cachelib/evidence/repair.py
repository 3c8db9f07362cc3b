"""A mechanical repair shown as a unified diff."""

from collections.abc import Sequence

from cachelib.evidence.mask import mask
from cachelib.evidence.program import Module
from cachelib.evidence.rule import Edit


def as_diff(module: Module, edits: Sequence[Edit]) -> str:
    """One hunk with a line of context on either side; credentials masked."""
    source = module.source.encode()
    first = source[: min(edit.start for edit in edits)].count(b"\n")
    last = source[: max(edit.end for edit in edits)].count(b"\n")
    begin = sum(len(line.encode()) + 1 for line in module.lines[:first])
    old = module.lines[first : last + 1]
    patched = "\n".join(old).encode()
    for edit in sorted(edits, key=lambda each: -each.start):
        start, end = edit.start - begin, edit.end - begin
        patched = patched[:start] + edit.replacement.encode() + patched[end:]
    new = patched.decode().split("\n")
    before = module.lines[max(0, first - 1) : first]
    after = module.lines[last + 1 : last + 2]
    around = len(before) + len(after)
    head = first + 1 - len(before)
    return mask(
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
