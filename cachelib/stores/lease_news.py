"""Word of leases that have ended, so that who waits for one need not ask again and again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Event, Lock, Thread
from typing import Any

START = 1.0  # seconds that a watcher gives the subscription to begin
IDLE = 1.0  # seconds without news after which the listener looks whether anybody still waits


class LeaseNews:
    """One thread listens to a channel, as long as somebody waits. A message is a key."""

    def __init__(self, client: Any, channel: str) -> None:
        self._client, self._channel = client, channel
        self._lock, self._listening = Lock(), Event()
        self._thread: Thread | None = None
        self._waiting: dict[str, list[Callable[[], object]]] = {}

    def watch(self, key: str, freed: Callable[[], object]) -> Callable[[], None]:
        """Call `freed`, from another thread, when the lease of `key` may have ended.

        What ended before this returned is not told: look once more. Returns what ends the watch.
        """
        with self._lock:
            self._waiting.setdefault(key, []).append(freed)
            if self._thread is None:
                self._thread = Thread(target=self._listen, name="cachelib-leases", daemon=True)
                self._thread.start()
        self._listening.wait(START)
        return partial(self._unwatch, key, freed)

    def _unwatch(self, key: str, freed: Callable[[], object]) -> None:
        with self._lock, suppress(KeyError, ValueError):
            self._waiting[key].remove(freed)
            if not self._waiting[key]:
                del self._waiting[key]

    def _listen(self) -> None:
        try:
            with self._client.pubsub() as feed:
                feed.subscribe(self._channel)
                while not self._is_over():
                    message = feed.get_message(timeout=IDLE)
                    if message is None:
                        continue
                    if message["type"] == "subscribe":  # at first, and after a lost connection
                        self._listening.set()
                        self._tell(None)
                    else:
                        self._tell(message["data"].decode())
        except Exception:  # those who wait look again in a while, and find out what is wrong
            with self._lock:
                self._thread = None
            self._tell(None)
        finally:
            self._listening.clear()

    def _is_over(self) -> bool:
        with self._lock:
            if not self._waiting:
                self._thread = None
            return self._thread is None

    def _tell(self, key: str | None) -> None:
        """Those who wait for `key`; for None, all, as something may have been missed."""
        with self._lock:
            told = list(self._waiting.items()) if key is None else [(key, self._waiting.get(key))]
            calls = [freed for _, waiting in told for freed in waiting or ()]
        for freed in calls:
            with suppress(RuntimeError):  # its event loop is closed
                freed()
