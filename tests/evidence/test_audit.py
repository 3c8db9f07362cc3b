"""The audit of a directory: what it reads, what it reports, how a finding looks."""

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from snippets import Snippet, snippets

from cachelib.evidence import (
    RULES,
    SEVERITIES,
    Change,
    EvidenceError,
    NotModelled,
    audit,
    audit_text,
    to_json,
)
from cachelib.evidence.examination import Examination
from cachelib.evidence.finding import Replacement
from cachelib.evidence.rule import Edit, Hit, Rule, Severity

FAULT = "export const save = (env: Env, k: string) => env.CACHE.put(k, 'v');\n"


def write(directory: Path, name: str, source: str = FAULT) -> None:
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)


def test_a_finding_has_place_code_reason_source_and_repair(tmp_path: Path) -> None:
    write(tmp_path, "src/a.ts", "// one\n// two\n" + FAULT + "// four\n")
    (finding,) = audit(tmp_path).findings
    assert (finding.file, finding.line, finding.column) == ("src/a.ts", 3, 46)
    assert finding.code.splitlines() == ["// two", FAULT.rstrip(), "// four"]
    assert finding.code_line == 2
    assert "never expires" in finding.why
    assert "kv/api/write-key-value-pairs" in finding.source
    assert finding.fix is not None
    assert "+export const save" in finding.fix


def test_json_has_the_promised_keys(tmp_path: Path) -> None:
    write(tmp_path, "a.ts")
    data = json.loads(json.dumps(to_json(audit(tmp_path))))
    keys = {
        "rule",
        "severity",
        "file",
        "line",
        "column",
        "message",
        "code",
        "fix",
        "counterfactual",
    }
    assert keys <= set(data["findings"][0])
    assert {"findings", "skipped", "unparsable"} <= set(data)


def patched(source: str, diff: str) -> str:
    """What `patch` makes of a diff of one hunk; its context must be there."""
    _, _, head, *body = diff.split("\n")
    first = int(head.split()[1].split(",")[0].lstrip("-")) - 1
    old = [line[1:] for line in body if line[0] in " -"]
    new = [line[1:] for line in body if line[0] in " +"]
    lines = source.split("\n")
    assert lines[first : first + len(old)] == old
    return "\n".join([*lines[:first], *new, *lines[first + len(old) :]])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_repair_applies_and_ends_the_finding(rule, tmp_path: Path) -> None:
    write(tmp_path, "index.ts", rule.fires + "\n")
    for finding in audit(tmp_path).findings:
        if finding.rule == rule.id and finding.fix is not None:
            write(tmp_path, "index.ts", patched(rule.fires + "\n", finding.fix))
            after = audit(tmp_path)
            assert after.unparsable == []
            assert rule.id not in {each.rule for each in after.findings}


def repaired(source: str, replacements: list[Replacement]) -> str:
    """The source with all of them in it, which must not meet."""
    starts = [0]
    for line in source.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    spans = sorted(
        (starts[each.line - 1] + each.column - 1, starts[each.end_line - 1] + each.end_column - 1,
         each.text)
        for each in replacements
    )  # fmt: skip
    assert all(end <= start for (_, end, _), (start, _, _) in pairwise(spans))
    for start, end, text in reversed(spans):
        source = source[:start] + text + source[end:]
    return source


TWO_IN_ONE = """export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const known = await env.CACHE.get(request.url);
    if (known !== null) return new Response(known);
    const answer = await render(request.url);
    await env.CACHE.put(request.url, answer);
    return new Response(answer);
  },
};
"""


def test_two_repairs_of_one_line_can_both_be_applied(tmp_path: Path) -> None:
    write(tmp_path, "index.ts", TWO_IN_ONE)
    found = audit(tmp_path)
    offered = {each.rule: each.replacements for each in found.findings if each.replacements}
    assert {*offered} >= {"kv-put-without-expiration", "kv-write-awaited"}
    both = repaired(TWO_IN_ONE, [part for parts in offered.values() for part in parts or []])
    assert (
        "    ctx.waitUntil(env.CACHE.put(request.url, answer, { expirationTtl: 3600 }));\n" in both
    )
    text = audit_text(found)
    assert "changes a line that the repair of kv-write-awaited changes too" in text
    write(tmp_path, "index.ts", both)
    assert not {*offered} & {each.rule for each in audit(tmp_path).findings}


