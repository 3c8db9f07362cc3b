"""The parameters of every notebook: declared, typed and bounded here and nowhere else."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cachelib.model.case.case import Case, find_case, load_case
from cachelib.model.schema.strict import Strict

if TYPE_CHECKING:
    from cachelib.model.judgement.study import Study

Isolates = Annotated[int, Field(ge=1, le=10_000)]
Traffic = Annotated[float, Field(gt=0, le=1e9)]


class Parameters(Strict):
    """What `-p NAME=VALUE` and a notebook's parameters cell may set."""

    case: str = Field("trading-sentiment", description="a ready-made case, or a path")
    trace: str | None = Field(None, description="a request log instead of generated traffic")
    seed: int = Field(1, ge=0, lt=2**32)
    routing: Literal["random", "round-robin", "hash"] = Field(
        "random", description="how a data centre spreads requests over its isolates"
    )
    requests_per_month: Traffic | None = Field(None, description="instead of the case's")
    isolates_per_colo: Isolates | None = Field(None, description="instead of the case's")
    l1_ttl_s: float | None = Field(None, gt=0, le=1e9, description="instead of the case's")
    l2_ttl_s: float | None = Field(None, gt=0, le=1e9, description="instead of the case's")
    value_life_s: float | None = Field(None, gt=0, le=1e9, description="instead of the case's")
    origin_ms: float | None = Field(None, ge=0, le=1e6, description="instead of the case's")
    isolate_counts: tuple[Isolates, ...] = Field(
        (1, 2, 4, 8, 16, 32), min_length=1, max_length=20, description="a sweep"
    )
    traffic_factors: tuple[Annotated[float, Field(gt=0, le=1e6)], ...] = Field(
        (0.01, 0.1, 1, 10, 100),
        min_length=1,
        max_length=20,
        description="a sweep",
    )
    ttl_factors: tuple[Annotated[float, Field(gt=0, le=1e6)], ...] = Field(
        (0.01, 0.1, 1, 10, 100),
        min_length=1,
        max_length=20,
        description="a sweep",
    )
    live_requests: int = Field(400, ge=0, le=100_000, description="on the real runtime; 0: none")
    live_designs: tuple[str, ...] = Field(
        ("l1-only", "l1-kv", "durable-object"), min_length=1, description="on the real runtime"
    )
    draws: int = Field(2000, ge=100, le=100_000, description="sets of assumptions tried")


ASSUMPTIONS = ("isolates_per_colo", "l1_ttl_s", "l2_ttl_s", "value_life_s", "origin_ms")


class ParameterError(ValueError):
    """A parameter that does not exist or does not fit."""


def check(values: Mapping[str, Any]) -> Parameters:
    """The typed parameters; raises `ParameterError` naming each that is wrong."""
    try:
        return Parameters.model_validate(values)
    except ValidationError as error:
        raise ParameterError("\n".join(_said(item) for item in error.errors())) from None


def _said(item: Any) -> str:
    name = ".".join(map(str, item["loc"]))
    if item["type"] != "extra_forbidden":
        return f"parameter {name}: {item['msg']}, not {item['input']!r}"
    near = get_close_matches(name, Parameters.model_fields, n=1)
    guess = f"did you mean {near[0]!r}? " if near else ""
    return f"parameter {name}: unknown; {guess}known: {', '.join(Parameters.model_fields)}"


def parse_assignments(assignments: Sequence[str]) -> dict[str, Any]:
    """`NAME=VALUE` words as values, read as YAML does: numbers, lists, null, text."""
    return dict(map(_assignment, assignments))


def _assignment(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ParameterError(f"parameter {text!r}: write NAME=VALUE")
    try:
        return name.strip(), YAML(typ="safe", pure=True).load(value)
    except YAMLError:
        return name.strip(), value


def declared(source: str) -> list[str]:
    """The names that a parameters cell assigns."""
    return [
        target.id
        for statement in ast.parse(source).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    ]


def open_study(namespace: Mapping[str, Any]) -> Study:
    """The study that a notebook's parameters describe; called with its `globals()`."""
    names = Parameters.model_fields.keys() & namespace.keys()
    return study(check({name: namespace[name] for name in names}))


def study(parameters: Parameters) -> Study:
    """The case with the parameters' overrides, and its traffic."""
    from cachelib.model.judgement.study import Study

    return Study(
        case=_overridden(load_case(parameters.case), parameters),
        seed=parameters.seed,
        log=Path(parameters.trace) if parameters.trace else None,
        routing=parameters.routing,
        folder=find_case(parameters.case).parent,
    )


def _overridden(case: Case, parameters: Parameters) -> Case:
    given = {name: getattr(parameters, name) for name in ASSUMPTIONS}
    case = case.with_assumed(**{name: v for name, v in given.items() if v is not None})
    traffic = parameters.requests_per_month
    if traffic is None:
        return case
    from cachelib.model.judgement.growth import grown_workload

    workload = grown_workload(case.workload, case.growth, traffic)
    return case.model_copy(update={"workload": workload})


def slug(text: str) -> str:
    """A name fit for a file or folder."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "case"
