"""Where stores may lie and the Worker may run, as the report tells it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from cachelib.model.judgement.decision import Decision
from cachelib.model.judgement.model import Model
from cachelib.model.judgement.options import options
from cachelib.model.judgement.placement import placements
from cachelib.report.publish.diagrams import architecture, scenario
from cachelib.report.publish.placement import placement_table, runs
from tests.model.cases import small

TTLS = {"l1_ttl_s": 300.0, "l2_ttl_s": 3_600.0}


def decided(**changes: Any) -> Decision:
    study = small(designs=["kv-only", "l1-only"], **changes)
    model = Model(study, tuple(options(study)))
    found = placements(model, model.options)
    return cast(Decision, SimpleNamespace(study=study, placements=found))


def test_a_case_that_places_nothing_speaks_of_stores_alone() -> None:
    here = decided()
    table = placement_table(here)
    assert not runs(here)
    assert table.index.names == ["store", "in"]
    assert {what for what, _ in table.index} == {"Workers KV"}


def test_a_worker_that_is_placed_has_rows_of_its_own() -> None:
    here = decided(platform={"worker_at": "FRA", "origin_at": "weur"})
    table = placement_table(here)
    assert runs(here)
    assert {what for what, _ in table.index} == {"Workers KV", "The Worker", "The origin"}
    places = [place for what, place in table.index if what == "The Worker"]
    assert places == ["FRA (as assumed)", "near each reader", "SJC", "IAD", "SIN"]


def test_diagrams_show_where_it_runs() -> None:
    study = decided(platform={"worker_at": ["FRA", "SYD"]}).study
    design = study.case.design("l1-only").model_copy(update=TTLS)
    drawn = architecture(study, design, "x.drawn")
    assert [node.label for node in drawn.layers[1]] == ["FRA: 2 isolates"]
    assert "reach 1 data centre " in drawn.alt
    asked = scenario(study, design, "x.asked")
    assert {node.label for node in asked.participants if node.id[0] == "w"} == {"Worker in FRA"}
