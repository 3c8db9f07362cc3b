"""A case may be a stranger's: the code it names lies beside it, and is one Worker's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cachelib.model.case import repository
from cachelib.model.case.case import load_case
from cachelib.model.schema.typed_yaml import InvalidFileError
from cachelib.report.reuse.ingredients import tree

SMALL = (Path(__file__).parents[1] / "report" / "small.yaml").read_text("utf-8")


@pytest.fixture
def case(tmp_path: Path) -> Path:
    path = tmp_path / "cases" / "case.yaml"
    (path.parent / "worker").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (path.parent / "link").symlink_to("../elsewhere")
    return path


def naming(case: Path, code: str) -> Path:
    case.write_text(SMALL.replace("system: {", f"system: {{path: {code!r}, "), "utf-8")
    return case


@pytest.mark.parametrize("code", ["/", "/proc", "..", "../elsewhere", "worker/../..", "link"])
def test_code_outside_of_the_case_s_folder_is_refused(case: Path, code: str) -> None:
    with pytest.raises(InvalidFileError, match=r"case\.yaml:3: system\.path: .*-p system\.path="):
        load_case(naming(case, code))


def test_unless_the_command_line_says_so(case: Path) -> None:
    given = {"system.path": "../elsewhere"}
    assert load_case(naming(case, "worker"), given).system.path == "../elsewhere"


@pytest.mark.parametrize("code", ["/", "/proc"])
def test_even_then_a_whole_machine_is_no_worker(case: Path, code: str) -> None:
    with pytest.raises(InvalidFileError, match="more than 20,000 files"):
        load_case(naming(case, "worker"), {"system.path": code})


@pytest.mark.parametrize("code", [".", "worker", "./worker/"])
def test_code_in_the_case_s_folder_is_fine(case: Path, code: str) -> None:
    assert load_case(naming(case, code)).system.path == code


def test_very_many_files_are_refused(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "MOST_FILES", 100)
    for number in range(101):
        (case.parent / "worker" / f"{number}.ts").write_text("x")
    with pytest.raises(InvalidFileError, match="more than 100 files"):
        load_case(naming(case, "worker"))


def test_pipes_links_and_what_is_too_large_are_not_read(case: Path) -> None:
    worker = case.parent / "worker"
    (worker / "a.ts").write_text("x")
    before = tree(worker)
    os.mkfifo(worker / "pipe.ts")
    (worker / "zero.ts").symlink_to("/dev/zero")
    with (worker / "large.ts").open("wb") as large:
        large.truncate(10_000_000_000)
    assert tree(worker) == before
