"""Every rule against its own example and against the corpus."""

from collections import defaultdict
from pathlib import Path

import pytest
from snippets import CORPUS, Snippet, snippets

from cachelib.evidence import RULES, Rule, Settings, audit

SNIPPETS = snippets()


EVERYTHING = Settings(confidence="low")


def places(directory: Path, rule: str, settings: Settings = EVERYTHING) -> set[tuple[str, int]]:
    """Where a rule reports; in `clean` sources, where any does."""
    result = audit(directory, settings)
    assert result.unparsable == []
    rules = {rule} if rule != "clean" else {each.id for each in RULES} - {"binding-not-used"}
    return {(each.file, each.line) for each in result.findings if each.rule in rules}


def example(
    rule: Rule, source: str, directory: Path, settings: Settings = EVERYTHING
) -> set[tuple[str, int]]:
    (directory / "index.ts").write_text(source)
    if rule.configuration:
        (directory / "wrangler.toml").write_text(rule.configuration)
    return places(directory, rule.id, settings)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_fires_on_its_example(rule: Rule, tmp_path: Path) -> None:
    assert len(example(rule, rule.fires, tmp_path, Settings())) == 1


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_is_quiet_on_its_counterexample(rule: Rule, tmp_path: Path) -> None:
    assert example(rule, rule.quiet, tmp_path) == set()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_says_why_with_a_source_and_a_date(rule: Rule) -> None:
    assert rule.why.endswith(".")
    assert "read 2026-" in rule.source or "this project" in rule.source


def title(snippet: Snippet) -> str:
    return f"{snippet.rule}: {snippet.title}"


@pytest.mark.parametrize("snippet", SNIPPETS, ids=title)
def test_the_marked_lines_are_found_and_no_others(snippet: Snippet, tmp_path: Path) -> None:
    snippet.write(tmp_path)
    assert places(tmp_path, snippet.rule) == snippet.marks


@pytest.mark.parametrize(
    "snippet", [each for each in SNIPPETS if not each.rule.startswith("binding")], ids=title
)
def test_bindings_are_told_without_a_configuration(snippet: Snippet, tmp_path: Path) -> None:
    snippet.write(tmp_path, configured=False)
    assert places(tmp_path, snippet.rule) == snippet.marks


@pytest.mark.parametrize("snippet", [each for each in SNIPPETS if each.fires], ids=title)
def test_what_is_sure_is_told_unasked(snippet: Snippet, tmp_path: Path) -> None:
    snippet.write(tmp_path)
    shown = places(tmp_path, snippet.rule, Settings())
    assert shown == (set() if snippet.unsure else snippet.marks)


WRITTEN_BACK = """export async function label(env: Env, key: string) {
  const { value: link } = await env.CACHE.getWithMetadata<Link>(key, "json");
  if (!link) return;CHANGE
  await env.CACHE.put(key, JSON.stringify(link), { metadata: { url: link.url } });
}
"""


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("", "writes the value back as it was"),
        ("\n  link.seen = 1;", "changes the value"),
        ("\n  delete link.seen;", "changes the value"),
        ("\n  link.tags.push(1);", "changes the value"),
        ("\n  mark(link);", "changes the value"),
    ],
)
def test_a_value_that_is_written_back_as_it_was_is_not_said_to_be_changed(
    change: str, says: str, tmp_path: Path
) -> None:
    (tmp_path / "index.ts").write_text(WRITTEN_BACK.replace("CHANGE", change))
    found = audit(tmp_path).findings
    (told,) = (each.message for each in found if each.rule == "kv-read-modify-write")
    assert says in told


def test_every_marked_snippet_is_meant_to_fire() -> None:
    assert all(each.fires == bool(each.marks) for each in SNIPPETS)


def test_the_corpus_is_large_enough() -> None:
    assert {rule.id for rule in RULES} | {"clean"} == {each.rule for each in SNIPPETS}
    assert sum(each.fires for each in SNIPPETS) >= 60
    assert sum(not each.fires for each in SNIPPETS) >= 60


def test_the_table_of_results_is_current(tmp_path: Path) -> None:
    assert table_of_results(tmp_path) in (CORPUS / "README.md").read_text()


def table_of_results(directory: Path) -> str:
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for index, snippet in enumerate(SNIPPETS):
        snippet.write(home := directory / str(index))
        found = places(home, snippet.rule)
        row = counts[snippet.rule]
        if snippet.fires:
            row[0] += 1
            row[1] += found == snippet.marks
        else:
            row[2] += 1
            row[3] += bool(found)
    counts["all"] = [sum(column) for column in zip(*counts.values(), strict=True)]
    head = "| rule | with the fault | found | without | reported |\n|---|--:|--:|--:|--:|\n"
    return head + "".join(
        f"| {name} | {a} | {b} | {c} | {d} |\n" for name, (a, b, c, d) in counts.items()
    )