@pytest.mark.parametrize("snippet", snippets(), ids=lambda each: f"{each.rule}: {each.title}")
def test_all_repairs_that_are_offered_go_together(snippet: Snippet, tmp_path: Path) -> None:
    snippet.write(tmp_path)
    offered: dict[str, list[Replacement]] = defaultdict(list)
    for finding in audit(tmp_path).findings:
        offered[finding.file] += finding.replacements or []
    for file, replacements in offered.items():
        (tmp_path / file).write_text(repaired((tmp_path / file).read_text(), replacements))
    assert audit(tmp_path).unparsable == []


def test_of_two_repairs_that_meet_the_graver_one_is_offered(tmp_path: Path) -> None:
    def rule(name: str, severity: Severity, replacement: str) -> Rule:
        def find(examined: Examination) -> Iterator[Hit]:
            for put in examined.of("put"):
                edit = Edit(put.call.start_byte, put.call.end_byte, replacement)
                yield Hit("f", put.call, put.module, edits=(edit,))

        return replace(RULES[0], id=name, severity=severity, find=find)

    write(tmp_path, "a.ts")
    own = [rule("mild", "note", "mild()"), rule("grave", "error", "grave()")]
    found = audit(tmp_path, own_rules=own)
    offered = {each.rule: each.replacements is not None for each in found.findings}
    assert offered == {"grave": True, "mild": False, "kv-put-without-expiration": False}
    assert "instead of that of grave, which changes the same code" in audit_text(found)


def test_findings_come_in_the_order_of_files_and_lines(tmp_path: Path) -> None:
    for name in ("b.ts", "a.ts", "z/c.ts"):
        write(tmp_path, name, FAULT + FAULT.replace("save", "keep"))
    places = [(each.file, each.line) for each in audit(tmp_path).findings]
    assert places == [(f, n) for f in ("a.ts", "b.ts", "z/c.ts") for n in (1, 2)]


def test_the_same_directory_gives_the_same_audit(tmp_path: Path) -> None:
    for index, snippet in enumerate(snippets()[::5]):
        snippet.write(tmp_path / str(index))
    assert to_json(audit(tmp_path)) == to_json(audit(tmp_path))


def test_columns_count_characters(tmp_path: Path) -> None:
    write(
        tmp_path,
        "a.ts",
        "const é = '日本'; export const f = (env: Env) => env.CACHE.put('k', 'v');\n",
    )
    assert audit(tmp_path).findings[0].column == 48


def test_what_is_not_source_is_skipped_and_counted(tmp_path: Path) -> None:
    write(tmp_path, "src/a.ts")
    write(tmp_path, "node_modules/x/index.js")
    write(tmp_path, "packages/b/node_modules/y/index.js")
    write(tmp_path, "dist/worker.js")
    write(tmp_path, ".wrangler/tmp/b.js")
    write(tmp_path, "src/app.min.js")
    write(tmp_path, "src/a.test.ts")
    write(tmp_path, "src/big.js", FAULT * 20_000)
    result = audit(tmp_path)
    assert [each.file for each in result.findings] == ["src/a.ts"]
    assert result.skipped == {
        "build output": 3,
        "larger than 1 MB": 1,
        "node_modules": 2,
        "tests": 1,
    }


def test_minified_sources_are_build_output(tmp_path: Path) -> None:
    write(tmp_path, "a.ts")
    write(tmp_path, "worker.js", "env.CACHE.put('k','v');" * 3_000)
    assert audit(tmp_path).skipped == {"build output": 1}


def test_long_lines_are_cut(tmp_path: Path) -> None:
    write(tmp_path, "a.ts", f"env.CACHE.put('k', '{'long ' * 1000}');\n")
    assert max(map(len, audit(tmp_path).findings[0].code.splitlines())) == 241


