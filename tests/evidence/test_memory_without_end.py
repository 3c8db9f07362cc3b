"""Of a memory without a bound it is said whether its entries ever expire, where that shows."""

from pathlib import Path

import pytest

from cachelib.evidence import audit

SOURCE = """
const kept = new Map<string, TYPE>();
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const id = new URL(request.url).searchParams.get("id") ?? "1";
    const hit = kept.get(id);
    if (CONDITION) return Response.json(hit);
    const value = await env.CACHE.get(id, { cacheTtl: 300 });
    kept.set(id, STORED);
    return Response.json(value);
  },
};
"""


def told(folder: Path, kept: str, condition: str, stored: str) -> tuple[str, str]:
    source = SOURCE.replace("TYPE", kept).replace("CONDITION", condition)
    (folder / "index.ts").write_text(source.replace("STORED", stored))
    (folder / "wrangler.toml").write_text(
        'name = "w"\nmain = "index.ts"\nkv_namespaces = [{ binding = "CACHE", id = "1" }]\n'
    )
    (found,) = (each for each in audit(folder).findings if each.rule == "l1-unbounded")
    return found.confidence, found.message


def test_a_memory_that_keeps_for_ever_what_clients_ask_for(tmp_path: Path) -> None:
    confidence, message = told(tmp_path, "unknown", "hit !== undefined", "value")
    assert confidence == "high"
    assert message.endswith("nothing in it expires: what it keeps first, it serves until then")


@pytest.mark.parametrize(
    ("condition", "stored"),
    [
        ("hit && hit.at > Date.now() - 1000", "{ value, at: Date.now() }"),
        ("hit && !hit.stale", "{ value, stale: false }"),
    ],
)
def test_a_memory_that_looks_at_its_age(tmp_path: Path, condition: str, stored: str) -> None:
    confidence, message = told(tmp_path, "any", condition, stored)
    assert confidence == "high"
    assert message.endswith("it grows until the isolate dies")
