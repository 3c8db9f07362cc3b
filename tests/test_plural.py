"""Of one thing no sentence says that there are several."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from cachelib.cli import main
from cachelib.evidence import audit
from cachelib.evidence.workflow import to_workflow
from cachelib.model.traffic.account import Account
from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs import LogError, read_log
from cachelib.model.traffic.logs.description import described
from cachelib.model.traffic.remarks import remarks
from cachelib.plural import none_of_its, plural

SEVERAL_OF_ONE = re.compile(
    r"(?<![\w.,/-])1 (?:of 1 |unsure )?(?!(?:is|as|was|has|status)\b)[a-z]+s\b(?! a )"
)
VERB_OF_ONE = re.compile(r"(?<![\w.,/-])1 of (?:the )?[\d,]* ?\w+ (?:are|say|name|carry|write)\b")


def said_rightly(text: str) -> None:
    found = [*SEVERAL_OF_ONE.findall(text), *VERB_OF_ONE.findall(text)]
    assert found == [], text


@pytest.mark.parametrize(
    ("number", "words", "word"),
    [
        (1, ("file",), "file"), (2, ("file",), "files"), (0, ("file",), "files"),
        (1, ("is", "are"), "is"), (3, ("entry", "entries"), "entries"),
    ],
)  # fmt: skip
def test_a_word_is_in_the_number_of_what_it_names(
    number: int, words: tuple[str, ...], word: str
) -> None:
    assert plural(number, *words) == word


def test_of_what_is_there_none_or_the_only_one_is_not() -> None:
    assert none_of_its(3, "line") == "none of its 3 lines is"
    assert none_of_its(1, "line") == "its only line is not"


@pytest.mark.parametrize("severity", ["--confidence low", ""])
def test_an_audit_of_one_file_of_one_line_with_one_finding(tmp_path: Path, severity: str) -> None:
    source = "const memo = {}; export function f(k) { memo[k] = g(k); return memo[k]; }\n"
    (tmp_path / "a.js").write_text(source)
    told = CliRunner().invoke(main, ["audit", str(tmp_path), *severity.split()]).output
    assert told.splitlines()[-1].startswith("1 file, 1 line: ")
    said_rightly(told.splitlines()[-1])
    said_rightly(to_workflow(audit(tmp_path)))
    assert "1 unsure finding is not shown; --confidence low shows it" in to_workflow(
        audit(tmp_path)
    )


def row(**more: object) -> str:
    plain = {"EdgeStartTimestamp": 1760000000, "ClientRequestURI": "/a",
             "ClientRequestMethod": "GET", "EdgeResponseStatus": 200}  # fmt: skip
    return json.dumps(plain | more) + "\n"


ODD = [
    {"ClientRequestMethod": "POST"}, {"EdgeResponseStatus": 503}, {"EdgeStartTimestamp": "noon"},
    {"EdgeColoCode": ""}, {"EdgeStartTimestamp": 1759999990}, {"ClientRequestURI": "/a?gclid=1"},
    {"ClientRequestMethod": "PUT"},
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD, ids=json.dumps)
def test_a_log_of_two_rows_of_which_one_is_odd(odd: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "log.ndjson"
    path.write_text(row(EdgeColoCode="LHR") + row(**{"EdgeColoCode": "LHR", **odd}))
    said_rightly("\n".join(described(path)["notes"]))
    for remark in remarks(read_log(path).account, Reading()):
        said_rightly(remark.says)


@pytest.mark.parametrize(
    "line", [row(EdgeStartTimestamp="noon"), row(EdgeResponseStatus=503), "no log\n"]
)
def test_a_log_of_one_row_that_is_none(line: str, tmp_path: Path) -> None:
    path = tmp_path / "log.ndjson"
    path.write_text(line)
    with pytest.raises(LogError) as refused:
        read_log(path)
    said_rightly(str(refused.value).replace(str(path), "log"))


def test_every_remark_of_an_account_of_ones() -> None:
    account = Account(
        format="x", why="", rows=3, requests=1, filtered={"f": 1}, skipped={"s": 1}, undecided=1,
        unplaced=1, twins=1, keys=1, tracked=1, hosts=1, span_s=1.0,
    )  # fmt: skip
    for remark in remarks(account, Reading()):
        said_rightly(remark.says)
