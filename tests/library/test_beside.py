"""The other package called cachelib."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import cachelib

OURS = Path(cachelib.__file__).parent


def run(code: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, env=env, cwd=paths[0])


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """What matters of the other package, in a folder of its own."""
    folder = tmp_path / "theirs" / "cachelib"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("from cachelib.simple import SimpleCache\n")
    (folder / "simple.py").write_text("class SimpleCache: ...\n")
    return folder.parent


def told(words: str) -> bool:
    return all(part in words for part in ("cachelib-decisions", "Pallets", "Flask-Caching", "pip"))


def test_another_package_of_this_name_is_told_at_import_and_where_it_is(theirs: Path) -> None:
    done = run("import cachelib", OURS.parent, theirs)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: ")
    assert told(last)
    assert str(theirs) in last


def test_both_in_one_folder_are_told_by_what_is_left_of_ours(tmp_path: Path, theirs: Path) -> None:
    mixed = tmp_path / "mixed"
    shutil.copytree(OURS, mixed / "cachelib", ignore=shutil.ignore_patterns("_share", "*.pyc"))
    shutil.copytree(theirs / "cachelib", mixed / "cachelib", dirs_exist_ok=True)
    done = run("import sys; sys.argv = ['cachelib']; import cachelib.cli", mixed)
    assert done.returncode != 0
    assert told(done.stderr)
    assert "Traceback" not in done.stderr


def test_who_asks_for_the_others_classes_is_told_whose_they_are() -> None:
    with pytest.raises(ImportError, match="BaseCache is of another package"):
        from cachelib import BaseCache  # type: ignore[attr-defined]  # noqa: F401
    assert not hasattr(cachelib, "no_such_name")
