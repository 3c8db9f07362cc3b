"""One file that nobody could follow costs neither minutes nor the findings in the others."""

from pathlib import Path

import pytest

from cachelib.evidence import audit
from cachelib.evidence.syntax import TooMuchWorkError, at_most, below, parse

LOADS = 1_500
TANGLED = (
    "export async function all(env: Env) {\n"
    + "\n".join(
        f'  const v{n} = await env.CACHE.get("k{n}") ?? await (await fetch("/{n}")).text();\n'
        f'  await env.CACHE.put("k{n}", v{n});'
        for n in range(LOADS)
    )
    + "\n}\n"
)
PLAIN = "export const save = (env: Env, k: string, v: string) => env.CACHE.put(k, v);\n"


def test_a_tangled_file_is_named_and_the_others_are_audited(tmp_path: Path) -> None:
    (tmp_path / "tangled.ts").write_text(TANGLED)
    (tmp_path / "plain.ts").write_text(PLAIN)
    result = audit(tmp_path)
    assert [(each.rule, each.file) for each in result.findings] == [
        ("kv-put-without-expiration", "plain.ts")
    ]
    assert [each.file for each in result.unparsable] == ["tangled.ts"]
    assert "too long" in result.unparsable[0].reason
    assert result.failures == []


def test_many_keys_read_and_written_in_one_routine_are_paired_without_comparing_all(
    tmp_path: Path,
) -> None:
    many = TANGLED.split("\n")
    (tmp_path / "long.ts").write_text("\n".join([*many[: 2 * 60 + 1], "}", ""]))
    result = audit(tmp_path)
    assert result.unparsable == []
    rules = {each.rule for each in result.findings}
    assert rules == {"cache-error-response", "kv-put-without-expiration", "no-single-flight"}


def test_work_is_counted_in_nodes() -> None:
    root = parse("const a = 1;\n" * 10, "typescript")
    with at_most(root.descendant_count):
        assert len(list(below(root, "number"))) == 10
        with pytest.raises(TooMuchWorkError):
            list(below(root, "number"))
    assert len(list(below(root, "number"))) == 10
