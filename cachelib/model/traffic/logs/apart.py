"""The user's SQL in a process of its own, which may take so much time, memory and disk.

A database's own limits do not hold within one value (`repeat(url, 1000000000)`), and it cannot be
interrupted there; a process can be bounded, and killed. It reads the log's files itself; the SQL
in it sees rows only. Its spilled files lie in a folder of the parent's, which the parent removes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs.source import LogError

if TYPE_CHECKING:
    from cachelib.model.traffic.logs.reading import LogStream, Rows

ADDRESS_SPACE = 6 << 30
"""Bytes; of which the database takes 1 GB, and what the libraries reserve is most of the rest."""
SECONDS = 60.0
LIMIT = "CACHELIB_LOG_SECONDS"
"""The name in the environment under which another limit than `SECONDS` is given."""
ROWS_PER_S = 20_000
"""A log may take `SECONDS`, and a second more for so many rows: a fiftieth of the usual speed."""


def answers_from_apart(stream: LogStream, rows: Rows) -> Iterator[pa.RecordBatch]:
    """The answer of the query; raises `LogError` with what went wrong there."""
    with TemporaryDirectory(prefix="cachelib-log-") as spill:
        job = {
            "files": [str(path) for path in stream.files],
            "reading": stream.reading.model_dump(mode="json"),
            "rows": stream.rows,
            "sort": stream.sort,
            "described": stream.described,
            "spill": spill,
        }
        process = subprocess.Popen(  # noqa: S603 - this package itself
            [sys.executable, "-P", "-m", __name__],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True,
            env=os.environ | {"TMPDIR": spill},
        )  # fmt: skip
        try:
            yield from _received(process, job, stream, rows)
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()


def _received(
    process: subprocess.Popen[bytes], job: dict[str, Any], stream: LogStream, rows: Rows
) -> Iterator[pa.RecordBatch]:
    stdin, stdout, stderr = process.stdin, process.stdout, process.stderr
    if stdin is None or stdout is None or stderr is None:
        raise LogError("no process for the query")
    said: list[bytes] = []
    listening = threading.Thread(
        target=lambda pipe: said.append(pipe.read()), args=(stderr,), daemon=True
    )
    listening.start()
    with suppress(BrokenPipeError):
        stdin.write(json.dumps(job).encode())
        stdin.close()
    try:
        with pa.ipc.open_stream(stdout) as reader:
            yield from reader
    except (pa.ArrowException, OSError, EOFError):
        pass  # it broke off: what it said tells why
    process.wait()
    listening.join(5)
    last = b"".join(said).strip().split(b"\n")[-1]
    try:
        told = json.loads(last)
    except ValueError:
        told = {
            "error": f"{stream.files[0]}: the query came to an end ({process.returncode}): it took"
            f" more than {ADDRESS_SPACE >> 30} GB of memory, or was killed"
        }
    if "error" in told:
        raise LogError(told["error"])
    rows.count, stream.mapping = told["rows"], told["mapping"]


def main() -> None:
    """Answer the job on the standard input with a stream of Arrow batches."""
    _bound()
    sys.meta_path.insert(0, _NoPandas())
    job = json.load(sys.stdin.buffer)
    from cachelib.model.traffic.logs.reading import LogStream, Rows, answers_here, told

    rows, clock = Rows(), _Clock()
    reading = Reading.model_validate(job["reading"])
    try:
        stream = LogStream(
            [Path(name) for name in job["files"]], reading,
            rows=job["rows"], sort=job["sort"], described=job["described"],
        )  # fmt: skip
        shape = told(stream.files, reading)
        threading.Thread(target=_watch, args=(rows, clock, stream.files[0]), daemon=True).start()
        writer = None
        for batch in answers_here(stream, shape, rows):
            with clock.stopped():
                writer = writer or pa.ipc.new_stream(sys.stdout.buffer, batch.schema)
                writer.write_batch(batch)
        if writer is not None:
            writer.close()
    except LogError as error:
        _say({"error": str(error)})
    except MemoryError:
        _say({"error": f"{job['files'][0]}: the query took more memory than it may"})
    else:
        _say({"rows": rows.count, "mapping": stream.mapping})


class _NoPandas:
    """pyarrow imports pandas wherever it is installed, which takes longer than most queries."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ImportError(name)


def _say(told: dict[str, Any]) -> None:
    sys.stdout.flush()
    sys.stderr.write("\n" + json.dumps(told) + "\n")
    sys.stderr.flush()
    os._exit(0)


def _bound() -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class _Clock:
    """Seconds that the query has taken; those in which nobody takes its answer do not count."""

    def __init__(self) -> None:
        self.start, self.waited = time.monotonic(), 0.0
        self._stopped_at: float | None = None

    def __enter__(self) -> None:
        self._stopped_at = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self.waited += time.monotonic() - (self._stopped_at or time.monotonic())
        self._stopped_at = None

    def stopped(self) -> _Clock:
        return self

    @property
    def seconds(self) -> float:
        now = self._stopped_at or time.monotonic()
        return now - self.start - self.waited


def _watch(rows: Rows, clock: _Clock, log: Path) -> None:
    """End the process when it takes too long, or when nobody waits for it any more."""
    parent = os.getppid()
    limit = float(os.environ.get(LIMIT, SECONDS))
    while True:
        time.sleep(0.25)
        if os.getppid() != parent:
            os._exit(1)
        if clock.seconds > limit + rows.count / ROWS_PER_S:
            _say({"error": f"{log}: the query took longer than {clock.seconds:.0f} s; is an"
                           " expression too much work for one row?"})  # fmt: skip


if __name__ == "__main__":
    main()
