"""What TypeScript and its kin allow is parsed whole, and audited."""

from pathlib import Path

import pytest

from cachelib.evidence import audit

SOURCES: dict[str, dict[str, str]] = {
    "sql template": {
        "w.ts": (
            "const q = sql<User>`select ${1}`;\n"
            'export const save = (env: Env, k: string) => env.CACHE.put(k, "v");'
        ),
    },
    "jsx &": {
        "w.tsx": (
            'export const P = () => <a href="/?a=1&b=2">a & b</a>;\n'
            'export const save = (env: Env, k: string) => env.CACHE.put(k, "v");'
        ),
    },
    "export type *": {
        "w.ts": (
            'export type * as T from "./t";\n'
            'export type * from "./u";\n'
            'export const save = (env: Env, k: string) => env.CACHE.put(k, "v");'
        ),
    },
    "let as": {
        "w.ts": (
            "let as = 1;\n"
            "as = 2;\n"
            'export const save = (env: Env, k: string) => env.CACHE.put(k, "v" + '
            "as);"
        ),
    },
    "using": {
        "w.ts": (
            "export async function save(env: Env, k: string) { await using s = "
            "open();\n"
            ' using t = open(); await env.CACHE.put(k, "v"); }'
        ),
    },
    "decorators accessor": {
        "w.ts": (
            "class A { @d() accessor x = 1; static accessor y = 2; }\n"
            'export const save = (env: Env, k: string) => env.CACHE.put(k, "v");'
        ),
    },
    "const type param": {
        "w.ts": (
            "function f<const T extends readonly string[]>(t: T) { return t; }\n"
            'export const save = (env: Env, k: string) => env.CACHE.put(k, "v");'
        ),
    },
    "import defer/attr": {
        "w.ts": (
            'import x from "./x.json" with { type: "json" };\n'
            'export const save = (env: Env, k: string) => env.CACHE.put(k, "v");'
        ),
    },
    "vue": {
        "w.vue": (
            "<template><p>&</p></template>\n"
            '<script setup lang="ts">\n'
            'const save = (env: Env, k: string) => env.CACHE.put(k, "v");\n'
            "</script>"
        ),
    },
    "enum/namespace": {
        "w.ts": (
            'declare module "x" { interface Y { a: 1 } }\n'
            "namespace N { export const a = 1; }\n"
            'export const save = (env: Env, k: string) => env.CACHE.put(k, "v");'
        ),
    },
    "abstract ctor type": {
        "w.ts": (
            "type C = abstract new () => object;\n"
            "type M = { -readonly [K in keyof C]+?: C[K] };\n"
            'export const save = (env: Env, k: string) => env.CACHE.put(k, "v");'
        ),
    },
    "arrow generic tsx": {
        "w.tsx": (
            "const f = <T,>(x: T) => x;\n"
            'export const save = (env: Env, k: string) => env.CACHE.put(k, "v");'
        ),
    },
    "instantiation expr": {
        "w.ts": (
            "const m = Map<string, number>;\n"
            "const g = f<string>;\n"
            'export const save = (env: Env, k: string) => env.CACHE.put(k, "v");'
        ),
    },
}


@pytest.mark.parametrize("name", SOURCES)
def test_it_is_read_whole_and_audited(name: str, tmp_path: Path) -> None:
    for path, source in SOURCES[name].items():
        (tmp_path / path).write_text(source + "\n")
    result = audit(tmp_path)
    assert [each.rule for each in result.findings] == ["kv-put-without-expiration"]
    assert (result.unparsable, result.partly_read, result.failures) == ([], [], [])
