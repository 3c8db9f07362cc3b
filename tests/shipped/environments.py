"""An environment like a user's: nothing in it but what the lock file brings, and the wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOG = '192.0.2.1 - - [01/Aug/2026:{:02d}:{:02d}:07 +0000] "GET /item/{} HTTP/1.1" 200 {}\n'


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and the folder that its commands run in."""

    folder: Path
    work: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def run(self, *words: str, status: int = 0) -> str:
        """What `cachelib WORDS` prints; its exit status must be `status`, and it leaves no trace
        of the developers' environment in the process."""
        return self._run(str(self.folder / "bin" / "cachelib"), *words, status=status)

    def module(self, *words: str) -> str:
        """What `python -m WORDS` prints."""
        return self._run(str(self.python), "-m", *words)

    def script(self, code: str, *words: str) -> str:
        """What a script prints."""
        return self._run(str(self.python), "-c", code, *words)

    def _run(self, *words: str, status: int = 0) -> str:
        clean = {
            name: value
            for name, value in os.environ.items()
            if name not in ("VIRTUAL_ENV", "PYTHONPATH") and not name.startswith("PYTEST_")
        }
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            words, cwd=self.work, env={**clean, "PATH": path}, capture_output=True, text=True,
            timeout=900,
        )  # fmt: skip
        assert done.returncode == status, f"{words}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout


def locked(made: Environment) -> None:
    """requirements.lock alone: what `make report` sets up."""
    made.work.mkdir(parents=True)
    without_pip = ["--without-pip"] if _uv() else []
    subprocess.run([sys.executable, "-m", "venv", *without_pip, str(made.folder)], check=True)
    install(made, "--no-deps", "--require-hashes", "-r", str(ROOT / "requirements.lock"))
    _share_bytecode(made)


def with_wheel(made: Environment) -> None:
    """`pip install 'cachelib-decisions[report]'`, for which the lock file must have been enough."""
    dist = made.folder.with_name("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(dist)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = dist.glob("*.whl")
    before = packages(made)
    install(made, f"{wheel}[report]", "-c", str(ROOT / "requirements.lock"))
    assert packages(made) - before == {wheel.name.rpartition("-py3")[0]}


def packages(made: Environment) -> set[str]:
    """Name and version of all that is installed."""
    return {path.stem for path in _site(made.python).glob("*.dist-info")}


def _site(python: Path) -> Path:
    [site] = python.parents[1].glob("lib/python*/site-packages")
    return site


def _share_bytecode(made: Environment) -> None:
    """What this process's environment has compiled of the very same files need not be compiled
    again, which takes ten seconds: Python looks at a source's time and size before it believes."""
    mine, theirs = _site(Path(sys.executable)), _site(made.python)
    for folder in mine.rglob("__pycache__"):
        beside = theirs / folder.relative_to(mine)
        if beside.parent.is_dir() and not beside.exists():
            shutil.copytree(folder, beside)


def install(made: Environment, *words: str) -> None:
    """Install with uv where it is, which takes seconds, or else with pip."""
    uv = _uv()
    pip = [str(made.python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    command = [uv, "pip", "install", "-q", "--python", str(made.python)] if uv else pip
    done = subprocess.run([*command, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _uv() -> str | None:
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.exists() else shutil.which("uv")


def a_log(path: Path) -> Path:
    """A short access log in the Combined Log Format's older form."""
    lines = (LOG.format(n // 60 % 24, n % 60, n * n % 37, 100 + n % 7) for n in range(1_000))
    path.write_text("".join(lines), "utf-8")
    return path
