"""Names that lead to each other, in one file or over many: the audit always ends."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cachelib.evidence import audit

USES = """
export const use = async (env: Env, ctx: ExecutionContext) => {{
  await env.CACHE.put({a}, {b}, {c});
  await {a}.put({b}, {c}, {{ expirationTtl: {a} }});
  if (!(await env.CACHE.get({b}))) await env.CACHE.put({b}, await {c}({a}), {{ ...{c} }});
  new {a}({b}).{c}.set({b}, {a}); {a}.set({b}, {c}.get({b}) + 1); {c}++;
}};
"""


def audited(directory: Path, sources: dict[str, str]) -> None:
    for name, source in sources.items():
        (directory / name).write_text(source)
    assert audit(directory).files == len(sources)


@pytest.mark.parametrize(
    "sources",
    [
        {"a.ts": "const a = a;"},
        {"a.ts": "const a = b; const b = a;"},
        {"a.ts": "const a = a + a; const b = { ...b, ...a };"},
        {"a.ts": "const a = { b: a.b }; const b = { a: b.a }; const c = b.a.b.a;"},
        {"a.ts": "const a = () => b(); const b = () => a(); const c = a();"},
        {"a.ts": "import { b as a } from './b'; export const b = a; const c = b;",
         "b.ts": "import { b as a } from './a'; export const b = a; const c = b;"},
        {"a.ts": "export { a as b } from './b'; import { b as a } from './b'; const b = a, c = b;",
         "b.ts": "export { b as a } from './a'; export * from './a'; const a = c, b = a, c = b;"},
        {"a.ts": "export * from './a'; import a, { a as b } from './a'; const c = a + b;"},
        {"a.ts": "class a extends b { c = this.c; } class b extends a { a = new b(); } let c = a;"},
        {"a.ts": "let a = b, b = a, c; c = a; a = c; ({ a, ...b } = c); [c, b] = [a, c];"},
        {"a.ts": "function a(b = c) { return a(b); } const b = a(a), c = a(b, c);"},
        {"a.ts": "enum a { x = a.x } const b = a.x, c = { a: c };"},
        {"a.ts": "const a = `${b}${b}`, b = `${c}${c}`; const c = a + b + c;"},
        {"a.ts": "const a = (b) => a(b + b), c = a(c + c); const b = a(b) + c;"},
        {"a.ts": "const b = { x: b.x, ...c }; let c = a ? { x: b.x } : { x: c.x }, a = b.x;"},
    ],
)  # fmt: skip
def test_a_circle_ends(sources: dict[str, str], tmp_path: Path) -> None:
    first, *_ = sources
    audited(tmp_path, sources | {first: sources[first] + USES.format(a="a", b="b", c="c")})


def test_files_that_all_pass_on_each_other_end(tmp_path: Path) -> None:
    names = [f"m{n}" for n in range(12)]
    passing = "".join(f"export * from './{name}';" for name in names)
    use = "import { a, b, c } from './m0';" + USES.format(a="a", b="b", c="c")
    audited(tmp_path, {f"{name}.ts": passing for name in names} | {"index.ts": use})


LONG = 1_500


@pytest.mark.parametrize(
    "link",
    [
        "const a{n} = a{m};",
        "const a{n} = a{m} + a{m};",
        "const a{n} = {{ ...a{m}, ...a{m}, x: a{m} }};",
        "const a{n} = a{m}.x[a{m}];",
        "const a{n} = () => a{m}(a{m}());",
        "function a{n}(x = a{m}) {{ return a{m}(x); }}",
        "class a{n} extends a{m} {{ x = new a{m}(); }}",
        "let a{n}; a{n} = a{m};",
        "const a{n} = ok ? a{m} : a{m} ?? a{m};",
        "const a{n} = `${{a{m}}}${{a{m}}}`;",
        "const a{n} = a{m} + 'x' + a{m};",
    ],
)
def test_a_long_chain_of_names_ends(link: str, tmp_path: Path) -> None:
    chain = "\n".join(link.format(n=n, m=n + 1) for n in range(LONG))
    audited(tmp_path, {"a.ts": chain + USES.format(a="a0", b="a1", c="a2")})


def test_a_text_that_doubles_at_every_name_ends(tmp_path: Path) -> None:
    doubling = "".join(f"const a{n} = a{n + 1} + a{n + 1};" for n in range(50))
    audited(
        tmp_path, {"a.ts": f"{doubling} const a50 = 'x';" + USES.format(a="a0", b="a1", c="a2")}
    )


LINKS = [
    "import {{ {0} as {1} }} from '{file}';",
    "import {0}, * as {1} from '{file}';",
    "export {{ {0} as {1}, {1} as {0} }} from '{file}';",
    "export * from '{file}';",
    "export const {0} = {1};",
    "export const {0} = {{ ...{1}, {2}: {2}, a: {0}.{1} }};",
    "const {0} = {1} + {2} * {0};",
    "let {0} = `${{{1}}}:${{{2}}}`; {0} = {2};",
    "export function {0}({1} = {2}) {{ return {2}({0}({1})); }}",
    "const {0} = async ({1}) => {{ await {2}({1}); return {0}; }};",
    "class {0} extends {1} {{ {2} = this.{2}; get a() {{ return {0}; }} }}",
    "const {{ {0}, {1}: {2} }} = {0};",
    "{0}.{1} = {2}; {1}[{0}] = {0}[{2}];",
    "enum {0} {{ a = {1}.a, b = {0}.{2} }}",
    "const {0} = new Map(); {0}.set({1}, new Map()); const {2} = {0}.get({1});",
    "const {0} = env.{1}; const {2} = {0}.get('k').then(({1}) => {2});",
    USES.replace("{a}", "{0}").replace("{b}", "{1}").replace("{c}", "{2}"),
]
NAME = st.sampled_from("abcdef")
FILE = st.sampled_from(["./a", "./b", "./c", "./none"])
LINK = st.builds(str.format, st.sampled_from(LINKS), NAME, NAME, NAME, file=FILE)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(files=st.lists(st.lists(LINK, min_size=1, max_size=12), min_size=3, max_size=3))
def test_any_graph_of_names_ends(files: list[list[str]], tmp_path: Path) -> None:
    names = ("a.ts", "b.ts", "c.js")
    audited(tmp_path, {name: "\n".join(links) for name, links in zip(names, files, strict=True)})
