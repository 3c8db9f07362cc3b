"""Which sources are a Worker's, which file an import names, which kind a binding has."""

from pathlib import Path

import pytest

from cachelib.evidence import Settings, audit, inventory
from cachelib.evidence.display import inventory_text
from cachelib.evidence.imports import Imports, package_name
from cachelib.evidence.workspace import declarations

FAULT = "export const save = (env, key, value) => env.CACHE.put(key, value);\n"
KV = '[[kv_namespaces]]\nbinding = "CACHE"\nid = "0"\n'


def put(directory: Path, files: dict[str, str]) -> None:
    for name, source in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)


def found(directory: Path) -> list[tuple[str, str]]:
    return [(each.rule, each.file) for each in audit(directory).findings]


def test_a_worker_is_what_its_entry_imports(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "wrangler.toml": 'main = "src/index.ts"\n' + KV,
            "src/index.ts": 'import "./used";\n',
            "src/used.ts": FAULT,
            "src/left.ts": FAULT,
            "scripts/seed.ts": FAULT,
        },
    )
    assert found(tmp_path) == [("kv-put-without-expiration", "src/used.ts")]
    assert audit(tmp_path).skipped == {"not run by a Worker": 2}


def test_every_configuration_below_is_a_worker_of_its_own(tmp_path: Path) -> None:
    bucket = '[[r2_buckets]]\nbinding = "STORE"\nbucket_name = "b"\n'
    source = "export const f = (env, cached) => env.STORE.put(cached.key, cached.value);\n"
    put(
        tmp_path,
        {
            "a/wrangler.toml": 'main = "cache.ts"\n' + bucket,
            "a/cache.ts": source,
            "b/wrangler.jsonc": '{"main": "cache.ts", "kv_namespaces": [{"binding": "STORE"}]}',
            "b/cache.ts": source,
        },
    )
    assert found(tmp_path) == [("kv-put-without-expiration", "b/cache.ts")]


def test_a_package_of_the_workspace_is_followed(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "apps/web/wrangler.toml": 'main = "index.ts"\n' + KV,
            "apps/web/index.ts": 'export { save } from "@acme/store";\n',
            "packages/store/package.json": '{"name": "@acme/store"}',
            "packages/store/src/index.ts": FAULT,
        },
    )
    assert found(tmp_path) == [("kv-put-without-expiration", "packages/store/src/index.ts")]


@pytest.mark.parametrize(
    "source",
    [
        'import { Trend } from "k6/metrics";\nconst t = new Trend("t");\nlet n = 0;\n'
        "export default () => { n++; t.add(n); };\n",
        "let shown = 0;\nfunction show() { shown++; document.getElementById('n').remove(); }\n",
        "#!/usr/bin/env node\nlet runs = 0;\nfunction run() { runs++; }\n",
    ],
)
def test_what_runs_elsewhere_is_not_audited(source: str, tmp_path: Path) -> None:
    put(tmp_path, {"a.js": source})
    assert found(tmp_path) == []


def test_an_unreadable_configuration_below_is_a_fault_and_the_rest_goes_on(tmp_path: Path) -> None:
    put(tmp_path, {"a/wrangler.toml": "name = \n", "b/index.ts": FAULT})
    result = audit(tmp_path)
    assert [each.file for each in result.unparsable] == ["a"]
    assert [each.file for each in result.findings] == ["b/index.ts"]


IMPORTS = Imports(
    ["src/index.ts", "src/store/index.ts", "src/util.mts", "lib/db.ts", "pkg/x/src/main.ts"],
    {"@a/x": "pkg/x"},
)


@pytest.mark.parametrize(
    ("specifier", "file"),
    [
        ("./store", "src/store/index.ts"),
        ("./store/index.js", "src/store/index.ts"),
        ("./util", "src/util.mts"),
        ("../lib/db.js", "lib/db.ts"),
        ("../../outside", None),
        ("@/store", "src/store/index.ts"),
        ("~/lib/db", "lib/db.ts"),
        ("lib/db", "lib/db.ts"),
        ("@a/x", "pkg/x/src/main.ts"),
        ("hono", None),
        ("drizzle-orm/d1", None),
    ],
)
def test_an_import_names_a_file(specifier: str, file: str | None) -> None:
    assert IMPORTS.resolve("src/index.ts", specifier) == file


