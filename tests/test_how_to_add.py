"""Every example of docs/how-to-add.md does what the page says."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from click.testing import CliRunner
from pydantic import ValidationError
from ruamel.yaml import YAML

from cachelib.cli import main
from cachelib.evidence import audit, load_rules
from cachelib.model.case.case import Case, load_case
from cachelib.model.engines.replay import replay
from cachelib.model.judgement import metrics as judged
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.study import Study
from cachelib.model.money.prices import bill, monthly_bill
from cachelib.model.platforms.books import FOLDER, Meter, price_book
from cachelib.model.platforms.platform import Platform, Profile, profile
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.tiers.design import Design
from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs import formats, read_log
from cachelib.report.document.collect import Findings, Found
from cachelib.report.document.formats import FORMATS
from cachelib.report.document.formats.markdown import InMarkdown
from cachelib.report.document.material import Material
from cachelib.report.document.render import Document
from cachelib.report.publish.findings import MIME, parse
from cachelib.report.templates import markdown_environment
from tests.conftest import ROOT
from tests.guide import PAGE, SECTIONS, example, run
from tests.model.cases import small

SMALL = ROOT / "tests" / "report" / "small.yaml"


def data(section: str, number: int = 0) -> Any:
    return YAML(typ="safe", pure=True).load(example(section, "yaml", number))


@pytest.fixture
def study() -> Study:
    return Study(load_case(str(SMALL)))


def test_every_section_of_the_table_is_there_and_every_file_that_the_page_names() -> None:
    linked = re.findall(r"^\| \[(.*?)\]\(#", PAGE, re.MULTILINE)
    assert [title.lower() for title in SECTIONS] == linked
    yet_to_be_written = {
        "notebooks/10_bursts.ipynb", "templates/sections/bursts.md.j2",
        "tests/evidence/corpus/kv-key-of-the-moment.ts",
    }  # fmt: skip
    named = re.findall(r"`((?:cachelib|templates|tests|notebooks|docs)/[\w./-]+)`", PAGE)
    missing = {name for name in named if not (ROOT / name).exists()}
    assert missing == yet_to_be_written


class TestADesign:
    def test_of_a_case_is_an_option_of_it(self) -> None:
        raw = YAML(typ="safe", pure=True).load(SMALL.read_text("utf-8"))
        case = Case.model_validate(raw | data("A design"))
        assert case.design("patient").words == "memory, then KV, refreshed at half its life"
        assert case.options["patient"].hours is not None

    @pytest.mark.parametrize("place", ["of the case", "shipped"])
    def test_is_counted_alike_by_both_engines(self, place: str, study: Study) -> None:
        own = data("A design")["designs"][-1]
        line = example("A design", "python").rstrip().splitlines()[-1]
        design = Design(**own) if place == "of the case" else eval(line)  # noqa: S307 - our own page
        design = design.model_copy(update={"l1_ttl_s": 60.0, "l2_ttl_s": design.l2_ttl_s or 600.0})
        assert design.name not in BUILT_IN
        platform = Platform(isolates_per_colo=2, value_life_s=20_000)
        compiled, reference = (
            replay(study.trace, design, platform, seed=3, engine=engine)
            for engine in ("compiled", "reference")
        )
        assert compiled.counts == reference.counts
        assert compiled.counts["kv_reads"] > 0


def test_a_log_is_read_as_its_case_says(tmp_path: Path) -> None:
    log = tmp_path / "own.csv"
    log.write_text(example("A log format", "csv"))
    trace = read_log(log, Reading.model_validate(data("A log format")["log"]))
    assert len(trace) == 2
    assert set(trace.key.tolist()) == {0}
    assert sorted(trace.colos) == ["AMS", "FRA"]
    assert trace.size.tolist() == [512, 512]
    assert trace.time_s[1] - trace.time_s[0] == 9


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The table of formats with the page's entry, and nothing else of the code touched."""
    longer = tmp_path / "formats.yaml"
    longer.write_text(f"{formats.TABLE.read_text('utf-8')}\n{example('A log format', 'yaml', 1)}")
    monkeypatch.setattr(formats, "TABLE", longer)
    formats.formats.cache_clear()
    yield
    formats.formats.cache_clear()