def test_symbolic_links_are_not_followed(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    write(outside, "secret.ts")
    write(root, "a.ts")
    (root / "link.ts").symlink_to(outside / "secret.ts")
    (root / "folder").symlink_to(outside)
    (root / "loop").symlink_to(root)
    result = audit(root)
    assert [each.file for each in result.findings] == ["a.ts"]
    assert result.skipped == {"symbolic links": 3}


def test_the_examined_directory_itself_may_be_a_link(tmp_path: Path) -> None:
    write(tmp_path / "real", "a.ts")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert len(audit(tmp_path / "link").findings) == 1


def test_nothing_of_the_directory_is_executed(tmp_path: Path) -> None:
    write(tmp_path, "a.js", "require('fs').writeFileSync('ran', '1');\n")
    write(tmp_path, "package.json", '{"scripts": {"prepare": "touch ran"}}')
    audit(tmp_path)
    assert not (tmp_path / "ran").exists()


STORE = """export class Store {{
  constructor(private {field}: KVNamespace) {{}}
  save(k: string) {{ return this.{field}.put(k, "v"); }}
}}
"""


def test_classes_of_one_name_in_two_files_are_told_apart(tmp_path: Path) -> None:
    write(tmp_path, "a/store.ts", STORE.format(field="kv"))
    write(tmp_path, "b/store.ts", STORE.format(field="namespace"))
    assert [each.file for each in audit(tmp_path).findings] == ["a/store.ts", "b/store.ts"]


def test_an_import_means_the_file_it_names(tmp_path: Path) -> None:
    for name in ("cache", "notes"):
        body = "export const save = (store, k) => store.put(k, 'v');\n"
        write(tmp_path, f"{name}.js", body)
    write(tmp_path, "index.js", "import { save } from './notes.js';\nsave(env.CACHE, 'k');\n")
    assert [each.file for each in audit(tmp_path).findings] == ["notes.js"]


def test_no_configuration_is_needed(tmp_path: Path) -> None:
    write(tmp_path, "a.ts")
    assert audit(tmp_path).configuration is None
    assert "no wrangler configuration" in audit_text(audit(tmp_path))


def test_an_unreadable_configuration_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, "a.ts")
    write(tmp_path, "wrangler.toml", "name = \n")
    with pytest.raises(EvidenceError, match=r"wrangler\.toml:1"):
        audit(tmp_path)


def test_a_directory_with_nothing_to_examine(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="give the folder of a Workers project"):
        audit(tmp_path)


def test_findings_of_a_severity_and_above(tmp_path: Path) -> None:
    write(tmp_path, "a.ts", FAULT + FAULT.replace("'v'", "'v', { expirationTtl: 5 }"))
    result = audit(tmp_path)
    assert SEVERITIES == ("note", "warning", "error")
    assert [each.severity for each in result.at_least("error")] == ["error"]
    assert len(result.at_least("note")) == len(result.findings) == 2


def test_an_effect_is_shown_with_its_finding(tmp_path: Path) -> None:
    write(tmp_path, "a.ts")
    change = Change(metric="kv_deletes", with_fault=5000, with_fix=0, unit="a month")
    found = audit(tmp_path)
    text = audit_text(found.with_effects({found.findings[0].counterfactual: [change]}))
    assert "kv_deletes: 5000 → 0 a month when repaired" in text


@pytest.mark.parametrize(
    ("name", "source", "said"),
    [
        ("a.ts", "interface Env { OLD: KVNamespace }", " and named in a type, but no code uses it"),
        (
            "env.d.ts",
            "interface Env { OLD: KVNamespace }",
            " and named in a type, but no code uses it",
        ),
        ("a.ts", "// OLD was used once", ", but no code uses it"),
        ("a.ts", "", ", but no source mentions it"),
    ],
)
def test_of_a_binding_that_is_not_used_no_more_is_said_than_is_true(
    name: str, source: str, said: str, tmp_path: Path
) -> None:
    write(tmp_path, "wrangler.toml", '[[kv_namespaces]]\nbinding = "OLD"\nid = "0"\n')
    write(tmp_path, "b.ts", "export const greet = () => new Response('hello');\n")
    write(tmp_path, name, source + "\n")
    (finding,) = audit(tmp_path).findings
    assert finding.message == f"KV namespace OLD is configured{said}"


