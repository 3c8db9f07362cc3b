"""What to do about a file that no YAML parser can read, and on which line, in plain words."""

from __future__ import annotations

import re
from pathlib import Path

from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.reader import ReaderError

SAVE_AS_UTF_8 = "save the file as plain text in UTF-8, which every editor offers"
LOOK = "look at the indentation, the quotes and the brackets of this line and of those before it"
FROM_ITS_BEGIN = {
    "could not find expected ':'": "neither `name: value` nor a line of a list, which begins with"
    " a dash",
    "quoted scalar found unexpected end": "a quote is opened here and never closed: close it, or"
    " use the other kind of quotes around it",
}
"""Of what the parser sees lines later only."""
BY_WORDS = {
    "expected the node content": "a bracket that is not closed, or a value that is missing before"
    " a comma or a bracket: close or remove it",
    "cannot start any token": "this sign cannot begin a value: put the value between quotes",
    "mapping values are not allowed": "a colon where none can be: put a text that has one between"
    " quotes, and indent the line as its neighbours are",
    "expected <block end>": "not indented as the lines that it belongs to, or text follows after a"
    " closing quote or bracket: indent it as they are",
    "unknown escape": "between double quotes a backslash has a meaning: use single quotes, or write"
    " it twice",
    "another document": "a second document after ---: keep one in a file",
    "a constructor for the tag": "a text that begins with ! is a tag: put it between quotes",
    "undefined alias": "a text that begins with * stands for another part of the file, which is"
    " not there: put it between quotes",
}


def marked(error: MarkedYAMLError) -> tuple[int, str]:
    """The line at which a parser stopped, and what to do there."""
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    problem, context = str(error.problem or ""), str(error.context or "")
    if isinstance(error, DuplicateKeyError):
        key = re.search(r'found duplicate key "(.*?)"', problem)
        return line, f"{key[1] if key else 'a key'!r} is there twice; keep one of the two"
    if r"'\t'" in problem:
        return line, "a tab, with which nothing may be indented here: write blanks in its place"
    text = f"{context} {problem}"
    begin = error.context_mark.line + 1 if error.context_mark else line
    if "flow mapping" in context or "flow sequence" in context:
        return line, _unclosed(begin, "[" if "sequence" in context else "{")
    if said := _found(FROM_ITS_BEGIN, text):
        return begin, said
    return line, _found(BY_WORDS, text) or f"not YAML here: {LOOK}"


def _found(words: dict[str, str], text: str) -> str:
    return next((said for at, said in words.items() if at in text), "")


def _unclosed(line: int, bracket: str) -> str:
    close = {"[": "]", "{": "}"}[bracket]
    return (
        f"the {bracket} of line {line} is not closed before this, or a comma is missing:"
        f" close it with {close}"
    )


def unmarked(path: Path, error: Exception) -> tuple[int, str]:
    """The same of bytes that are no text, and of what nothing marks."""
    if isinstance(error, UnicodeDecodeError):
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        return line, f"a character that is not in UTF-8: {SAVE_AS_UTF_8}"
    if isinstance(error, ReaderError):
        line = path.read_text("utf-8")[: error.position].count("\n") + 1
        sign = f"U+{error.character:04X}" if isinstance(error.character, int) else "it"
        return line, f"a character that no YAML may hold, {sign}: remove it, and {SAVE_AS_UTF_8}"
    if isinstance(error, RecursionError):
        return 1, "it is nested too deeply: write it with fewer brackets within each other"
    return 1, f"not readable as YAML: {error}"
