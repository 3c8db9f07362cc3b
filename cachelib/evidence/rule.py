"""What a rule of the audit is: what it looks for, why it matters, what repairing it changes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.module import Module
from cachelib.evidence.roles import Confidence

Severity = Literal["note", "warning", "error"]
SEVERITIES: tuple[Severity, ...] = ("note", "warning", "error")  # from the mildest


@dataclass(frozen=True)
class Counterfactual:
    """The repair as a change of one policy of the edge model.

    Run the case with `fault` and with `fix` in the place of `policy`, the rest alike: the
    differences of `metrics` are what the fault costs. The words are those of the model's expiry
    and access policies; whoever runs the model translates them into its parameters.
    """

    policy: Literal[
        "kv_expiration",
        "kv_refresh",
        "clean_up",
        "expiry_check",
        "promotion",
        "cache_ttl",
        "object_shards",
        "object_storage",
    ]
    fault: str
    fix: str
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class NotModelled:
    """Why no number is computed for a rule."""

    reason: str


@dataclass(frozen=True)
class Harm:
    """What a rule's fault does in some places only: told instead of `why`."""

    why: str
    counterfactual: Counterfactual | NotModelled


@dataclass(frozen=True)
class Edit:
    """Bytes of a source to replace."""

    start: int
    end: int
    replacement: str


@dataclass(frozen=True)
class Hit:
    """A fault found: in a source at a node, or (without one) in the configuration at a line.

    `because` says what the confidence rests on; `harm`, one of its rule's, what it does here.
    """

    message: str
    node: Node | None = None
    module: Module | None = None
    line: int = 1
    edits: tuple[Edit, ...] = ()
    confidence: Confidence = "high"
    because: str = ""
    harm: Harm | None = None


@dataclass(frozen=True)
class Rule:
    """`fires` and `quiet` are sources for which the rule reports something and nothing.

    `why` states the vendor's facts it rests on, `source` where they are written.
    """

    id: str
    severity: Severity
    title: str
    why: str
    source: str
    counterfactual: Counterfactual | NotModelled
    find: Callable[[Examination], Iterator[Hit]]
    fires: str
    quiet: str
    configuration: str = field(default="")
    harms: tuple[Harm, ...] = ()
