"""The chapter on Durable Objects: two stores are compared, and what else differs is said."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from cachelib.model.judgement import subject
from cachelib.report.document.material import Material
from cachelib.report.experiments import parameters
from cachelib.report.publish.findings import Table
from cachelib.report.publish.lives import unlike
from tests.model.cases import raw, small
from tests.report import sections
from tests.report.in_process import run_notebooks

SHORT = {"name": "kv-short", "label": "memory, then KV for a minute", "tiers": ["memory", "kv"],
         "l2_ttl_s": 60, "l1_ttl_s": 1}  # fmt: skip
AS_LONG = {"name": "kv-too", "tiers": ["memory", "kv"]}


@cache
def material(short: bool) -> Material:
    designs: list[Any] = ["durable-object", "l1-only", SHORT if short else AS_LONG]
    path = Path(mkdtemp()) / "case.yaml"
    path.write_text(json.dumps(raw(designs=designs)), "utf-8")
    few = {"traffic_factors": (0.1, 1)}
    settled = parameters.settle({"case": str(path), **few})
    runs, findings = run_notebooks(settled.for_kernels | few, only="06_durable_objects")
    return Material(settled.study, findings, runs)


@pytest.mark.parametrize("short", [True, False])
def test_two_that_keep_values_for_unlike_times_are_said_to(short: bool) -> None:
    found = material(short).findings["durable.designs"].finding
    told = sections.text(material(short), "durable_objects")
    said = ("values live 60 s in Workers KV and 1 h in Durable Objects here; in the memory before"
            " them 1 s and 5 min; most of the difference may come from that")  # fmt: skip
    for text in (found.caption.replace("\u00a0", " "), told.partition("*Table 1")[2]):
        assert (said in text.replace("Values live", "values live")) is short
    assert told.count("ost of the difference may come from that") == 2 * short


def test_how_long_each_keeps_values_stands_beside_it() -> None:
    table = material(short=True).findings["durable.designs"].expected(Table)
    names = [column.name for column in table.columns]
    shown = [dict(zip(names, row, strict=True)) for row in table.shown()]
    lives = [
        (row["option"], row["kept in the store for"], row["in memory for"])
        for row in json.loads(json.dumps(shown).replace("\\u00a0", " "))
    ]
    assert lives == [
        ("Workers KV alone", "60 s", "–"), ("Memory, then KV for a minute", "60 s", "1 s"),
        ("Durable Objects alone", "1 h", "–"), ("Memory, then Durable Objects", "1 h", "5 min"),
    ]  # fmt: skip


def test_what_is_refreshed_is_not_kept_as_long_as_what_ends_then() -> None:
    refreshed = {"name": "a", "tiers": ["kv"], "policy": "refresh"}
    study = small(designs=[refreshed, {"name": "b", "tiers": ["durable-object"]}])
    said = (unlike(study.design("a"), study.design("b")) or "").replace("\u00a0", " ")
    assert said.startswith("values live for ever, refreshed after 1 h, in Workers KV and 1 h in")
    assert unlike(study.design("b"), study.design("b")) is None


def test_what_a_label_names_is_not_said_of_the_store_without_its_memory() -> None:
    study = small(designs=["durable-object", SHORT])
    alone, fronted = subject.alone_and_behind_memory(study.design("kv-short"))
    assert (alone.words, fronted.words) == ("Workers KV alone", SHORT["label"])


def test_what_the_busiest_object_needs_is_said_to_be_an_average() -> None:
    told = sections.text(material(short=True), "durable_objects")
    assert "The busiest key needs 0.0002 % of that on average;" in told
    assert "a month on average, and sooner in hours and bursts that are above it." in told
