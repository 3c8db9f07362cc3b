"""The audited folder as it was in a revision of its git repository.

Only objects are read (rev-parse, merge-base, ls-tree, cat-file): a repository's own settings can
have other commands of git run programs (monitors, filters, external diffs, pagers, hooks).
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from cachelib.evidence.errors import EvidenceError
from cachelib.evidence.files import MAX_BYTES, SOURCE_SUFFIXES

_NAMES = {"package.json", "tsconfig.json", "wrangler.toml", "wrangler.json", "wrangler.jsonc"}
_OF_A_HOOK = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")  # where git itself started us
_QUIET = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "LC_ALL": "C",
}


@contextmanager
def folder_at(revision: str, directory: Path) -> Iterator[Path | None]:
    """A temporary copy of what an audit reads of `directory`; None where it had nothing of it.

    `revision` stands for where the current branch left it, so that what came to it later does not
    count as changed here. Raises EvidenceError outside of a repository or for no such revision.
    """
    place = _git(directory, "rev-parse", "--show-prefix").decode().rstrip("\n")
    commit = _commit(revision, directory)
    with TemporaryDirectory(prefix="cachelib-") as home:
        root = Path(home)
        below = ["--", place] if place else []
        listed = _git(directory, "ls-tree", "-r", "-z", "--long", "--full-tree", commit, *below)
        wanted = [each for each in _entries(listed, place) if _is_read(each[0])]
        for name, content in _contents(directory, wanted):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        yield root if wanted else None


def _commit(revision: str, directory: Path) -> str:
    name = f"{revision}^{{commit}}"
    wanted = ("rev-parse", "--verify", "--quiet", "--end-of-options", name)
    named = _git(directory, *wanted, or_nothing=True)
    given = named.decode().strip()
    if not given:
        raise EvidenceError(
            f"--changed-since {revision}: no such revision here; where the history was fetched "
            "in part (as CI does), fetch this revision too"
        )
    forked = _git(directory, "merge-base", given, "HEAD", or_nothing=True).decode().strip()
    return forked or given


def _entries(listed: bytes, place: str) -> Iterator[tuple[str, str]]:
    """The names below `place` and the objects of regular files; no way leads out of it."""
    for entry in listed.split(b"\0"):
        kind, _, name = entry.partition(b"\t")
        mode, _, object_, size = (kind.split() + [b""] * 4)[:4]
        path = name.decode(errors="surrogateescape")
        safe = path.startswith(place) and ".." not in PurePosixPath(path).parts
        if mode.startswith(b"100") and safe and int(size) <= MAX_BYTES:
            yield path.removeprefix(place), object_.decode()


def _is_read(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix in SOURCE_SUFFIXES or path.name in _NAMES


def _contents(directory: Path, wanted: list[tuple[str, str]]) -> Iterator[tuple[str, bytes]]:
    objects = "".join(f"{object_}\n" for _, object_ in wanted).encode()
    answer = _git(directory, "cat-file", "--batch", given=objects)
    at = 0
    for name, _ in wanted:
        end = answer.find(b"\n", at)
        *_, size = answer[at:end].split()
        if not size.isdigit():
            raise EvidenceError(f"{name}: git has no content for it; fetch the history whole")
        yield name, answer[end + 1 : end + 1 + int(size)]
        at = end + 1 + int(size) + 1


def _git(directory: Path, *words: str, given: bytes = b"", or_nothing: bool = False) -> bytes:
    """What a reading command of git says."""
    command = ["git", "-C", str(directory), "-c", "core.fsmonitor=false", *words]
    around = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}
    try:
        done = subprocess.run(  # noqa: S603
            command, input=given, capture_output=True, check=False, env=around | _QUIET
        )
    except FileNotFoundError:
        raise EvidenceError("--changed-since needs git, which is not here") from None
    if done.returncode == 128 and words[1] == "--show-prefix":
        raise EvidenceError(f"{directory}: in no git repository, which --changed-since needs")
    if done.returncode and not or_nothing:
        raise EvidenceError(f"{directory}: git: {done.stderr.decode(errors='replace').strip()}")
    return b"" if done.returncode else done.stdout