def test_a_named_format_is_an_entry_and_nothing_else(table: None, tmp_path: Path) -> None:
    log = tmp_path / "tally.log"
    log.write_text(example("A log format", "text"))
    for reading in (Reading(), Reading(format="tally")):
        trace = read_log(log, reading)
        assert (trace.account and trace.account.format) == "tally"
        assert (trace.key.tolist(), trace.keys) == ([0, 1, 0], ["/quotes/GOOG", "/quotes/MSFT"])
        assert (trace.time_s[2] - trace.time_s[0], trace.colos) == (2, ["LHR"])
    raw = YAML(typ="safe", pure=True).load(SMALL.read_text("utf-8"))
    assert Case.model_validate(raw | {"log": {"format": "tally"}}).log.format == "tally"
    listed = CliRunner().invoke(main, ["log", "--formats"])
    assert "Tally" in listed.output


def test_a_case_that_names_no_format_is_told_which_there_are() -> None:
    raw = YAML(typ="safe", pure=True).load(SMALL.read_text("utf-8"))
    with pytest.raises(ValidationError, match=r"'tally' is unknown; .*known: auto, logpush, .*csv"):
        Case.model_validate(raw | {"log": {"format": "tally"}})


def test_a_price_is_a_line_of_the_book(tmp_path: Path) -> None:
    line = Meter.model_validate(data("A price"))
    text = (FOLDER / "cloudflare.yaml").read_text("utf-8")
    old = next(row for row in text.splitlines() if "meter: kv.reads," in row and "paid" in row)
    changed = tmp_path / "cloudflare.yaml"
    changed.write_text(text.replace(old, f"  - {example('A price', 'yaml').strip()}"))
    used = {"kv.reads": Decimal(12_000_000)}
    before, after = bill(used), bill(used, price_book(changed))
    assert line.price == Decimal("0.75")
    assert after.charged - before.charged == 2 * (line.price - Decimal("0.50"))
    with pytest.raises(KeyError, match=r"no meter 'kv\.glances'"):
        bill({"kv.glances": Decimal(1)})


def test_what_an_origin_costs_is_billed_as_the_case_says_it() -> None:
    said = data("A price", 1)
    here = small(designs=["l1-only", "workers-cache"], **said)
    named = {*said["prices"], "d1.rows_read", "d1.rows_written"}
    result = here.replay("workers-cache")
    assert named <= {line.meter for line in monthly_bill(result, here.book).lines if line.metered}
    assert here.platform.workers_cache_assets == 6


def test_a_profile_says_what_differs_and_a_platform_runs_on_it(study: Study) -> None:
    own = Profile.model_validate(data("A platform profile"))
    assert own.numbers
    assert own.numbers.keys() <= profile("cloudflare-workers").keys()
    platform = Platform(profile=own)
    result = replay(study.trace, BUILT_IN["l1-only"], platform)
    assert result.counts["isolates_lost_idle"] == 0
    assert result.counts["isolates_lost_deploy"] > 0


def test_a_rule_fires_on_its_fault_and_is_quiet_otherwise(tmp_path: Path) -> None:
    file = tmp_path / "rule.py"
    file.write_text(example("An audit rule", "python") + "\nRULES = [RULE]\n")
    (rule,) = load_rules([file])
    for source, faults in ((rule.fires, 1), (rule.quiet, 0)):
        folder = tmp_path / str(faults)
        folder.mkdir()
        (folder / "index.ts").write_text(source)
        found = [each for each in audit(folder, own_rules=[rule]).findings if each.rule == rule.id]
        assert len(found) == faults


