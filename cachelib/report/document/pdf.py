"""The report on paper: printed by Chromium, where there is one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from cachelib.errors import CachelibError
from cachelib.report.experiments import staging

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
QUIET = (
    "--disable-background-networking", "--disable-component-update", "--disable-quic",
    "--disable-sync",
)  # fmt: skip
PATIENCE_S = 120
_TO_A_FILE = re.compile(
    r"""(<a\b(?:[^>"']|"[^"]*"|'[^']*')*?)\s(?:xlink:)?href\s*=\s*"""
    r"""(?:"(?!#|https?:)[^"]*"|'(?!#|https?:)[^']*'|(?!["'#]|https?:)[^\s>]*)""",
    re.IGNORECASE,
)


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


def print_report(browser: str, out: Path) -> None:
    """Print the report in `out` into its `report.pdf`, whole or not at all; raises `PrintError`."""
    with staging.exclusive(out) as stage:
        page, printed = stage / "report.html", stage / "report.pdf"
        page.write_text(without_files((out / "report.html").read_text("utf-8")), "utf-8")
        said = _run([
            browser, "--headless", "--disable-gpu", "--no-first-run", "--no-pdf-header-footer",
            *QUIET,
            *(["--no-sandbox"] if os.geteuid() == 0 else []),  # Chromium refuses root otherwise
            f"--user-data-dir={stage}/profile", f"--print-to-pdf={printed}",
            page.resolve().as_uri(),
        ])  # fmt: skip
        if not printed.exists():
            raise PrintError(f"{out / printed.name}: not printed; {browser} said: {said}")
        staging.add(out, stage, printed)


def without_files(html: str) -> str:
    """The page without its links to other files: printed, they would say where this one lay."""
    return _TO_A_FILE.sub(r"\1", html)


def _run(words: list[str]) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_S)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return done.stderr.strip()[-500:] or "nothing"
