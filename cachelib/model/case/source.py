"""Numbers of a case that stand in the user's source: checked against the line that says them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from operator import add, mul, sub, truediv
from pathlib import Path

from pydantic import Field

from cachelib.model.schema.strict import Strict

OPERATORS = {ast.Add: add, ast.Sub: sub, ast.Mult: mul, ast.Div: truediv}
DAILY = re.compile(r"\d{1,2} \d{1,2} \* \* \*")
DAY_S = 86_400.0
MOST_BYTES = 4 << 20
DEPTH = 20


class Said(Strict):
    """A line of the source, and what stands on it: an expression, a cron, or only words."""

    file: str
    line: int = Field(ge=1)
    says: str
    times: float = Field(default=1, description="the number is so many times what stands there")


def disagreement(said: Said, folder: Path, number: float | None) -> str | None:
    """How source and case differ, in words; `number`: the case's, None where words are enough."""
    path = (folder / said.file).resolve()
    if not path.is_relative_to(folder.resolve()):
        return f"{said.file!r} lies outside of the repository"
    try:
        if path.stat().st_size > MOST_BYTES:
            return f"{said.file}: larger than {MOST_BYTES >> 20} MiB"
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        return f"{said.file}: cannot be read: {error}"
    here = lines[said.line - 1] if said.line <= len(lines) else ""
    if said.says not in here:
        return f"{said.file}:{said.line} does not say {said.says!r}, but {here.strip()!r}"
    if number is None:
        return None
    found = _number(said.says, dict(_constants(lines)))
    if found is None:
        return f"{said.file}:{said.line}: {said.says!r} is no number that can be told from there"
    if abs(found * said.times - number) > 1e-9 * abs(number):
        return f"{said.file}:{said.line} says {found * said.times:g}, the case {number:g}"
    return None


def _constants(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        if found := re.match(r"\s*(?:export\s+)?const\s+([A-Z_][A-Z0-9_]*)\s*=\s*([^;]+);", line):
            yield found.group(1), found.group(2)


def _number(text: str, constants: dict[str, str], depth: int = 0) -> float | None:
    """The value of a constant expression; a daily cron as the seconds of a day."""
    if DAILY.fullmatch(text.strip("\"'")):
        return DAY_S
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return _value(tree, constants, depth)


def _value(node: ast.expr, constants: dict[str, str], depth: int) -> float | None:
    if depth > DEPTH:
        return None
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.Name) and node.id in constants:
        return _number(constants[node.id], constants, depth + 1)
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        left, right = (_value(part, constants, depth + 1) for part in (node.left, node.right))
        if left is None or right is None or (isinstance(node.op, ast.Div) and not right):
            return None
        return float(OPERATORS[type(node.op)](left, right))
    return None
