"""When a slow read asks the origin, too, is a knob: searched, shown, and refused where in vain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cachelib.model.case.case import case_schema, load_case
from cachelib.model.case.overrides import settable
from cachelib.model.judgement.knobs import tune
from cachelib.model.judgement.metrics import measure
from cachelib.model.judgement.options import options, simulate
from cachelib.model.judgement.study import Study
from cachelib.model.schema.typed_yaml import InvalidFileError, read
from cachelib.report.experiments.parameters import settle
from cachelib.report.publish.decision import settings
from tests.model.cases import small

HEDGED = {"name": "hedged", "tiers": ["kv"], "hedged": True}
KNOB = {"values": [40, 80, 160, 320, 640], "unit": "ms", "why": "w"}
LIVES = {name: {"value": 3_600, "values": [3_600], "why": "w"} for name in ("l1_ttl_s", "l2_ttl_s")}
NEWS = (Path("cases") / "news-workers.yaml").read_text("utf-8")


def racing(p99_ms: float, **more: Any) -> Study:
    limit = {"metric": "p99_ms", "at_most": p99_ms, "why": "w"}
    fast = {"value": 60, "low": 60, "high": 60, "unit": "ms", "why": "w"}
    return small(**{
        "designs": ["kv-only", HEDGED], "knobs": LIVES | {"hedge_after_ms": KNOB},
        "prices": {"origin.calls": 100_000}, "assumptions": {"origin_ms": fast},
        "criteria": {"minimise": "bill_usd", "limits": [limit]},
    } | more)  # fmt: skip


def test_the_latest_that_keeps_the_limit_is_found() -> None:
    """Each call costs, so the longer a read may take, the better, as long as 99 in 100 are fast."""
    study = racing(420)
    option = next(each for each in options(study) if each.name == "hedged")
    names = ["p99_ms", "bill_usd"]
    by_hand = {}
    for after_ms in KNOB["values"]:
        there = option.at(hedge_after_ms=after_ms)
        by_hand[after_ms] = measure(study, there, simulate(study, there), names)
    keeping = {ms: told["bill_usd"] for ms, told in by_hand.items() if told["p99_ms"] <= 420}
    assert 0 < len(keeping) < len(by_hand)
    found = tune(study, option, names)
    assert found.keeps
    assert found.option.settings["hedge_after_ms"] == min(keeping, key=lambda ms: keeping[ms])
    assert found.option.design.hedge_after_ms == found.option.settings["hedge_after_ms"]
    assert "time after which a slow read asks the origin, too " in (said := settings(found.option))
    assert said.partition("origin, too ")[2].startswith(f"{found.option.design.hedge_after_ms:g}")
    assert "\u00a0ms" in said


def test_what_is_not_hedged_is_not_turned() -> None:
    plain = next(each for each in options(racing(420)) if each.name == "kv-only")
    assert "hedge_after_ms" not in plain.settings
    assert not plain.design.races


def test_experiments_see_it_as_it_is_set_today() -> None:
    set_today = {"knobs": LIVES | {"hedge_after_ms": KNOB | {"value": 80}}}
    assert racing(420, **set_today).design("hedged").hedge_after_ms == 80
    assert racing(420).design("hedged").hedge_after_ms == 160
    assert racing(420).design("kv-only").hedge_after_ms is None


def test_what_is_there_can_be_set_anew_at_another_time() -> None:
    today = {"name": "there", "tiers": ["kv"], "hedge_after_ms": 640}
    study = racing(420, today=today, designs=["kv-only"])
    anew = next(each for each in options(study) if each.name == "there-set-anew")
    assert anew.design.races
    there = next(each for each in options(study) if each.is_today)
    assert there.design.hedge_after_ms == 640
    assert tune(study, anew, ["p99_ms", "bill_usd"]).option.settings["hedge_after_ms"] < 640


def test_a_hedged_design_and_a_plain_one_are_two_options() -> None:
    study = racing(420, today="kv-only", designs=[HEDGED])
    assert study.case.set_anew == "kv-only-set-anew"
    assert study.case.words("hedged") != study.case.words("kv-only")


def refused(tmp_path: Path, text: str) -> str:
    path = tmp_path / "case.yaml"
    path.write_text(text)
    with pytest.raises(InvalidFileError) as raised:
        load_case(path)
    return str(raised.value)


KNOB_LINE = "knobs:\n  hedge_after_ms: {values: [20, 50], unit: ms, why: w}"
DESIGN_LINE = "designs:\n  - {name: racing, tiers: [memory, kv], hedged: true}"


@pytest.mark.parametrize(
    ("changes", "line", "fault"),
    [
        ({"knobs:": KNOB_LINE}, "  hedge_after_ms",
         "nothing uses it: no design has read that asks the origin, too, when it is slow"),
        ({"designs:": DESIGN_LINE}, "  - {name: racing",
         "hedged: after how many milliseconds is not said: give the knob hedge_after_ms"),
        ({"knobs:": KNOB_LINE.replace("unit: ms, ", ""), "designs:": DESIGN_LINE},
         "  hedge_after_ms", "is in ms, not 's'; say unit: ms"),
        ({"knobs:": KNOB_LINE.replace("50", "70_000"), "designs:": DESIGN_LINE},
         "  hedge_after_ms", "must be 60,000 or less, not 70000"),
        ({"designs:": DESIGN_LINE.replace("[memory, kv]", "[memory]")}, "  - {name: racing",
         "hedged: it is a tier behind memory that the origin may outrun; there is none"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_where_it_is_said(
    tmp_path: Path, changes: dict[str, str], line: str, fault: str
) -> None:
    text = NEWS
    for old, new in changes.items():
        text = text.replace(f"\n{old}", f"\n{new}", 1)
    at = next(n for n, each in enumerate(text.splitlines(), 1) if each.startswith(line))
    said = refused(tmp_path, text)
    assert fault in said
    assert f"case.yaml:{at}:" in said


def test_it_can_be_set_for_a_run(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(NEWS.replace("knobs:", KNOB_LINE).replace("\ndesigns:", f"\n{DESIGN_LINE}", 1))
    assert "hedge_after_ms" in settable(case_schema(), read(path).data)
    case = settle({"case": str(path), "hedge_after_ms": 35}).study.case
    assert case.knobs["hedge_after_ms"].settings == [35]
    assert case.knobs["hedge_after_ms"].unit == "ms"
