"""SECURITY.md names every licence in use that asks more than to be named."""

from __future__ import annotations

import re
import runpy
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ASKS_MORE = re.compile(r"GPL|MPL|Mozilla|EUPL|CDDL|Lesser|not stated")
PEERS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
    "optional-dependencies"
]["bench"]


@pytest.fixture(scope="module")
def in_use() -> dict[str, str]:
    """The licence of each package. Two hundred files of metadata are read: once, when asked."""
    stated = runpy.run_path(str(ROOT / ".ci" / "licences.py"))["stated"]
    packages = [package.metadata for package in distributions()]
    return {
        package["Name"]: stated(package)
        for package in packages
        if not any(peer.startswith(package["Name"].lower()) for peer in PEERS)
    }


def test_no_package_is_under_the_gpl_itself(in_use: dict[str, str]) -> None:
    strict = re.compile(r"(?<!L)GPL(?!.*exception)")
    assert not {name: licence for name, licence in in_use.items() if strict.search(licence)}


def test_packages_whose_licence_asks_for_something_are_named(in_use: dict[str, str]) -> None:
    asking = {name: licence for name, licence in in_use.items() if ASKS_MORE.search(licence)}
    assert len(asking) > 3
    named = (ROOT / "SECURITY.md").read_text("utf-8")
    assert not {name: licence for name, licence in asking.items() if name not in named}