@pytest.mark.parametrize("text", ["", "[]", "{", '{"name": 3}', "[" * 100_000])
def test_a_package_json_that_says_nothing(text: str) -> None:
    assert package_name(text) is None


def test_generated_declarations_tell_the_kinds() -> None:
    source = """declare namespace Cloudflare { interface Env {
      STORE: R2Bucket; LOG?: Fetcher; N: string;
      ROOMS: DurableObjectNamespace<import("./src").Room>;
    } }
    declare const LINKS: KVNamespace;"""
    assert declarations(source) == {
        "STORE": "r2",
        "LOG": "service",
        "ROOMS": "durable_object",
        "N": "other_binding",
        "LINKS": "kv",
    }


def test_a_binding_newer_than_the_list_is_one_all_the_same(tmp_path: Path) -> None:
    put(tmp_path, {"wrangler.toml": '[[time_machines]]\nbinding = "PAST"\n'})
    (fact,) = inventory(tmp_path).of("other_binding")
    assert (fact.name, fact.label) == ("PAST", "time_machines binding")


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        (
            '[[secrets_store_secrets]]\nbinding = "X"\nstore_id = "1"\nsecret_name = "s"',
            "secrets_store",
        ),
        ('[[dispatch_namespaces]]\nbinding = "X"\nnamespace = "n"', "dispatch"),
        ('[[send_email]]\nname = "X"', "send_email"),
        ('[[pipelines]]\nbinding = "X"\npipeline = "p"', "pipeline"),
        ('[version_metadata]\nbinding = "X"', "version"),
        ('[assets]\nbinding = "X"\ndirectory = "public"', "assets"),
    ],
)
def test_every_kind_that_wrangler_knows_is_known(table: str, kind: str, tmp_path: Path) -> None:
    put(
        tmp_path,
        {"wrangler.toml": table + "\n", "a.ts": "export const x = (env) => env.X.get('k');"},
    )
    assert [fact.name for fact in inventory(tmp_path).facts if fact.kind == kind] == ["X"]
    assert found(tmp_path) == []


def test_servers_of_other_runtimes_and_pages_for_browsers_are_not_audited(tmp_path: Path) -> None:
    files = {
        "deno.ts": "const all: string[] = [];\nDeno.serve((r) => all.push(r.url));",
        "node.ts": 'import http from "http";\nconst u = [];\nhttp.createServer((r) => u.push(r));',
        "page.tsx": '"use client";\nexport const put = (k: string) => caches.open("a").put(k, k);',
    }
    for name, source in files.items():
        (tmp_path / name).write_text(source)
    result = audit(tmp_path)
    assert (result.findings, result.skipped) == ([], {"not run by a Worker": 3})


def test_why_a_binding_may_be_there_is_told_where_another_tool_deploys(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "deploy.tf": 'bindings = [{ name = "CHECKERS", type = "kv_namespace" }]\n',
            "worker/wrangler.toml": 'main = "index.ts"\n',
            "worker/index.ts": 'export const check = (env) => env.CHECKERS.get("a");\n',
        },
    )
    findings = audit(tmp_path, Settings(confidence="low")).findings
    (told,) = (each for each in findings if each.rule == "binding-not-configured")
    assert (told.confidence, told.because) == (
        "low",
        "deploy.tf names it, which may declare it without wrangler",
    )


def test_evidence_names_the_configurations_below_that_it_does_not_read(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "wrangler.toml": 'name = "site"\n',
            "worker/wrangler.toml": 'name = "worker"\n',
            "apps/api/wrangler.jsonc": "{}",
            "node_modules/other/wrangler.toml": 'name = "other"\n',
        },
    )
    found = inventory(tmp_path)
    assert (found.file, found.not_read) == (
        "wrangler.toml",
        ["apps/api/wrangler.jsonc", "worker/wrangler.toml"],
    )
    assert "\n  worker/wrangler.toml" in inventory_text(found)
