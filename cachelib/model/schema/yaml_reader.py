"""YAML as data, and nothing that runs: the one reader for all that people write."""

from __future__ import annotations

import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.nodes import ScalarNode

_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def reader() -> YAML:
    """A reader of YAML and JSON; of the latter, pairs of halves become characters, too."""
    made = YAML(typ="safe", pure=True)
    made.Composer = _Composer
    return made


class _Composer(Composer):
    def compose_scalar_node(self, anchor: Any) -> ScalarNode:
        node: ScalarNode = super().compose_scalar_node(anchor)
        node.value = joined(node.value)
        return node


def joined(text: str) -> str:
    r"""JSON writes what is beyond U+FFFF as two halves: `"\ud83d\ude00"` is one character."""
    return _PAIR.sub(
        lambda two: two.group().encode("utf-16", "surrogatepass").decode("utf-16"), text
    )
