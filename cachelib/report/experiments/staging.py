"""A report's folder: built aside, then its own files replaced, by one run at a time.

The folder bears a list of the files that are the report's (`MARKER`); no other file is ever
touched. A run that is killed while it replaces them has its work done by the next one: what it was
to put there lies complete in `READY`.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from cachelib.errors import CachelibError
from cachelib.evidence.files import regular
from cachelib.model.schema.scratch import locked
from cachelib.report.experiments.source import digest_of_file

MARKER = ".cachelib-report"
STAGE = ".cachelib-building"
FINISHED = ".cachelib-finished"
"""Where notebooks lie that finished in a run which did not; see `reuse.kept`."""
READY = "ready"
FORMAT = "files of a report by cachelib, 1"
ABOUT = "Of this folder, only these files are replaced or removed by the next run."
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

Files = dict[str, str]
"""A report's files: the path from its folder, with forward slashes, to a digest of the content."""


class OutputError(CachelibError, ValueError):
    """A folder that a report may not be written to."""


class UnwrittenError(CachelibError, RuntimeError):
    """A report that could not be written; the one before it, if any, is as it was."""


@contextmanager
def exclusive(out: Path) -> Iterator[Path]:
    """A new folder to build in, which vanishes at the end; see `replace`. Links are followed.

    Raises `OutputError` if `out` is there and no report, cannot be written to, or is being written
    by another run; `UnwrittenError` if the disk is full.
    """
    place = free(out)
    try:
        handle = _lock(place / STAGE, out)
    except OSError as error:
        raise OutputError(f"{out}: cannot be written: {error.strerror}") from None
    stage = place / STAGE
    try:
        _clear(stage, place)
        yield stage
    except OSError as error:
        if not is_full(error):
            raise
        raise UnwrittenError(
            f"{out}: {error.strerror}; no report was written, and an earlier one is as it was;"
            " what notebooks finished before is kept for the next run, as far as there was room"
        ) from None
    finally:
        if (stage / READY).exists():  # what was interrupted
            _finish(place, stage)
        shutil.rmtree(stage, ignore_errors=True)
        with suppress(OSError):
            place.rmdir()  # if it is empty: this run has made it, or found it so
        os.close(handle)


def free(out: Path) -> Path:
    """Where the report really goes; raises `OutputError` where none may be written."""
    place = real(out)
    if (why := why_not(place)) is not None:
        raise OutputError(f"{out}: {why}; name another folder with --out")
    return place


def real(out: Path) -> Path:
    """Where the report really goes, whether that is there already or not."""
    return Path(os.path.realpath(out))


def why_not(place: Path) -> str | None:
    """Why no report may be written into a folder: it must be one, be empty, or not be there."""
    if not os.path.lexists(place):
        return None
    if not place.is_dir():
        return "is no folder"
    try:
        kept = {entry.name for entry in place.iterdir()} - {STAGE, FINISHED}
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if not kept:
        return None
    if MARKER not in kept:
        return f"is there already and is no report (it has no {MARKER})"
    return None if _listed(place) is not None else f"its list of files, {MARKER}, is damaged"


def is_full(error: OSError) -> bool:
    """Whether the disk, or the user's share of it, is what is wrong."""
    return error.errno in FULL


def replace(out: Path, stage: Path, new: Path) -> None:
    """Put the files of the folder `new`, which lies in `stage`, in the place of the report's.

    Raises `OutputError`, before anything is touched, where one of them would replace what is not
    the report's.
    """
    place, files = real(out), _digests(new)
    old = _listed(place) or {}
    for name in files:
        foreign = name not in old and os.path.lexists(place / name)
        if foreign or (place / name).is_dir() or not _is_inside(place, name):
            raise OutputError(f"{out / name}: is there already and is not the report's; move it")
    _write_list(new / MARKER, files)
    _write_list(stage / MARKER, {**old, **files})  # half replaced, all of it is the report's
    os.replace(stage / MARKER, place / MARKER)
    for name in files:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
    os.replace(new, stage / READY)  # it is decided: this run does it, or the next
    _finish(place, stage)


