"""A copy in KV that nothing loads again is told as such; one that something refreshes is not."""

from pathlib import Path

import pytest

from cachelib.evidence import Settings, audit

FOR_EVER = "readers get its first value for ever"
BODY = """
  const answer = await fetch(`https://origin.example/${id}`);
  const fresh = await answer.text();
  await env.COPIES.put(KEY, fresh);
  return fresh;
"""
ON_A_MISS = (
    "  const found = await env.COPIES.get(KEY);\n  if (found !== null) return found;\n" + BODY
)
LOADER = f"async function load(env: Env, id: string) {{{BODY}}}\n"
READ = "export async function read(env: Env, id: string) {\n"


def message(folder: Path, source: str, key: str = "`copy:${id}`") -> str:
    types = "interface Env { COPIES: KVNamespace }\n"
    (folder / "index.ts").write_text(types + source.replace("KEY", key))
    (folder / "wrangler.toml").write_text(
        'name = "w"\nmain = "index.ts"\nkv_namespaces = [{ binding = "COPIES", id = "1" }]\n'
    )
    found = audit(folder, Settings(confidence="low")).findings
    return " ".join(f.message + f.why for f in found if f.rule == "kv-put-without-expiration")


@pytest.mark.parametrize(
    "source",
    [
        READ + ON_A_MISS + "}",
        LOADER + READ + "  return (await env.COPIES.get(KEY)) ?? (await load(env, id));\n}",
        READ + "  let v = await env.COPIES.get(KEY);\n  if (!v) {\n    "
        "v = await (await fetch(`https://a.example/${id}`)).text();\n    "
        "await env.COPIES.put(KEY, v);\n  }\n  return v;\n}",
    ],
    ids=["who finds it leaves", "a loader", "under the miss"],
)  # fmt: skip
def test_what_is_fetched_on_a_miss_only_is_told(tmp_path: Path, source: str) -> None:
    assert FOR_EVER in message(tmp_path, source)
    assert "until something outside these sources" in message(tmp_path, source)


CRON = """
export default {
  async scheduled(_: ScheduledController, env: Env) {
    for (const id of ["a", "b"]) await load(env, id);
  },
};
"""


@pytest.mark.parametrize(
    "source",
    [
        READ + ON_A_MISS + "}\nexport const drop = (env: Env, id: string) => "
        "env.COPIES.delete(KEY);",
        READ + ON_A_MISS + "}\nexport const save = (env: Env, id: string, v: string) => "
        "env.COPIES.put(KEY, v);",
        LOADER + READ + "  return (await env.COPIES.get(KEY)) ?? (await load(env, id));\n}" + CRON,
        READ + "  const found = await env.COPIES.get<Copy>(KEY, 'json');\n  "
        "if (found && found.until > Date.now()) return found.value;\n" + BODY + "}",
        "export async function read(env: Env, id: string, force: boolean) {\n  "
        "const found = force ? null : await env.COPIES.get(KEY);\n  if (found) return found;\n"
        + BODY + "}",
    ],
    ids=["deleted", "overwritten", "a cron", "an age", "on demand"],
)  # fmt: skip
def test_what_something_refreshes_is_not_told_so(tmp_path: Path, source: str) -> None:
    assert FOR_EVER not in message(tmp_path, source)


def test_a_key_that_changes_is_a_new_copy(tmp_path: Path) -> None:
    dated = "`copy:${new Date().toISOString().slice(0, 10)}:${id}`"
    assert FOR_EVER not in message(tmp_path, READ + ON_A_MISS + "}", dated)


def test_what_no_origin_gave_is_not_told_so(tmp_path: Path) -> None:
    made = "export async function read(env: Env, id: string) {\n  await env.COPIES.put(KEY, id);\n}"
    told = message(tmp_path, made)
    assert "never expires" in told
    assert FOR_EVER not in told
