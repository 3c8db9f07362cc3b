"""The report on paper: printed by Chromium, where there is one."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from cachelib.errors import CachelibError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE_S = 120


class NoBrowserError(CachelibError, ValueError):
    """There is no Chromium to print with."""


class PrintError(CachelibError, RuntimeError):
    """The browser printed nothing."""


def browser() -> str:
    """The path of a Chromium; raises `NoBrowserError`."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        raise NoBrowserError(
            f"--pdf needs Chromium or Chrome, and there is none on the PATH ({', '.join(NAMES)}); "
            "install one, or print report.html from your own browser"
        )
    return found


def print_page(browser: str, page: Path, target: Path) -> None:
    """Print an HTML file into `target`, whole or not at all; raises `PrintError`."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".print-") as folder:
        printed = Path(folder, "printed.pdf")
        said = _run([
            browser, "--headless", "--disable-gpu", "--no-first-run", "--no-pdf-header-footer",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),  # Chromium refuses root otherwise
            f"--user-data-dir={folder}/profile", f"--print-to-pdf={printed}",
            page.resolve().as_uri(),
        ])  # fmt: skip
        if not printed.exists():
            raise PrintError(f"{target}: not printed; {browser} said: {said}")
        os.replace(printed, target)


def _run(words: list[str]) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_S)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return done.stderr.strip()[-500:] or "nothing"
