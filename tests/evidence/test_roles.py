"""What a family of keys is for, and where its values come from."""

from pathlib import Path

import pytest

from cachelib.evidence import audit
from cachelib.evidence.examination import Examination
from cachelib.evidence.files import Source
from cachelib.evidence.imports import Imports
from cachelib.evidence.module import read_modules
from cachelib.evidence.program import program_of


def examined(source: str) -> Examination:
    modules, faults = read_modules([Source("index.ts", source)])
    assert faults == []
    return Examination(program_of(modules, Imports(["index.ts"], {})), None, {})


def role(source: str) -> str:
    examination = examined(source)
    return examination.roles.of(examination.operations[-1]).name


FILL = """export async function read(env: Env, id: string) {
  const known = await env.THINGS.get(`t:${id}`);
  if (known) return known;
  const fresh = await (await fetch(`https://x.example/${id}`)).text();
  await env.THINGS.put(`t:${id}`, fresh);
}"""
MINTED = """export async function key(env: Env) {
  const known = await env.THINGS.get("jwk", "json");
  if (known) return known;
  const made = await crypto.subtle.generateKey("Ed25519", true, ["sign"]);
  await env.THINGS.put("jwk", JSON.stringify(await crypto.subtle.exportKey("jwk", made)));
}"""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (FILL, "cache"),
        (MINTED, "record"),
        (MINTED.replace("jwk", "signing-key"), "token"),
        (
            "export async function hit(env: Env, id: string) {\n"
            "  const n = Number(await env.THINGS.get(id)) + 1;\n"
            "  await env.THINGS.put(id, String(n));\n}",
            "counter",
        ),
        (
            "export async function add(env: Env, item: string) {\n"
            '  const all = (await env.THINGS.get("all", "json")) ?? [];\n'
            '  await env.THINGS.put("all", JSON.stringify([...all, item]));\n}',
            "record",
        ),
        ("export const f = (env: Env, id: string) => env.SESSIONS.get(id);", "token"),
        ('export const f = (env: Env) => env.SETTINGS.get("theme");', "configuration"),
        ("export const f = (env: Env, k: string) => env.PAGE_CACHE.get(k);", "cache"),
        ("export const f = (env: Env, k: string) => env.THINGS.get(k);", "unknown"),
    ],
)
def test_the_role_of_a_family_of_keys(source: str, expected: str) -> None:
    assert role(source) == expected


def test_a_constant_name_is_followed_into_the_key() -> None:
    examination = examined(
        'const PREFIX = "page";\nconst key = (id: string) => `${PREFIX}:${id}`;\n'
        "export const f = (env: Env, id: string) => env.CACHE.get(key(id));"
    )
    assert examination.flow.pattern(examination.operations[0].key) == "page:*"


def test_what_decides_a_value_is_followed_through_fields_and_calls() -> None:
    examination = examined(
        "class Api { constructor(private key: string) {}\n"
        "  async load() { return fetch('https://x.example', { headers: { key: this.key } }); } }\n"
        "export async function f(env: Env, user: { key: string }) {\n"
        "  const answer = await new Api(user.key).load();\n"
        "  await env.CACHE.put('a', answer);\n}"
    )
    (put,) = examination.of("put")
    origins = {(each.kind, each.text) for each in examination.flow.origins(put.value)}
    assert ("given", "user.key") in origins
    assert ("load", "fetch") in origins


REPAIRED = ("kv-put-without-expiration", "kv-manual-expiry-check", "kv-write-awaited")


@pytest.mark.parametrize(
    "source",
    [
        MINTED,
        'export const f = (env: Env, x: string) => env.SETTINGS.put("theme", x);',
        "export const f = (env: Env, id: string, c: object) =>\n"
        "  env.OAUTH.put(`client:${id}`, JSON.stringify(c));",
        "export async function f(env: Env, t: string) {\n"
        '  const token = await env.TOKENS.get(t, "json");\n'
        "  if (token.exp < Date.now()) {\n    return null;\n  }\n  return token;\n}",
    ],
)
def test_no_repair_takes_durability_or_a_guard_away(source: str, tmp_path: Path) -> None:
    (tmp_path / "index.ts").write_text(source)
    assert not [each for each in audit(tmp_path).findings if each.rule in REPAIRED and each.fix]


def test_an_expiry_check_stays_where_nothing_else_ends_the_entry(tmp_path: Path) -> None:
    (tmp_path / "index.ts").write_text(
        "export async function f(env: Env, key: string) {\n"
        '  const entry = await env.CACHE.get(key, "json");\n'
        "  if (entry.expiresAt < Date.now()) {\n    return null;\n  }\n  return entry;\n}\n"
        "export const g = (env: Env, key: string, v: string) => env.CACHE.put(key, v);\n"
    )
    checks = [e for e in audit(tmp_path).findings if e.rule == "kv-manual-expiry-check"]
    assert [each.fix for each in checks] == [None]


def test_a_finding_says_how_sure_it_is_and_why(tmp_path: Path) -> None:
    (tmp_path / "index.ts").write_text(FILL)
    (finding,) = [e for e in audit(tmp_path).findings if e.rule == "kv-put-without-expiration"]
    assert (finding.confidence, finding.because) == ("high", "a miss is loaded and written back")
