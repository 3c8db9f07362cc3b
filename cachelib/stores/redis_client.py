"""Which client a `RedisStore` talks through: one of its own, by URL, or one that it was given."""

from __future__ import annotations

from inspect import iscoroutinefunction
from typing import Any
from urllib.parse import unquote, urlsplit

import redis
from redis.sentinel import Sentinel

URLS = (
    "redis://, rediss:// (TLS), valkey://, valkeys://, unix://, redis+cluster://, "
    "rediss+cluster:// or redis+sentinel://HOST:PORT,HOST:PORT/SERVICE/DB"
)
SENTINEL_PORT = 26379


def connect(url: str, options: dict[str, Any]) -> Any:
    """A client for `url`; ValueError if it is none of those above."""
    if not isinstance(url, str):
        raise TypeError(
            f"a URL is a string, not {type(url).__name__}; a client is given as client="
        )
    scheme, _, rest = url.partition("://")
    kind, _, way = scheme.replace("valkey", "redis").partition("+")
    plain = f"{kind}://{rest}"
    if kind in ("redis", "rediss") and way == "cluster":
        return checked(redis.RedisCluster.from_url(plain, **options))
    if kind in ("redis", "rediss") and way == "sentinel":
        return checked(_by_sentinel(plain, kind == "rediss", options))
    if kind in ("redis", "rediss", "unix") and not way:
        return checked(redis.Redis.from_url(plain, **options))
    raise ValueError(f"not a Redis URL: it begins with {scheme[:40]!r}, not with {URLS}")


def checked(client: Any) -> Any:
    """`client`, if it is one that a store can use."""
    if isinstance(client, redis.ConnectionPool):
        raise TypeError("client= takes a client: redis.Redis(connection_pool=...)")
    if isinstance(client, Sentinel):
        raise TypeError("client= takes a client: sentinel.master_for('SERVICE')")
    if not callable(getattr(client, "execute_command", None)):
        raise TypeError(f"client= takes a client of redis-py, not {type(client).__name__}")
    if iscoroutinefunction(client.execute_command):
        raise TypeError(
            "client= takes a blocking client; AsyncTieredCache, too, calls it from its own threads"
        )
    if client.get_encoder().decode_responses:
        raise ValueError("the client must give bytes: make it without decode_responses=True")
    return client


def is_cluster(client: Any) -> bool:
    """Whether keys live in different places, so that not all commands may be put together."""
    return hasattr(client, "mget_nonatomic")


def _by_sentinel(url: str, is_tls: bool, options: dict[str, Any]) -> Any:
    """The master of a service, wherever the sentinels say it is now."""
    parts = urlsplit(url)
    user, _, hosts = parts.netloc.rpartition("@")
    service, _, db = parts.path.strip("/").partition("/")
    if not hosts or not service or not (db or "0").isdigit():
        raise ValueError("a sentinel URL is redis+sentinel://HOST:PORT,HOST:PORT/SERVICE/DB")
    name, _, password = user.partition(":")
    login = {"username": unquote(name) or None, "password": unquote(password) or None}
    sentinels: Any = Sentinel(  # type: ignore[no-untyped-call]
        [_host_and_port(host) for host in hosts.split(",")],
        sentinel_kwargs=options.pop("sentinel_kwargs", None),
    )
    return sentinels.master_for(service, db=int(db or 0), ssl=is_tls, **login, **options)


def _host_and_port(place: str) -> tuple[str, int]:
    parts = urlsplit(f"//{place}")
    return parts.hostname or "localhost", parts.port or SENTINEL_PORT
