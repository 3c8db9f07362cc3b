"""The parameters of every notebook: declared, typed and bounded here and nowhere else."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, ValidationError
from ruamel.yaml.error import YAMLError

from cachelib.model.case import beside, overrides
from cachelib.model.case.case import Case, case_schema, handed_down, load_case
from cachelib.model.case.designs import barred
from cachelib.model.case.names import ASSUMPTIONS
from cachelib.model.case.overrides import ParameterError as ParameterError
from cachelib.model.case.ready_made import find_case
from cachelib.model.platforms.platform import Routing
from cachelib.model.schema.bounds import faults
from cachelib.model.schema.characters import unfit
from cachelib.model.schema.strict import Strict
from cachelib.model.schema.typed_yaml import nearest, read
from cachelib.model.schema.yaml_reader import reader

if TYPE_CHECKING:
    from cachelib.model.judgement.study import Study

Isolates = Annotated[int, Field(ge=1, le=10_000)]


class Parameters(Strict):
    """What `-p NAME=VALUE` and a notebook's parameters cell may set."""

    case: str | dict[str, Any] = Field(
        "trading-sentiment", description="a ready-made case, a path, or a case that is settled"
    )
    trace: str | None = Field(None, description="a request log instead of generated traffic")
    seed: int = Field(1, ge=0, lt=2**32)
    routing: Routing = Field(
        "random", description="how a data centre spreads requests over its isolates"
    )
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


OF_THE_CASE = ("requests_per_month", *ASSUMPTIONS)
"""Numbers of the case that a notebook run by itself takes, too."""


def check(values: Mapping[str, Any]) -> Parameters:
    """The typed parameters; raises `ParameterError` naming each that is wrong."""
    try:
        return Parameters.model_validate(values)
    except ValidationError as error:
        raise ParameterError("\n".join(_said(item) for item in error.errors())) from None


def _said(item: Any) -> str:
    name = ".".join(map(str, item["loc"]))
    if item["type"] != "extra_forbidden":
        said = item["msg"].replace("Input should be", "must be")
        return f"parameter {name}: {said}, not {item['input']!r}"
    return f"parameter {name}: unknown; {nearest(name, list(Parameters.model_fields))}"


def settable(name: str) -> dict[str, Any]:
    """Every name that can be set for a case, and what it stands at now, in words or a number.

    Raises `InvalidFileError`.
    """
    case = load_case(name)
    defaults = check({}).model_dump(mode="json", exclude={"case", "trace"})
    found = overrides.settable(case_schema(), beside.in_one_form(read(find_case(name))).data)
    for assumption, number in case.assumed.items():
        found[assumption] = f"{number.value:g} {number.unit} ({number.low:g} to {number.high:g})"
    return defaults | found


def parse_assignments(assignments: Sequence[str]) -> dict[str, Any]:
    """`NAME=VALUE` words as values, read as YAML does: numbers, lists, null, text."""
    return dict(map(_assignment, assignments))


