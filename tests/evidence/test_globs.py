"""Patterns of paths as .gitignore has them."""

import pytest

from cachelib.evidence.globs import matches


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("legacy", "legacy/a.ts", True),
        ("legacy", "src/legacy/b/a.ts", True),
        ("legacy", "src/legacy.ts", False),
        ("*.gen.ts", "src/x/a.gen.ts", True),
        ("src/old/", "src/old/a/b.ts", True),
        ("src/old/", "lib/src/old/a.ts", False),
        ("src/*.ts", "src/a.ts", True),
        ("src/*.ts", "src/b/a.ts", False),
        ("src/**/a.ts", "src/a.ts", True),
        ("src/**/a.ts", "src/b/c/a.ts", True),
        ("src/**", "src/b/c.ts", True),
        ("/src", "src/a.ts", True),
        ("a?.ts", "ab.ts", True),
        ("a+(b).ts", "a+(b).ts", True),
        ("a+(b).ts", "aab.ts", False),
    ],
)
def test_a_pattern_matches(pattern: str, path: str, expected: bool) -> None:
    assert matches(path, pattern) is expected
