"""Threads for work that nobody must wait for when the process ends."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar

T = TypeVar("T")
Work = tuple["Future[Any]", Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class Background(Executor):
    """At most `most` threads, started as they are needed.

    Unlike `ThreadPoolExecutor`, whose threads are joined at exit: a store or a loader that hangs
    would keep the process from ending.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most, self._name = most, name
        self._work: SimpleQueue[Work | None] = SimpleQueue()
        self._threads: list[Thread] = []
        self._idle = 0  # threads that wait for work, less the work that waits for them
        self._lock, self._closed = Lock(), False

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Call `fn` in one of the threads."""
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError(f"{self._name} is closed")
            self._idle -= 1  # first: an interrupt may leave too few counted, never too many
            self._work.put((future, fn, args, kwargs))
            if self._idle < 0 and len(self._threads) < self._most:
                number = len(self._threads)
                thread = Thread(target=self._run, name=f"{self._name}_{number}", daemon=True)
                thread.start()
                self._threads.append(thread)
                self._idle += 1
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more work; what was taken is done, unless it is to be cancelled."""
        with self._lock:
            self._closed = True
            while cancel_futures and not self._work.empty():
                if (work := self._work.get()) is not None:
                    work[0].cancel()
            for _ in self._threads:
                self._work.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            future, fn, args, kwargs = work
            if future.set_running_or_notify_cancel():
                try:
                    result = fn(*args, **kwargs)
                except BaseException as error:
                    future.set_exception(error)
                else:
                    future.set_result(result)
                    del result
            with self._lock:
                self._idle += 1
            del work, future, fn, args, kwargs  # or they would live until the next
