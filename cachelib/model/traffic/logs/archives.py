"""What is around a log's bytes that no reader of text may take for text."""

from __future__ import annotations

import tarfile
from pathlib import Path

from isal import isal_zlib

GZIP = b"\x1f\x8b"
ARCHIVES = {b"PK\x03\x04": "a zip archive", b"Rar!": "a rar archive", b"7z\xbc\xaf": "a 7z archive"}
BLOCK = 1 << 20
TAR_BLOCK = 512
WITH_HEADER = 31  # zlib's: a gzip header, and the largest window


def archive(start: bytes) -> str | None:
    """Which archive begins so, if one does; of tar, the sum in its first block tells."""
    for magic, what in ARCHIVES.items():
        if start.startswith(magic):
            return what
    try:
        tarfile.TarInfo.frombuf(start[:TAR_BLOCK], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return None
    return "a tar archive"


def end_of_members(path: Path) -> int | None:
    """Where something follows the last member of a gzip file that is none; None if nothing does."""
    at, rest = 0, b""
    with path.open("rb") as packed:
        while rest := rest or packed.read(BLOCK):
            rest += packed.read(len(GZIP))  # a block may end within the two
            if not rest.startswith(GZIP):
                return at
            member = isal_zlib.decompressobj(wbits=WITH_HEADER)
            while rest and not member.eof:
                member.decompress(rest)
                at += len(rest) - len(member.unused_data)
                rest = member.unused_data or (b"" if member.eof else packed.read(BLOCK))
            if not member.eof:
                return None
    return None