def add(out: Path, stage: Path, file: Path) -> None:
    """Put one more file, which lies in `stage`, into the report's folder; see `replace`."""
    place = real(out)
    listed = _listed(place) or {}
    if file.name not in listed and os.path.lexists(place / file.name):
        raise OutputError(f"{out / file.name}: is there already and is not the report's; move it")
    _write_list(stage / MARKER, {**listed, file.name: digest_of_file(file)})
    os.replace(stage / MARKER, place / MARKER)
    os.replace(file, place / file.name)


def others(out: Path) -> list[str]:
    """What lies in the report's folder and is not the report's, the uppermost of each; sorted."""
    place = real(out)
    own = {*(_listed(place) or {}), MARKER, STAGE, FINISHED}
    folders = {str(parent) for name in own for parent in PurePosixPath(name).parents}
    return sorted(_foreign(place, "", own, folders))


def _foreign(place: Path, below: str, own: set[str], folders: set[str]) -> Iterator[str]:
    for entry in os.scandir(place / below):
        name = f"{below}{entry.name}"
        if name in folders and entry.is_dir(follow_symlinks=False):
            yield from _foreign(place, f"{name}/", own, folders)
        elif name not in own:
            yield name


def _finish(place: Path, stage: Path) -> None:
    """What `replace` has decided; any step may have been taken before. It takes no more room."""
    ready = stage / READY
    new, old = _listed(ready) or {}, _listed(place) or {}
    for name in new:
        if _is_inside(place, name) and (ready / name).is_file() and _is_inside(ready, name):
            os.replace(ready / name, place / name)
    for name in old.keys() - new.keys():
        _remove(place, name, old[name])
    os.replace(ready / MARKER, place / MARKER)
    shutil.rmtree(ready)


def _remove(place: Path, name: str, digest: str) -> None:
    """Remove a file that was the report's, unless somebody has changed it since."""
    file = place / name
    with suppress(OSError):
        if _is_inside(place, name) and not file.is_symlink() and digest_of_file(file) == digest:
            file.unlink()
            for folder in PurePosixPath(name).parents[:-1]:
                (place / folder).rmdir()  # fails where there is more in it


def _is_inside(place: Path, name: str) -> bool:
    """Whether a path leads through folders of the report's own, not through links out of it."""
    return (place / name).parent.resolve() == (place / name).parent


def _listed(folder: Path) -> Files | None:
    """The list of files that a report bears; None where there is none or it cannot be right."""
    try:
        said = json.loads(regular(folder / MARKER).read_text("utf-8"))
        files: Files = said["files"]
        if said["format"] != FORMAT or not all(map(_is_below, files)):
            return None
        return {str(name): str(digest) for name, digest in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _is_below(name: str) -> bool:
    """Whether a path stays in its folder: a list may be a stranger's."""
    path = PurePosixPath(name)
    return not path.is_absolute() and str(path) == name and not {"..", "."} & set(path.parts)


def _write_list(path: Path, files: Files) -> None:
    said = {"format": FORMAT, "about": ABOUT, "files": files}
    path.write_text(json.dumps(said, indent=1) + "\n", "utf-8")


def _digests(folder: Path) -> Files:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): digest_of_file(file) for file in files}


def _lock(stage: Path, out: Path) -> int:
    """The stage made and locked; the lock ends with its process, however that ends."""
    while True:
        stage.mkdir(parents=True, exist_ok=True)
        if stage.is_symlink():
            raise OutputError(f"{out}: {STAGE} in it is a link, which is not followed; remove it")
        with suppress(FileNotFoundError):  # the run that held it until now has just removed it
            if (handle := locked(stage)) is not None:
                return handle
            wait = "wait until it is done, or name another folder with --out"
            raise OutputError(f"{out}: another run is writing this report; {wait}")


def _clear(stage: Path, place: Path) -> None:
    """Finish or undo what a run left that was killed."""
    if _listed(stage / READY) is not None:
        _finish(place, stage)
    for left in stage.iterdir():
        shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