def _assignment(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not value.strip():
        raise ParameterError(f"parameter {text!r}: write NAME=VALUE; NAME=null for none")
    try:
        return name.strip(), _read(value)
    except _UnfitError as error:
        raise ParameterError(f"-p {name.strip()}: {error}") from None


class _UnfitError(Exception):
    pass


def _read(value: str) -> Any:
    """As YAML reads it; what is no YAML is a text."""
    if (why := unfit(value)) is not None:
        raise _UnfitError(why)
    yaml = reader()
    try:
        tree = yaml.compose(value)
        for _, why in faults(tree) if tree else ():
            raise _UnfitError(why)
        return yaml.constructor.construct_document(tree) if tree else None
    except (YAMLError, ValueError, RecursionError):
        return value


def declared(source: str) -> list[str]:
    """The names that a parameters cell assigns."""
    return [
        target.id
        for statement in ast.parse(source).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    ]


@dataclass(frozen=True)
class Settled:
    """A run as one value: the case with everything set, and the parameters of its notebooks.

    `given`: what was set, by the names that it was set with; `name`: the case as it was named.
    """

    name: str
    case: Case
    parameters: Parameters
    given: Mapping[str, Any]
    barred: Mapping[str, str]
    """Designs that the platform does not allow: they are no options any more, for these reasons."""
    called: Mapping[str, str] = field(default_factory=dict)
    """How readers call these."""

    @property
    def file(self) -> Path:
        return find_case(self.name)

    @property
    def trace(self) -> Path | None:
        return Path(self.parameters.trace) if self.parameters.trace else None

    @property
    def outside(self) -> list[str]:
        """What was set past the range that the case gives for it, a sentence each."""
        case = self.case
        hours = {f"work of {name}": case.hours(name) for name in case.option_names}
        return [
            f"{name} at {number.value:,g}: {number.why}"
            for name, number in {**case.assumed, **case.all_knobs, **hours}.items()
            if number is not None
            and number.value is not None
            and number.why.startswith(overrides.OUTSIDE)
        ]

    @cached_property
    def study(self) -> Study:
        from cachelib.model.judgement.study import Study

        return Study(
            case=self.case,
            seed=self.parameters.seed,
            log=self.trace,
            routing=self.parameters.routing,
            folder=self.file.parent,
            barred={self.called[name]: why for name, why in self.barred.items()},
        )

    @property
    def of_notebooks(self) -> dict[str, Any]:
        """The given parameters that are notebooks' own, by name, as JSON has them."""
        own = self.parameters.model_dump(mode="json", exclude={"case"})
        return {name: own[name] for name in own if name in self.given}

    @property
    def for_kernels(self) -> dict[str, Any]:
        """What kernels get: the settled case itself, and no recipe for it."""
        settled = self.case.model_dump(mode="json", exclude_defaults=True)
        return {"case": {"file": self.name, "settled": settled}, **self.of_notebooks}


def settle(values: Mapping[str, Any]) -> Settled:
    """Everything set at once: names of `Parameters`, and any of the case; None is not set.

    Raises `ParameterError` or `InvalidFileError`.
    """
    values = {name: value for name, value in values.items() if value is not None}
    own = {name: values[name] for name in values if name in Parameters.model_fields}
    settings = {name: values[name] for name in values if name not in own}
    parameters = check(own)
    if parameters.trace and not _is_kept(Path(parameters.trace)):
        raise ParameterError(
            f"parameter trace: {parameters.trace}: is a pipe or a device, and a report reads its"
            " log many times: keep it in a file"
        )
    if isinstance(parameters.case, dict):
        name, case = _handed_down(parameters.case, settings)
    else:
        _refuse_unused(settings, parameters)
        name, case = parameters.case, load_case(parameters.case, settings)
    if "routing" in own:  # said of this run, it wins over what the case says
        platform = {key: value for key, value in case.platform.items() if key != "routing"}
        case = case.model_copy(update={"platform": platform})
    for design in parameters.live_designs:
        case.known_design(design)
    given = {name: value for name, value in values.items() if name != "case"}
    if parameters.trace and case.system.path:
        case = _sampled_as_configured(case, find_case(name).parent, Path(parameters.trace))
    out = barred(case)
    called = {each: case.words(each) for each in out}
    return Settled(name, _without(case, out), parameters, given, out, called)


def _is_kept(log: Path) -> bool:
    """Whether it can be read more than once; what is missing is told of later."""
    return log.is_file() or log.is_dir() or not log.exists()


def _sampled_as_configured(case: Case, folder: Path, log: Path) -> Case:
    """The case with the share of requests that its repository says its logs hold."""
    from cachelib.report.experiments.sampled_logs import (
        as_configured,  # the database is slow to import
    )

    repository = folder / str(case.system.path)
    if not repository.is_dir() or case.log.sample_rate is not None:
        return case
    return case.model_copy(update={"log": as_configured(case.log, [log], repository)})


def _without(case: Case, barred: Mapping[str, str]) -> Case:
    """The case with the options that its platform allows; raises `ParameterError` if none."""
    if not barred:
        return case
    names = [design if isinstance(design, str) else design.name for design in case.designs]
    pairs = zip(case.designs, names, strict=True)
    left = tuple(design for design, name in pairs if name not in barred)
    if not left:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in barred.items())
        raise ParameterError(f"designs: the platform allows none of them: {reasons}")
    return case.model_copy(update={"designs": left})


def _handed_down(case: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[str, Case]:
    if set(case) != {"file", "settled"}:
        raise ParameterError("parameter case: give a name, a path, or {file, settled}")
    name = str(case["file"])
    return name, handed_down(name, case["settled"], settings)


def _refuse_unused(settings: Mapping[str, Any], parameters: Parameters) -> None:
    """Raise `ParameterError` for what would be set and do nothing."""
    schema, others = case_schema(), list(Parameters.model_fields)
    for name in settings:
        section = overrides.section(name, schema, others)
        if section == "workload" and parameters.trace:
            raise ParameterError(f"-p {name}: does nothing; --trace takes the workload's place")
        if section == "log" and not parameters.trace:
            raise ParameterError(f"-p {name}: does nothing without --trace LOG")


def open_study(namespace: Mapping[str, Any]) -> Study:
    """The study that a notebook's parameters describe; called with its `globals()`."""
    own = {name: namespace[name] for name in Parameters.model_fields if name in namespace}
    numbers = {
        name: namespace[name]
        for name in OF_THE_CASE
        if isinstance(namespace.get(name), int | float | Mapping)
    }
    return settle(own | numbers).study


def slug(text: str) -> str:
    """A name fit for a file or folder."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "case"
