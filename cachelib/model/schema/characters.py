"""Characters that have no place in a text to be read, and how a case is told of them."""

from __future__ import annotations

import re
import unicodedata

MOST = 10_000
"""Characters of one text: what is longer is no text to be read."""

# Whatever has no place in a line: control characters, and those that only part lines.
BREAKS = "\x00-\x1f\x7f-\x9f\u2028\u2029"
# What turns the order of letters around, is not seen, or marks places for programs.
UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff"
)
# A joiner has a meaning between letters of some scripts, and between parts of a picture.
JOINER = "(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
# No character at all, or one of private use, which the renderer marks places with.
NONE = "\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef" + "".join(
    f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(17)
) + "\U000f0000-\U000ffffd\U00100000-\U0010fffd"  # fmt: skip

UNFIT = re.compile(f"[{BREAKS}{UNSEEN}{NONE}]|{JOINER}")


def unfit(text: str) -> str | None:
    """Why a text that somebody wrote cannot stand in a report; lines may end, and have tabs."""
    if len(text) > MOST:
        return f"{len(text):,} characters; at most {MOST:,}"
    found = UNFIT.search(text.replace("\n", "").replace("\t", ""))
    if found is None:
        return None
    name = unicodedata.name(found.group(), "").lower()
    said = f"U+{ord(found.group()):04X}" + (f" ({name})" if name else "")
    return f"the character {said}, which is not seen or which no file can hold; leave it out"
