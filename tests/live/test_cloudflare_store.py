"""`CloudflareKVStore` through the official SDK, over the local runtime's own KV."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cloudflare
import pytest
from rig import Clock
from test_stores import *  # noqa: F403 - the contract that every store keeps

from cachelib import Stored
from cachelib.live.node import ensure_node_modules, find_node
from cachelib.stores import RejectedError
from cachelib.stores.cloudflare import CloudflareKVStore

HOST = Path(__file__).parent / "kv_rest" / "host.mjs"


class RestClock(Clock):
    """A clock that the server goes by too."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.address = urlsplit(url).netloc
        self.sleeps: list[float] = []
        self.tell(now=self(), anew=True)

    def tell(self, **state: Any) -> Any:
        """Set something of the server's state; returns the whole of it."""
        connection = HTTPConnection(self.address)
        connection.request("POST", "/test", json.dumps(state))
        answer = json.load(connection.getresponse())
        connection.close()
        return answer

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        self.tell(now=self())

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.advance(seconds)


@pytest.fixture(scope="module")
def url(local_runtime: None) -> Iterator[str]:
    command = [find_node(), HOST, ensure_node_modules()]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        assert server.stdin is not None
        server.stdin.close()


def connect(url: str) -> cloudflare.Cloudflare:
    return cloudflare.Cloudflare(api_token="t", base_url=url)  # noqa: S106


@pytest.fixture
def clock(url: str) -> RestClock:
    return RestClock(url)


@pytest.fixture
def store(url: str, clock: RestClock) -> Iterator[CloudflareKVStore]:
    with connect(url) as client:
        yield CloudflareKVStore("acc", "ns", client=client, clock=clock, sleep=clock.sleep)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_refusal_is_tried_again_after_growing_pauses(
    store: CloudflareKVStore, clock: RestClock, status: int
) -> None:
    clock.tell(faults=[[status, {}], [status, {}]])
    store.set("k", Stored(b"v", None))
    assert len(clock.sleeps) == 2
    assert store.get("k", clock()) == Stored(b"v", None)


def test_a_pause_is_as_long_as_the_server_asks(store: CloudflareKVStore, clock: RestClock) -> None:
    clock.tell(faults=[[429, {"retry-after": "7"}]])
    store.set("k", Stored(b"v", None))
    assert clock.sleeps == [7.0]


def test_refusals_without_end_are_an_error(store: CloudflareKVStore, clock: RestClock) -> None:
    clock.tell(faults=[[503, {}]] * 20)
    with pytest.raises(cloudflare.InternalServerError):
        store.get("k", clock())


def test_two_writes_of_a_key_keep_the_second_between_them(
    store: CloudflareKVStore, clock: RestClock
) -> None:
    store.set("k", Stored(b"1", None))
    clock.advance(0.25)
    store.set("k", Stored(b"2", None))
    assert clock.sleeps == [0.75]
    assert store.get("k", clock()) == Stored(b"2", None)


def test_what_a_bulk_write_left_out_is_written_later(
    store: CloudflareKVStore, url: str, clock: RestClock
) -> None:
    with connect(url) as client:  # another process
        CloudflareKVStore("acc", "ns", client=client, clock=clock).set("b", Stored(b"0", None))
    items = {key: Stored(b"1", None) for key in "abc"}
    store.set_many(items)
    assert store.get_many(list(items), clock()) == items
    assert clock.tell()["requests"].count("PUT bulk") > 1


def test_a_key_that_kv_has_no_room_for_is_never_sent(
    store: CloudflareKVStore, clock: RestClock
) -> None:
    with pytest.raises(RejectedError):
        store.set("k" * 513, Stored(b"v", None))
    assert clock.tell()["requests"] == []