def test_hostile_names_and_sources_stay_text(tmp_path: Path) -> None:
    write(tmp_path, "<script>alert(1)<script>.ts", FAULT.replace("'v'", "'{{ 7*7 }}</script>'"))
    assert "{{ 7*7 }}" in audit(tmp_path).findings[0].code


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_named_pipe_does_not_hang_the_audit(tmp_path: Path) -> None:
    write(tmp_path, "a.ts")
    os.mkfifo(tmp_path / "pipe.ts")
    assert audit(tmp_path).skipped == {"not regular files": 1}


@pytest.mark.parametrize(
    "source",
    [
        "export const a = " + "(" * 3000 + "1" + ")" * 3000 + ";",
        "env.CACHE.put('k', " + " + ".join(["'a'"] * 5000) + ");",
        "env" + ".then(f)" * 3000 + ";",
        "const a = b; const b = a; a.put('k', b); function f(x) { return f(x); } f(f).put(1, 2);",
        "class A extends B {} class B extends A {} new A().kv.put('k', 'v');",
        "const o = { ...o }; env.CACHE.put('k', 'v', o);",
        "const t = t * 2; env.CACHE.put('k', 'v', { expirationTtl: t });",
        "env.CACHE.put('k', 'v', { expirationTtl: 2 ** 99999 / 0 });",
        "export default { fetch: (request) => env.CACHE.get() };",
        "env.CACHE.put(); env.CACHE.get(); env.CACHE.put(...args); l1.set(); new Map().set();",
    ],
)
def test_a_source_made_to_confuse(source: str, tmp_path: Path) -> None:
    write(tmp_path, "a.ts", source)
    assert audit(tmp_path).files + len(audit(tmp_path).unparsable) == 1


SOURCES = ["\n".join(lines) for each in snippets() for lines in each.files.values()]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(parts=st.lists(st.sampled_from(SOURCES), min_size=1, max_size=6), cut=st.integers(0, 400))
def test_any_mixture_of_sources_is_audited(parts: list[str], cut: int, tmp_path: Path) -> None:
    source = "\n".join(parts)[cut:]
    write(tmp_path, "a.ts", source)
    result = audit(tmp_path)
    assert result.files + len(result.unparsable) == 1
    assert all(1 <= each.line <= source.count("\n") + 1 for each in result.findings)


TWO_FAULTS = """export async function purge(env: Env, prefix: string) {
  const { keys } = await env.CACHE.list({ prefix });
  for (const key of keys) await env.CACHE.delete(key.name);
}
export const save = (env: Env, k: string) => env.CACHE.put(k, "v");
"""


def test_that_nothing_was_priced_is_said_once_at_the_end_with_what_to_give(tmp_path: Path) -> None:
    write(tmp_path, "src/a.ts", TWO_FAULTS)
    found = audit(tmp_path)
    assert len(found.findings) > 1
    (said,) = [line for line in audit_text(found).splitlines() if "cost: not computed" in line]
    assert "--case CASE" in said
    assert f"of {len(found.findings)} findings" in said


def test_with_a_case_each_finding_says_why_it_was_not_priced(tmp_path: Path) -> None:
    write(tmp_path, "src/a.ts", TWO_FAULTS)
    found = audit(tmp_path)
    changes = {
        each.counterfactual: [Change(metric="kv_writes", with_fault=2, with_fix=1, unit="count")]
        for each in found.findings
        if not isinstance(each.counterfactual, NotModelled)
    }
    assert 0 < len(changes) < len(found.findings)
    told = audit_text(found.with_effects(changes)).splitlines()
    assert not [line for line in told if "--case" in line]
    assert [line for line in told if line.startswith("  cost: not computed, ")]
