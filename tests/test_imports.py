"""Who may import whom: the contracts of pyproject.toml, and that the library stands by itself."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib

import grimp
import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from tests.conftest import ROOT

ROOMS = ("cli", "__main__", "commands", "report", "live", "model", "evidence")
EXTRAS = {"cloudflare", "msgspec", "opentelemetry", "redis"}
"""What a store, a codec or telemetry may need, each an extra of its own."""

IMPORT_ALL = """
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    importlib.import_module(name)
print(json.dumps(sorted(sys.modules)))
"""


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("cachelib", include_external_packages=True, cache_dir=None)


@pytest.fixture(scope="module")
def library(graph: grimp.ImportGraph) -> set[str]:
    """The modules that lie in no room: what lies beside the rooms is the library."""
    inside = {"cachelib", *graph.find_descendants("cachelib")}
    return {name for name in inside if name.split(".")[1:2] not in [[room] for room in ROOMS]}


def test_the_contracts_are_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)  # it takes the package from the current folder
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True, no_logo=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_the_page_of_the_design_shows_the_order_that_is_kept() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    layers = {
        tuple(contract.get("containers", ())): contract["layers"]
        for contract in settings["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    }
    page = (ROOT / "docs" / "design.md").read_text("utf-8")
    rooms = [layer.replace("cachelib.", "") for layer in layers[()]]
    assert " → ".join([*rooms, "the library"]) in page
    assert " ← ".join(reversed(layers["cachelib.model",])) in page
    assert " ← ".join(reversed(layers["cachelib.report",])) in page


def test_the_library_imports_no_room(graph: grimp.ImportGraph, library: set[str]) -> None:
    up = {
        f"{name} -> {imported}"
        for name in library
        for imported in graph.find_modules_directly_imported_by(name)
        if imported.startswith("cachelib") and imported not in library
    }
    assert up == set()
    assert {"cachelib", "cachelib.tiered", "cachelib.stores.sqlite"} <= library


def test_the_library_names_no_package_but_its_extras(
    graph: grimp.ImportGraph, library: set[str]
) -> None:
    named = {each for name in library for each in graph.find_modules_directly_imported_by(name)}
    foreign = {each for each in named if not each.startswith("cachelib")}
    assert foreign - sys.stdlib_module_names == EXTRAS


def _loaded(*names: str) -> set[str]:
    """What a Python without any installed package has loaded after importing these."""
    command = [sys.executable, "-I", "-S", "-c", IMPORT_ALL, str(ROOT), *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def test_import_cachelib_needs_the_standard_library_only() -> None:
    loaded = _loaded("cachelib")
    tops = {name.partition(".")[0] for name in loaded}
    assert tops - sys.stdlib_module_names - {"cachelib", "__main__"} == set()
    assert not {f"cachelib.{room}" for room in ROOMS} & loaded


def test_every_file_of_the_library_but_the_extras_own_imports_without_them(
    graph: grimp.ImportGraph, library: set[str]
) -> None:
    needs_one = {
        name
        for name in library
        if EXTRAS & graph.find_modules_directly_imported_by(name)
        and name.startswith("cachelib.stores.")
    }
    _loaded(*sorted(library - needs_one))
