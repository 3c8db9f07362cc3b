"""Text that comes from outside, made fit for what it enters: the only place where that is done.

A case, a log, a configuration, a source, a Worker may hold any characters. `plain` leaves out those
that no output shows or can hold; the others then make sure that the rest means only itself.
"""

from __future__ import annotations

import json
import re
from typing import Any

from markupsafe import Markup

from cachelib.model.schema.characters import BREAKS, JOINER, MOST, NONE, UNSEEN

ROOM = 48  # characters of a label

_BREAKS, _UNSEEN, _NONE = (
    re.compile(f"[{BREAKS}]+"),
    re.compile(f"[{UNSEEN}]|{JOINER}"),
    re.compile(f"[{NONE}]"),
)
# A dot, a dash, a colon or a per cent sign means something in some places only: a list, a link, a
# comment.
_NOT_IN_MERMAID = re.compile(
    r"[^\w ,.:()/%+–-]|^[-+]|(?<=\d)\.(?= )|%(?=%)|(?<=%)%|:(?=//)|(?<=www)\."
)
_SAFE_IN_YAML = re.compile(r"[^\w ,+–“”’…-]|(?<!\w)-|-(?!\w)|(?<![^\W_])_|_(?![^\W_])")
_MOVES_THE_CURSOR = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_BACKSLASHED = re.compile(r"([\\`*_\[\]<>|~&$@{}])")
_ESCAPED_IN_JSON = re.compile(f"[\x7f-\x9f\u2028\u2029{UNSEEN}\ud800-\udfff]")


class Markdown(str):
    """Text that is Markdown already."""

    __slots__ = ()


def whole(text: str) -> str:
    """Unchanged, but for halves of characters, which names of files have and no file can hold."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def plain(text: str) -> str:
    """On one line, without what is not seen; what is no character becomes U+FFFD."""
    if text.isascii() and text.isprintable() and len(text) <= MOST:
        return text
    text = f"{text[:MOST]}…" if len(text) > MOST else text
    return _NONE.sub("\ufffd", _UNSEEN.sub("", _BREAKS.sub(" ", text)))


def block(text: str) -> str:
    """The same for text of several lines."""
    return "\n".join(plain(line.expandtabs()) for line in text.splitlines())


def label(text: str) -> str:
    """In a chart or a diagram, where there is room for little."""
    text = plain(text)
    return text if len(text) <= ROOM else f"{text[: ROOM - 1]}…"


def html(value: Any) -> Any:
    """What a template of HTML or SVG is given; it escapes what is not marked as safe."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else plain(value)


def markdown(value: Any) -> str:
    """Any text as Markdown that shows just that text, on one line, and makes no link of it."""
    if isinstance(value, Markdown):
        return value
    text = _BACKSLASHED.sub(r"\\\1", plain(str(value)))
    text = text.replace("://", r":\//")
    text = re.sub(r"(?i)\b(www)\.", r"\1\\.", text)
    text = re.sub(r"(?i)\b(mailto|xmpp):", r"\1\\:", text)
    text = re.sub(r"#(?=\w)", r"\\#", text)
    text = re.sub("^ +", " ", text)  # four would make it code
    text = re.sub(r"^(\s*)([#+\-=.!])", r"\1\\\2", text)
    return re.sub(r"^(\s*\d+)([.)])(?=\s|$)", r"\1\\\2", text)


def mermaid(text: str) -> Markup:
    """Inside Mermaid's quotes or after its colon: what could mean something is a character code."""
    coded = _NOT_IN_MERMAID.sub(lambda found: f"#{ord(found.group())};", plain(text))
    return Markup(coded)  # noqa: S704 - nothing is left that HTML has a use for


def yaml(value: Any) -> Markdown:
    """A value for YAML's front matter; where that is taken for Markdown it is but text, too."""
    if isinstance(value, list | tuple):
        return Markdown(f"[{', '.join(map(yaml, value))}]")
    return Markdown(f'"{_SAFE_IN_YAML.sub(_coded, plain(str(value)))}"')


def _coded(found: re.Match[str]) -> str:
    number = ord(found.group())
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def terminal(text: str) -> str:
    """For a terminal, on the lines that it has: nothing in it moves the cursor or sets a colour."""
    seen = _MOVES_THE_CURSOR.sub(lambda found: f"\\x{ord(found.group()):02x}", text)
    return _NONE.sub("\ufffd", _UNSEEN.sub("", seen))


def to_json(data: Any) -> str:
    """JSON that every file and terminal can hold; what is not seen is written as its code."""
    text = json.dumps(data, indent=2, ensure_ascii=False)
    return _ESCAPED_IN_JSON.sub(lambda found: json.dumps(found.group())[1:-1], text)


def xml(text: str) -> str:
    """An XML document without the characters that make it none; its line ends stay."""
    return "\n".join(_NONE.sub("\ufffd", _BREAKS.sub(" ", line)) for line in text.split("\n"))
