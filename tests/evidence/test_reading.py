"""No file is lost: what parses is audited, what does not is named with its lines."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from snippets import snippets

from cachelib.evidence import audit, audit_text, inventory
from cachelib.evidence.recovery import read_tree
from cachelib.evidence.scripts import script_of
from cachelib.evidence.syntax import preorder

FAULT = "export const save = (e: Env, k: string) => e.CACHE.put(k, 'v');"
RULE = "kv-put-without-expiration"


def found(directory: Path, files: dict[str, str]) -> list[tuple[str, int]]:
    for name, source in files.items():
        (directory / name).write_text(source)
    findings = audit(directory).findings
    return [(each.file, each.line) for each in findings if each.rule == RULE]


# TypeScript's own parser accepts all of these; tree-sitter's grammar (0.23.2) none.
TYPESCRIPT = [
    "const users = sql<User[]>`SELECT * FROM users`;",
    "const one = await this.sql<{ id: string; at: number }>`SELECT ${id}`.first();",
    "export type * from './types';",
    "export type * as types from './types';",
    "let as = 1, of = 2;",
    "let abstract = 1; abstract.toFixed();",
    "class A { static accessor x = 1; }",
    "abstract class B { abstract accessor y: number; }",
    "interface V<in T, out U, in out W> {}",
    "run<string>?.(1);",
    "export { default } from './a.json' with { type: 'json' };",
    "export * from './a' with { type: 'json' };",
    "import defer * as late from 'late';",
    "type A = import('./x').Foo<string>;",
    "class C { type = 1; as = 2; namespace() {} }",
    "function type() {} function as() {} function any() {}",
    "vi.mock('os', async (original) => ({ ...(await original<typeof import('node:os')>()) }));",
    "function f(pending: import('./codemode').Pending[], other: string) {}",
    "for (x as any of y) {}",
    "interface S { a?: boolean\n  in_reply_to?: string\n  instanceof_x: number }",
    "const t = 1, type = 2; export { t, type };",
]
JSX = [
    "const a = <p>Terms & conditions</p>;",
    "const b = <p>a && b, {c} & {d}</p>;",
    'const c = <a href="?a=1&b=2">more</a>;',
    "const d = <p>\n  many lines & words\n  that go on\n</p>;",
    "const e = <p>→ © é 日本 & more</p>;",
]


@pytest.mark.parametrize("source", TYPESCRIPT)
def test_typescript_that_the_grammar_lacks_is_read_whole(source: str, tmp_path: Path) -> None:
    line = source.count("\n") + 2
    assert found(tmp_path, {"a.ts": f"{source}\n{FAULT}\n{source}\n"}) == [("a.ts", line)]
    assert audit(tmp_path).partly_read == audit(tmp_path).unparsable == []


@pytest.mark.parametrize("source", JSX)
def test_jsx_that_the_grammar_lacks_is_read_whole(source: str, tmp_path: Path) -> None:
    line = source.count("\n") + 2
    assert found(tmp_path, {"a.tsx": f"{source}\n{FAULT}\n{source}\n"}) == [("a.tsx", line)]
    assert audit(tmp_path).partly_read == audit(tmp_path).unparsable == []


def test_many_such_places_in_one_file(tmp_path: Path) -> None:
    source = "\n".join(TYPESCRIPT * 20)
    assert found(tmp_path, {"a.ts": f"{source}\n{FAULT}\n"}) == [("a.ts", source.count("\n") + 2)]


def test_what_is_read_otherwise_keeps_its_place_and_its_words(tmp_path: Path) -> None:
    before = "const é = sql<User>`SELECT '日本'`; "
    found(tmp_path, {"a.ts": before + FAULT})
    (finding,) = (each for each in audit(tmp_path).findings if each.rule == RULE)
    assert finding.column == len(before + FAULT[: FAULT.index("e.CACHE")]) + 1
    assert "sql<User>" in finding.code


@pytest.mark.parametrize(
    ("broken", "lines"),
    [
        ("const b = ;", "line 1 does"),
        ("class A {\n  good() { return 1; }\n  bad() { return 1 +* 2; }\n}", "line 3 does"),
        ("function a() {\n  if (x) {\n    return 1;\n}\n", "lines 1 to 4 do"),
        ("<<<<<<< HEAD\nconst b = 1;\n=======\nconst b = 2;\n>>>>>>> main", "lines 1 to 5 do"),
        ("const a = {{ name }};", "line 1 does"),
    ],
)
def test_the_rest_of_a_file_with_a_mistake_is_audited(
    broken: str, lines: str, tmp_path: Path
) -> None:
    line = broken.count("\n") + 2
    assert found(tmp_path, {"a.ts": f"{broken}\n{FAULT}\n"}) == [("a.ts", line)]
    (fault,) = audit(tmp_path).partly_read
    assert fault.reason == f"{lines} not parse; the rest of the file was audited"
    assert f"a.ts:{fault.line}  {fault.reason}" in audit_text(audit(tmp_path))


def test_a_file_of_which_nothing_parses_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    assert found(tmp_path, {"a.ts": FAULT, "b.ts": "@@@ %% (((\n"}) == [("a.ts", 1)]
    assert [each.file for each in audit(tmp_path).unparsable] == ["b.ts"]
    (tmp_path / "wrangler.toml").write_text("name = 'w'\n")
    assert [each.file for each in inventory(tmp_path).unparsable] == ["b.ts"]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-8-sig"])
def test_text_of_another_encoding_is_audited(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "a.ts").write_bytes(f"// café\n{FAULT}\n".encode(encoding))
    assert found(tmp_path, {}) == [("a.ts", 2)]
    assert len(audit(tmp_path).partly_read) == (encoding == "latin-1")


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    (tmp_path / "video.ts").write_bytes(b"\x47\x40\x00\x10\x00" * 100)
    found(tmp_path, {"a.ts": FAULT})
    assert [each.file for each in audit(tmp_path).unparsable] == ["video.ts"]


COMPONENTS = {
    "a.vue": "<template>\n  <p v-if='a < b'>é & <b/></p>\n</template>\n"
    "<script setup lang='ts' generic='T extends Map<string, X>'>\n{fault}\n</script>\n"
    "<script lang=\"ts\">\nexport default {{}};\n</script>\n<style>p {{ color: red }}</style>\n",
    "a.svelte": "<!-- <script>not this</script> -->\n<h1>日本</h1>\n\n"
    '<script context="module" lang="ts">\n{fault}\n</script>\n{{#if a < b}}<p/>{{/if}}\n',
    "a.astro": "---\n// é\nconst kv = <unknown>Astro.locals;\n\n{fault}\n---\n"
    "<X>{{kv}}</X>\n<script>document.title = '&';</script>\n",
}  # fmt: skip


@pytest.mark.parametrize("name", COMPONENTS)
def test_the_script_of_a_component_is_audited_at_its_lines(name: str, tmp_path: Path) -> None:
    component = COMPONENTS[name].format(fault=FAULT)
    assert found(tmp_path, {name: component}) == [(name, 5)]
    (finding,) = (each for each in audit(tmp_path).findings if each.rule == RULE)
    assert finding.code.split("\n") == component.split("\n")[3:6]
    assert audit(tmp_path).partly_read == []


@pytest.mark.parametrize(
    "attributes", ["src='./a.ts'", "type='application/ld+json'", "lang='coffee'"]
)
def test_a_script_that_is_no_code_of_the_file_is_passed_over(
    attributes: str, tmp_path: Path
) -> None:
    assert found(tmp_path, {"a.vue": f"<script {attributes}>\n{FAULT}\n</script>\n"}) == []
    assert audit(tmp_path).unparsable == []


@given(component=st.text("<script>='\" \n-!/{}aé", max_size=200))
def test_a_script_has_the_bytes_and_lines_of_its_component(component: str) -> None:
    for suffix in (".vue", ".svelte", ".astro"):
        code, _ = script_of(component, suffix)
        assert [len(line.encode()) for line in code.split("\n")] == [
            len(line.encode()) for line in component.split("\n")
        ]


SOURCES = ["\n".join(lines) for each in snippets() for lines in each.files.values()]


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    source=st.sampled_from(SOURCES),
    at=st.integers(0, 2_000),
    length=st.integers(0, 30),
    words=st.sampled_from(["", "(", "}", "`", "<", "&", " as ", "=>", "'", "/*", "\\", "é", "@"]),
)
def test_a_source_with_a_piece_out_of_place_gives_a_tree_without_faults(
    source: str, at: int, length: int, words: str, tmp_path: Path
) -> None:
    damaged = source[:at] + words + source[at + length :]
    tree = read_tree(damaged, "typescript")
    if tree is not None:
        assert not any(node.is_error or node.is_missing for node in preorder(tree.root))
        assert tree.root.end_byte <= len(damaged.encode())
    (tmp_path / "a.ts").write_text(damaged)
    audit(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "// Code generated by a tool. DO NOT EDIT.\n",
        "/* @generated */\n",
        "// auto-generated file\n",
        "export const at = () => wasm.__wbindgen_malloc(1);\n",
    ],
)
def test_what_a_generator_wrote_is_passed_over_and_counted(tmp_path: Path, text: str) -> None:
    (tmp_path / "glue.js").write_text(
        text + "let size = 0;\nexport const grow = () => { size++; };"
    )
    (tmp_path / "own.ts").write_text("// ids are generated by the caller\nexport const one = 1;\n")
    result = audit(tmp_path)
    assert (result.files, result.skipped) == (1, {"generated": 1})


def test_a_parameter_of_a_function_type_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "store.ts").write_text(
        "export const keep = (env: Env, name: (key: string) => string) => {\n"
        "  const at = (value: (key: string) => string) => env.CACHE.put(key, value(key));\n"
        "  return at(name);\n};\n"
        "type Put = (key: string, put: (key: string) => void) => void;\n"
    )
    assert audit(tmp_path).failures == []
