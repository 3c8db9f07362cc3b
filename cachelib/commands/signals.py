"""How a command ends when it is told to: once, in order, and soon, whatever it is doing."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Event, Thread, current_thread, get_ident, main_thread
from types import FrameType
from typing import Any

import click

ENDING = [
    number
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
    if (number := getattr(signal, name, None)) is not None
]
PATIENCE_S = 4.0
LAST_S = 15.0
"""On a machine so busy that this process hardly gets to run, this long."""


class Interrupted(KeyboardInterrupt):
    """A signal to end; what is in its way is cleaned up as after Ctrl-C."""

    def __init__(self) -> None:
        super().__init__("interrupted; an earlier report, if any, is as it was")


class Ending(click.Group):
    """A group whose commands end so."""

    def invoke(self, ctx: click.Context) -> Any:
        with ended_by_signals() as heard:
            try:
                return super().invoke(ctx)
            except KeyboardInterrupt as end:
                is_report = ctx.invoked_subcommand == "report"
                tell(str(end) if is_report and str(end) else "interrupted")
                ctx.exit(128 + _meant(heard) if heard else 130)


@contextmanager
def ended_by_signals() -> Iterator[list[int]]:
    """In this block the signals to end raise `Interrupted`, the first of them only; gives it.

    A second Ctrl-C does not interrupt the cleaning up. If that, or code that no exception reaches,
    takes longer than `PATIENCE_S`, the process ends at once; the next run sweeps what it left.
    """
    # Who starts a command with nohup, or in the background, has some ignored.
    handled = [number for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    heard: list[int] = []
    if current_thread() is not main_thread():
        yield heard
        return

    def end(number: int, frame: FrameType | None) -> None:
        heard.append(number)
        if len(heard) == 1:
            raise Interrupted

    before = {number: signal.signal(number, end) for number in handled}
    try:
        with _watched(set(handled)):
            yield heard
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _meant(numbers: Sequence[int]) -> int:
    """The signal that this ends for: SIGINT, which the impatient add, only if it is the only one.

    Of signals that come at once, nobody can say which was the first: Python tells them by number.
    """
    return next((number for number in numbers if number != signal.SIGINT), numbers[0])


@contextmanager
def _watched(handled: set[int]) -> Iterator[None]:
    """A thread hears of signals even while the main one is in code that is not Python's.

    It also wakes the main one: the system may give a signal to any thread, and of several that come
    at once it does; then the main one, if it waits for a lock, would not hear of it.
    """
    here, there = socket.socketpair()
    there.setblocking(False)
    done, main = Event(), get_ident()

    def watch() -> None:
        while numbers := here.recv(64):
            if not (found := [number for number in numbers if number in handled]):
                continue
            if not done.is_set() and hasattr(signal, "pthread_kill"):
                signal.pthread_kill(main, found[0])
            if not _in_time(done):
                tell("interrupted; what was left will be swept by the next run")
                _kill_children()
                os._exit(128 + _meant(found))

    before = signal.set_wakeup_fd(there.fileno(), warn_on_full_buffer=False)
    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        signal.set_wakeup_fd(before)
        there.close()
        watcher.join()
        here.close()


def _kill_children() -> None:
    """Every process that this one has started, and those that they have."""
    with suppress(Exception):
        import psutil

        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                child.kill()


def _in_time(done: Event) -> bool:
    """Whether it is done before our patience ends, or, without a processor, a little later."""
    cpu_s = time.process_time()
    if done.wait(PATIENCE_S):
        return True
    is_starved = time.process_time() - cpu_s < PATIENCE_S / 2
    return is_starved and done.wait(LAST_S - PATIENCE_S)


def tell(words: str) -> None:
    """Say it, if there is anybody to say it to."""
    with suppress(OSError, ValueError):
        print(words, file=sys.stderr, flush=True)
