"""The bytes of a log: its files, each once, decompressed and cut into whole lines."""

from __future__ import annotations

import bz2
import codecs
import filecmp
import glob
import gzip
import io
import lzma
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, cast

import pyarrow as pa
from isal import igzip, isal_zlib

from cachelib.errors import CachelibError
from cachelib.model.traffic.logs.archives import archive, end_of_members
from cachelib.model.traffic.logs.buckets import fetched, is_in_bucket

BLOCK = 8 << 20  # to ask the database once takes as long as a thousand rows, memory grows with it
MAX_LINE = 1 << 20
HEAD = 1 << 18
MAX_BEYOND = 1 << 25  # how far to look for the end of a first line
PATIENCE_S = 2.0  # for a program that is started beside this one, to write into a pipe
NOT_DEFLATED = cast(type[Exception], isal_zlib.error)  # its stub says an instance
DAMAGED = (OSError, EOFError, NOT_DEFLATED, lzma.LZMAError)
UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
MAGIC = {
    b"\x1f\x8b": "gzip", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2",
}  # fmt: skip


class LogError(CachelibError, ValueError):
    """A log that cannot be used, with the file and the reason."""


def files(paths: Path | Sequence[Path], stack: ExitStack | None = None) -> list[Path]:
    """The files meant, each once: paths, the visible files below folders, patterns, `-`, `s3://…`.

    What comes by a pipe (`-` is the standard input) or out of a bucket is kept in a file of its own
    until `stack` ends, because a log is looked at more than once.
    """
    given = [paths] if isinstance(paths, Path) else list(paths)
    found: dict[object, Path] = {}
    for path in given:
        for file in _meant(path, stack):
            about = file.stat()
            found.setdefault((about.st_dev, about.st_ino), file)
    if not found:
        raise LogError(f"{' '.join(map(str, given))}: the folder holds no file")
    return list(found.values())


def _meant(path: Path, stack: ExitStack | None) -> list[Path]:
    if str(path) == "-":
        return [_kept(sys.stdin.buffer, stack)]
    if path.is_dir():
        inside = (p for p in sorted(path.rglob("*")) if p.is_file())
        return [p for p in inside if not any(map(_hidden, p.relative_to(path).parts))]
    if path.is_file():
        return [path]
    if path.is_fifo():
        return [_kept_of_pipe(path, stack)]
    if path.exists():
        raise LogError(f"{path}: is no file, no folder and no pipe")
    matched = [Path(name) for name in sorted(glob.glob(str(path), recursive=True))]
    if not matched and is_in_bucket(path):
        return _meant(_in_folder(path, stack), stack)
    if not matched:
        raise LogError(f"{path}: there is no such file")
    return [file for each in matched for file in _meant(each, stack)]


def _in_folder(path: Path, stack: ExitStack | None) -> Path:
    if stack is None:
        raise LogError(f"{path}: is needed twice here; copy it into a folder of your own first")
    return fetched(path, stack)


def same_as_another(found: Sequence[Path]) -> dict[Path, Path]:
    """Files that hold to the byte what an earlier one does, each with that one."""
    first: dict[int, list[Path]] = {}
    same: dict[Path, Path] = {}
    for path in found:
        alike = first.setdefault(path.stat().st_size, [])
        twin = next((each for each in alike if filecmp.cmp(each, path, shallow=False)), None)
        if twin is None:
            alike.append(path)
        else:
            same[path] = twin
    return same


def _hidden(part: str) -> bool:
    return part.startswith(".")


def _kept_of_pipe(path: Path, stack: ExitStack | None) -> Path:
    """Opened in the ordinary way, a pipe into which nobody writes would be waited for for ever."""
    if stack is None:
        raise _once_only(path)
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as pipe:
        start = _start_of_pipe(pipe, path)
        os.set_blocking(pipe.fileno(), True)
        return _kept(pipe, stack, start)


def _start_of_pipe(pipe: io.FileIO, path: Path) -> bytes:
    """What is in it, which may be nothing yet; raises `LogError` if nobody writes into it."""
    end = time.monotonic() + PATIENCE_S
    while (start := pipe.read(BLOCK)) == b"":  # None: somebody may write, and has not yet
        if time.monotonic() > end:
            raise LogError(f"{path}: is a pipe that no program writes into; start that one first")
        time.sleep(0.02)
    return start or b""


def _once_only(path: Path) -> LogError:
    return LogError(f"{path}: is a pipe, and what it gives is needed twice here; keep it in a file")


def _kept(pipe: IO[bytes] | io.FileIO, stack: ExitStack | None, start: bytes = b"") -> Path:
    if stack is None:
        raise _once_only(Path("-"))
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cachelib-log-")))
    with (folder / "standard-input").open("wb") as kept:
        kept.write(start)
        shutil.copyfileobj(pipe, kept)
    return folder / "standard-input"