class TestANotebook:
    @pytest.fixture
    def document(self, study: Study) -> Document:
        shown: list[dict[str, Any]] = []
        with patch("IPython.display.display", lambda bundle, **_: shown.append(bundle)):
            run("A notebook with its section", study=study)
        findings = Findings([])
        for bundle in shown:
            findings.add(Found(parse(bundle[MIME]), "10_bursts", "cell", None))
        material = Material(study, findings, [])
        return Document(material, InMarkdown(material.templates))

    def test_publishes_findings_that_its_section_shows(self, document: Document) -> None:
        section = example("A notebook with its section", "jinja")
        busiest = int(document.value("bursts.per_minute"))
        template = markdown_environment().from_string(section)
        said = template.render(n=document.number, value=document.value)
        assert f"there were {busiest}\u00a0requests" in said
        assert said.startswith("## Requests come")

    def test_has_a_place_in_the_report_in_the_way_of_the_others(self) -> None:
        line = example("A notebook with its section", "jinja", 1).strip()
        form = re.compile(r'\{\{ section\("\w+", "\d\d_\w+", if_="\w+\.applies"\) \}\}')
        assert form.fullmatch(line)
        report = (ROOT / "templates" / "report.md.j2").read_text("utf-8")
        assert len(form.findall(report)) > 3


def test_a_metric_is_measured_and_predicted_and_both_agree(study: Study) -> None:
    entry = example("A metric", "python").rstrip().splitlines()[-1]
    from cachelib.model.case.metrics import METRICS, Metric

    metric = eval(entry, {"Metric": Metric})  # noqa: S307 - our own page
    assert metric.name not in METRICS
    rows = run("A metric", 1)
    design = study.case.design("l1-kv").model_copy(
        update={"l1_ttl_s": 3_600.0, "l2_ttl_s": 36_000.0}
    )
    option = Option(design, {})
    result = replay(study.trace, design, study.platform, seed=1, span_s=study.span_s)
    with (
        patch.dict(judged.MEASURED, rows["MEASURED"]),
        patch.dict(judged.PREDICTED, rows["PREDICTED"]),
    ):
        measured = judged.measure(study, option, result, [metric.name])[metric.name]
        month = judged.Month(study, option, study.setting)
        predicted = float(judged.predict(month, [metric.name])[metric.name][0])
    assert measured > 100
    assert predicted == pytest.approx(measured, rel=0.1)


def test_an_output_format_is_a_function_of_the_material(study: Study) -> None:
    finding = parse({
        "kind": "metric", "id": "shared.hit_ratio", "value": 0.5, "unit": "ratio",
        "caption": "a \"share\", in words", "how": "simulated",
    })  # fmt: skip
    findings = Findings([])
    findings.add(Found(finding, "03_shared_l2", "cell", None))
    written = run("An output format")["files"](Material(study, findings, []))
    assert written.keys() == {"metrics.csv"}
    rows = list(csv.reader(io.StringIO(written["metrics.csv"])))
    assert rows[1:] == [["shared.hit_ratio", "0.5", "ratio", "simulated"]]


def test_every_file_of_the_formats_room_is_a_format_or_is_not_there() -> None:
    room = ROOT / "cachelib" / "report" / "document" / "formats"
    there = {path.stem for path in room.glob("*.py")} - {"__init__"}
    assert {written.__module__.rpartition(".")[2] for written in FORMATS} == there


def test_the_files_that_know_a_tier_are_those_that_the_page_lists() -> None:
    listed = re.findall(r"^\| `(.*?)` \|", PAGE.split("## A tier")[1], re.MULTILINE)
    knows = re.compile(r"cache[-_]api|CacheApi", re.IGNORECASE)
    folders = ("cachelib/model", "cachelib/live", "templates")
    known = {
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".js", ".yaml") and "node_modules" not in path.parts
        if knows.search(path.read_text("utf-8"))
    }
    assert known == set(listed)
