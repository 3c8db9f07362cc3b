"""Lines that a container's runtime has cut into parts, put together again: each is one row.

containerd and CRI-O mark every part but the last with P instead of F (the logging format of
Kubernetes' container runtime interface); Docker's parts are those whose text has no newline at
its end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cachelib.model.traffic.logs.framing import TEXT, places_of
from cachelib.model.traffic.logs.json_values import MAX_VALUE
from cachelib.model.traffic.logs.wrappers import as_object

ENDLESS = "a line whose last part is missing"
CRI_LINE = re.compile(r"(\S+) (stdout|stderr) ([FP])(?::\S+)? (.*)")


class Part(NamedTuple):
    """What one line holds of a longer one."""

    time: str
    stream: str
    text: str
    is_last: bool


@dataclass(frozen=True)
class Runtime:
    """How a runtime cuts lines: `part` takes a line apart, `whole` writes one that was not cut.

    `are_whole` says quickly of many lines that there is no part among them.
    """

    part: Callable[[str], Part | None]
    whole: Callable[[Part, str], str]
    are_whole: Callable[[pa.Array], bool]

    def batches(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The same rows, but that parts are joined; a row stands where its last part does."""
        joiner, file = _Joiner(self), -1
        for batch in batches:
            number = batch["_file"][0].as_py()
            if number != file and (rest := joiner.finish()):
                yield _batch(rest, file)
            file = number
            if joiner.is_idle and self.are_whole(batch["text"]):
                yield batch
                continue
            columns = (batch[name].to_pylist() for name in ("_line", "text", "_bad"))
            if rows := [row for each in zip(*columns, strict=True) for row in joiner.feed(*each)]:
                yield _batch(rows, file)
        if rest := joiner.finish():
            yield _batch(rest, file)

    def joined(self, lines: list[str]) -> list[str]:
        """The whole ones of a log's first lines."""
        joiner = _Joiner(self)
        return [text for line in lines for _, text, _ in joiner.feed(0, line, None)]


Row = tuple[int, str, str | None]


class _Joiner:
    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._open: dict[str, tuple[int, Part, list[str]]] = {}  # by stream: line, first part, all

    @property
    def is_idle(self) -> bool:
        return not self._open

    def feed(self, line: int, text: str, bad: str | None) -> Iterator[Row]:
        part = self.runtime.part(text) if bad is None else None
        if part is None or (part.is_last and part.stream not in self._open):
            yield line, text, bad
            return
        _, first, texts = self._open.setdefault(part.stream, (line, part, []))
        texts.append(part.text)
        too_long = sum(map(len, texts)) > MAX_VALUE
        if part.is_last or too_long:
            del self._open[part.stream]
            said = f"longer than {MAX_VALUE} bytes" if too_long else None
            yield line, "" if too_long else self.runtime.whole(first, "".join(texts)), said

    def finish(self) -> list[Row]:
        """Those whose end has not come, at the end of a file."""
        left: list[Row] = [(line, "", ENDLESS) for line, _, _ in self._open.values()]
        self._open = {}
        return left


def _batch(rows: list[Row], number: int) -> pa.RecordBatch:
    lines = np.array([line for line, _, _ in rows], np.int64)
    places = places_of(number, lines, [bad for _, _, bad in rows])
    texts = pa.array([text for _, text, _ in rows], pa.string())
    return pa.RecordBatch.from_arrays([*places, texts], schema=TEXT)


def _of_cri(line: str) -> Part | None:
    found = CRI_LINE.match(line)
    return None if found is None else Part(found[1], found[2], found[4], found[3] == "F")


def _of_docker(line: str) -> Part | None:
    event = as_object(line)
    if event is None or not isinstance(text := event.get("log"), str):
        return None
    return Part(str(event.get("time")), str(event.get("stream")), text, text.endswith("\n"))


CRI = Runtime(
    _of_cri,
    lambda first, text: f"{first.time} {first.stream} F {text}",
    lambda texts: not pc.any(pc.match_substring_regex(texts, r"^\S+ std(out|err) P")).as_py(),
)
DOCKER = Runtime(
    _of_docker,
    lambda first, text: json.dumps({"log": text, "stream": first.stream, "time": first.time}),
    lambda texts: bool(pc.all(pc.match_substring(texts, '\\n"')).as_py()),
)


def runtime_of(lines: list[str]) -> Runtime | None:
    """Whose lines these are; None where nothing says that any of them may be cut."""
    if 2 * sum(CRI_LINE.match(line) is not None for line in lines) > len(lines):
        return CRI
    parts = [part for line in lines if (part := _of_docker(line)) is not None]
    return DOCKER if 2 * len(parts) > len(lines) and any(p.is_last for p in parts) else None