def compression(path: Path) -> str | None:
    """How the file is compressed, told by its first bytes and not by its name."""
    with path.open("rb") as raw:
        start = raw.read(6)
    return next((name for magic, name in MAGIC.items() if start.startswith(magic)), None)


def open_stream(path: Path) -> IO[bytes]:
    """A file's content, decompressed; members one after another are one content."""
    packed = compression(path)
    if packed == "gzip":
        return cast(IO[bytes], igzip.open(path))  # type: ignore[no-untyped-call]
    if packed == "xz":
        return lzma.open(path)
    if packed == "bzip2":
        return bz2.open(path)
    if packed == "zstd":
        return cast(IO[bytes], pa.input_stream(str(path), compression="zstd"))
    return path.open("rb")


@contextmanager
def damage_told(path: Path) -> Iterator[None]:
    """Says which file it is that cannot be read, and why."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile) as error:
        if (end := end_of_members(path)) is not None:
            raise LogError(
                f"{path}: what is compressed ends at byte {end}, and something follows that is not."
                f" Take the first part alone: head -c {end} {path.name} > FILE"
            ) from None
        raise LogError(
            f"{path}: is cut short ({error}). Get it once more, or unpack what there is of it"
            " (gzip -dc) into another file"
        ) from None
    except DAMAGED as error:
        raise LogError(f"{path}: cannot be read: {error}") from None


def chunks(path: Path, size: int = BLOCK) -> Iterator[bytes]:
    """The content in pieces of about `size` bytes; UTF-16 becomes UTF-8, byte-order marks go."""
    with damage_told(path), open_stream(path) as stream:
        first = stream.read(size)
        if what := archive(first):
            raise LogError(f"{path}: is {what}; unpack it first")
        decoder = None
        for mark, name in UTF16.items():
            if first.startswith(mark) and not first.startswith(codecs.BOM_UTF32_LE):
                decoder, first = codecs.getincrementaldecoder(name)("replace"), first[2:]
        if decoder is None and (name := _unmarked(first)):
            decoder = codecs.getincrementaldecoder(name)("replace")
        if decoder is None:
            old = b"\n" not in first and b"\r" in first  # lines that end as on the first Macs
            yield _lines_ended(first.removeprefix(codecs.BOM_UTF8), old)
            while block := stream.read(size):
                yield _lines_ended(block, old)
            return
        while first:
            yield decoder.decode(first).encode()
            first = stream.read(size)


def _unmarked(start: bytes) -> str:
    """Which UTF-16 text is in that says not that it is: of its letters every second byte is 0."""
    even, odd = start[0:512:2], start[1:512:2]
    if len(start) < 16 or (any(even) and any(odd)):
        return ""
    if all(even):
        return "utf-16-le"
    return "utf-16-be" if all(odd) else ""


def _lines_ended(block: bytes, by_return: bool) -> bytes:
    return block.replace(b"\r", b"\n") if by_return else block


def blocks(path: Path) -> Iterator[bytes]:
    """The file in pieces that end with a line; of an endless line, what shows that it is one."""
    rest = b""
    for block in chunks(path):
        end = block.rfind(b"\n") + 1
        if end:
            yield b"".join((rest, memoryview(block)[:end]))
            rest = block[end:]
        else:
            rest = (rest + block)[: MAX_LINE + 1]
    if rest:
        yield rest + b"\n"


def head(path: Path) -> bytes:
    """The first `HEAD` bytes of the content, or all of it: for telling what it is."""
    taken = b""
    for chunk in chunks(path, HEAD):
        taken += chunk
        if len(taken) >= HEAD:
            break
    return taken[:HEAD]


def head_lines(path: Path, at_most: int = 200) -> list[str]:
    """The first whole lines, without those that are empty, or so long that they are none."""
    start = head(path)
    if len(start) == HEAD and b"\n" not in start:
        start = _beyond(path) or start
    whole = start if len(start) < HEAD or b"\n" not in start else start[: start.rfind(b"\n")]
    lines = (text_of(line).rstrip("\r") for line in whole.split(b"\n"))
    return [line for line in lines if line.strip()][:at_most]


def _beyond(path: Path) -> bytes:
    """What follows a first line that is too long to be one; empty where nothing does."""
    beyond, n = b"", 0
    for chunk in chunks(path):
        end = -1 if beyond else chunk.find(b"\n")
        beyond += chunk if beyond else chunk[end + 1 :] if end >= 0 else b""
        n += len(chunk)
        if len(beyond) >= HEAD or n > MAX_BEYOND:
            break
    return beyond[:HEAD]


def text_of(raw: bytes) -> str:
    """As UTF-8, or else as Latin-1, in which every byte is a letter of its own."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
