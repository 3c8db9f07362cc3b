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
STATED = runpy.run_path(str(ROOT / ".ci" / "licences.py"))["stated"]
PEERS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
    "optional-dependencies"
]["bench"]
IN_USE = {
    package.metadata["Name"]: STATED(package.metadata)
    for package in distributions()
    if not any(peer.startswith(package.metadata["Name"].lower()) for peer in PEERS)
}
ASKING = sorted(name for name, licence in IN_USE.items() if ASKS_MORE.search(licence))


def test_no_package_is_under_the_gpl_itself() -> None:
    strict = re.compile(r"(?<!L)GPL(?!.*exception)")
    assert not {name: licence for name, licence in IN_USE.items() if strict.search(licence)}


@pytest.mark.parametrize("name", ASKING)
def test_a_package_whose_licence_asks_for_something_is_named(name: str) -> None:
    assert name in (ROOT / "SECURITY.md").read_text("utf-8"), IN_USE[name]
