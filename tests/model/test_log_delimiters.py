"""A table's delimiter is told from the columns that the user names, or from what parts it alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs import LogError, read_log

ROWS = [f"17951544{i:02d},961;artikel-{i % 3};lesen;{1000 + i};3,52\n" for i in range(30)]
TABLE = "zeit;schluessel;vorgang;groesse;dauer_ms\n" + "".join(ROWS)
TIME = "try_cast(replace(zeit, ',', '.') AS DOUBLE)"


def spreadsheet(folder: Path, name: str = "log.csv") -> Path:
    path = folder / name
    path.write_text(TABLE)
    return path


@pytest.mark.parametrize("name", ["log.csv", "log.txt", "log.tsv"])
@pytest.mark.parametrize("format", ["auto", "csv"])
def test_the_delimiter_is_the_one_under_which_there_is_what_the_user_names(
    tmp_path: Path, name: str, format: str
) -> None:
    reading = Reading(format=format, key="schluessel", columns={"time": TIME})
    read = read_log(spreadsheet(tmp_path, name), reading)
    assert (len(read), read.keys) == (30, ["artikel-0", "artikel-1", "artikel-2"])


def test_the_users_names_may_be_parts_of_others(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("at,zeit;was,key\n" + "".join(f"{1_795_154_400 + i},x;y,k\n" for i in range(9)))
    assert read_log(path, Reading(key="key", columns={"time": "at"})).keys == ["k"]


def test_a_csv_of_columns_nobody_knows_is_cut_by_what_parts_its_lines_alike(
    tmp_path: Path,
) -> None:
    with pytest.raises(LogError, match=r"zeit, schluessel, vorgang, groesse, dauer_ms") as refused:
        read_log(spreadsheet(tmp_path))
    assert "No named format has any of these columns" in str(refused.value)


def test_a_refusal_says_that_another_delimiter_gives_the_column(tmp_path: Path) -> None:
    reading = Reading(format="tsv", key="schluessel", columns={"time": "zeit"})
    with pytest.raises(LogError) as refused:
        read_log(spreadsheet(tmp_path), reading)
    assert "there is no column 'zeit'" in str(refused.value)
    assert "Parted by semicolons its first line has it: read it without" in str(refused.value)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("schlussel", r"there is no column 'schlussel'; it has zeit, schluessel, "),
        ("schluessel + 1", r"text is made a number with try_cast"),
        ("schluessel ||", r"is no expression as SQL has them"),
        ("schluessel schluessel schluessel", r"'schluessel' does not belong where it is"),
    ],
)
def test_a_refusal_of_an_expression_has_no_words_of_the_database(
    tmp_path: Path, key: str, said: str
) -> None:
    with pytest.raises(LogError, match=said) as refused:
        read_log(spreadsheet(tmp_path), Reading(key=key, columns={"time": TIME}))
    for word in ("Binder", "Parser", "Referenced", "FROM", "Candidate", "Error"):
        assert word not in str(refused.value)
