"""A price book of one's own lies beside the case, as a platform does."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from cachelib.cli import main
from cachelib.model.case.beside import files_of
from cachelib.model.case.case import case_schema, load_case
from cachelib.model.judgement.study import Study
from cachelib.model.money.prices import monthly_bill
from cachelib.model.platforms.books import SHIPPED, own_book, price_book
from cachelib.report.experiments.parameters import settle

SHOP = (Path("cases") / "shop-redis.yaml").read_text("utf-8")
BOOK = """\
name: ours
date: 2026-11-28
plans:
  paid: {minimum: "12", source: our contract}
meters:
  - {meter: redis.node_hours, unit: 1, of: node-hours, price: "0.5", plan: paid, source: ours}
  - {meter: zones.gb, unit: 1, of: GB, price: "0", plan: paid, source: our contract}
"""


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, words)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def case(folder: Path, prices: str, book: str = BOOK, profile: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "ours.yaml").write_text(book)
    path = folder / "case.yaml"
    text = SHOP.replace("profile: servers-redis", "profile: ./mine.yaml") if profile else SHOP
    if profile:
        (folder / "mine.yaml").write_text(profile)
    path.write_text(text + (f"\nprices: {prices}\n" if prices else ""))
    return path


def redis_usd(path: Path) -> dict[str, Decimal]:
    study = Study(load_case(path))
    few = study.replay(study.design("redis-only"))
    return {line.meter: line.metered for line in monthly_bill(few, study.book).lines}


@pytest.mark.parametrize(
    ("prices", "profile"),
    [
        ("./ours.yaml", ""),
        ("{book: ours.yaml}", ""),
        ("", "like: servers-redis\nbook: ./ours.yaml\n"),
    ],
)
def test_what_is_billed_is_what_the_file_beside_says(
    tmp_path: Path, prices: str, profile: str
) -> None:
    path = case(tmp_path, prices, profile=profile)
    assert run("check", str(path)) == (0, f"{path}: good\n")
    assert redis_usd(path)["redis.node_hours"] == Decimal("0.5") * 1_440
    assert Study(load_case(path)).book.name == "ours"
    assert {file.name for file in files_of(path)} >= {"case.yaml", "ours.yaml"}


def test_a_price_of_the_case_stands_before_the_book_s(tmp_path: Path) -> None:
    path = case(tmp_path, "{book: ours.yaml, redis.node_hours: 0.25}")
    assert redis_usd(path)["redis.node_hours"] == Decimal("0.25") * 1_440
    said = settle({"case": str(path), "prices.redis.node_hours": 2}).study.book.of_plan()
    assert said["redis.node_hours"].price == 2
    one = settle({"case": str(case(tmp_path, "ours.yaml")), "prices.zones.gb": 3}).study.book
    assert one.of_plan()["zones.gb"].price == 3


def test_kernels_are_handed_the_book(tmp_path: Path) -> None:
    handed = settle({"case": str(case(tmp_path, "./ours.yaml"))}).for_kernels
    (tmp_path / "ours.yaml").unlink()
    assert settle(handed).study.book.name == "ours"


METERS = BOOK[: BOOK.index("  - {meter: redis")]


@pytest.mark.parametrize(
    ("book", "told"),
    [
        (BOOK.replace("redis.node_hours", "redis.node_hour"),
         "ours.yaml:6: meters.redis.node_hour.meter: unknown meter 'redis.node_hour'; did you"),
        (BOOK.replace('price: "0.5"', "price: dear"),
         "ours.yaml:6: meters.redis.node_hours.price: "),
        (BOOK.replace('price: "0.5", plan: paid', 'price: "0.5", plan: pro'),
         "ours.yaml:6: meters.redis.node_hours.plan: redis.node_hours: plan 'pro' is not in plans"),
        (BOOK + BOOK[BOOK.index("  - {meter: zones") :],
         "ours.yaml:8: meters.zones.gb.meter: zones.gb is there twice for plan 'paid'"),
        (BOOK.replace("paid", "pro"),
         "case.yaml:{line}: prices.book: the price book 'ours': unknown plan 'paid'"),
        (METERS.rstrip() + " []\n",
         "case.yaml:{line}: prices.book: the price book 'ours' has no meter 'redis.node_hours', "
         "which Redis is charged by; a price of 0 says"),
        ("nonsense", "ours.yaml:1: must be keys with values"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_book_is_told_by_file_line_and_key(
    tmp_path: Path, book: str, told: str
) -> None:
    path = case(tmp_path, "{book: ours.yaml}", book)
    status, said = run("check", str(path))
    line = len(path.read_text().splitlines())
    assert status == 2
    assert told.format(line=line) in said
    assert "site-packages" not in said
    assert "money/books" not in said


@pytest.mark.parametrize(
    ("prices", "profile", "told"),
    [
        ("./other.yaml", "", "case.yaml:{line}: prices: there is no file './other.yaml' beside"),
        ("../ours.yaml", "", "case.yaml:{line}: prices: must lie beside the case"),
        ("ours", "", "case.yaml:{line}: prices: 'ours' is no YAML file: name one"),
        ("{redis.node_hours: dear}", "", "case.yaml:{line}: prices.redis.node_hours: "),
        ("", "like: servers-redis\nbook: ./other.yaml\n",
         "mine.yaml:2: book: there is no file './other.yaml' beside it"),
        ("", "like: servers-redis\nbook: server-redis\n",
         "mine.yaml:2: book: unknown price book 'server-redis'; did you mean 'servers-redis'?"),
    ],
)  # fmt: skip
def test_a_book_that_is_not_there_is_told_where_it_is_named(
    tmp_path: Path, prices: str, profile: str, told: str
) -> None:
    path = case(tmp_path / "here", prices, profile=profile)
    status, said = run("check", str(path))
    assert status == 2
    assert told.format(line=len(path.read_text().splitlines())) in said


def test_a_platform_s_prices_are_printed_to_be_made_one_s_own(tmp_path: Path) -> None:
    for name in SHIPPED:
        if name == "cloudflare":
            continue
        status, printed = run("platform", name, "--prices")
        (tmp_path / "own.yaml").write_text(printed)
        assert status == 0
        assert own_book(tmp_path / "own.yaml") == price_book(name)


def test_a_case_with_a_book_is_what_its_schema_says(tmp_path: Path) -> None:
    for prices in ("./ours.yaml", "{book: ours.yaml, redis.node_hours: 0.25}", '{zones.gb: "1.5"}'):
        said = YAML(typ="safe", pure=True).load(case(tmp_path, prices).read_text())
        jsonschema.validate({"prices": said["prices"]}, case_schema() | {"required": []})
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"prices": "ours.txt"}, case_schema() | {"required": []})
