"""Which client a `RedisStore` talks through: one of its own, by URL, or one that it was given."""

from __future__ import annotations

import encodings.idna  # noqa: F401  # or the first connection would, of which a fork knows nothing
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


try:
    from redis.maint_notifications import MaintNotificationsConfig
except ImportError:  # redis-py before 7
    _QUIET: dict[str, Any] = {}
else:
    # While these may come, redis-py does not look whether a connection from its pool still has
    # the reply to another's command; and every new one asks for them, which Valkey refuses.
    _QUIET = {"maint_notifications_config": MaintNotificationsConfig(enabled=False)}


def connect(url: str, options: dict[str, Any]) -> Any:
    """A client for `url`; ValueError if it is none of those above."""
    if not isinstance(url, str):
        raise TypeError(
            f"a URL is a string, not {type(url).__name__}; a client is given as client="
        )
    options = _QUIET | options
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


# Interrupts: redis-py forgets that there are any


def guard(client: Any) -> None:
    """A connection whose caller was interrupted goes back closed.

    redis-py would give it to the next one, who would get the reply to another's command.
    """
    if not is_cluster(client):
        _guard(getattr(client, "connection_pool", None))
        return
    for node in client.get_nodes():
        _guard(getattr(node.redis_connection, "connection_pool", None))
    create: Callable[..., Any] = client.nodes_manager.create_redis_node

    def create_guarded(*args: Any, **kwargs: Any) -> Any:
        node = create(*args, **kwargs)
        _guard(node.connection_pool)
        return node

    client.nodes_manager.create_redis_node = create_guarded


def _guard(pool: Any) -> None:
    if pool is None or hasattr(pool.release, "closes"):
        return
    release: Callable[[Any], None] = pool.release

    def release_closed(connection: Any) -> None:
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, redis.RedisError):
            connection.disconnect()
        release(connection)

    release_closed.closes = True  # type: ignore[attr-defined]
    pool.release = release_closed


@contextmanager
def pipeline(client: Any) -> Iterator[Any]:
    """Commands that are sent at once, but not as one."""
    with client.pipeline(transaction=False) as pipe:
        if not is_cluster(client):
            pipe.connection_pool = _Loan(pipe.connection_pool)
        yield pipe


class _Loan:
    """A pool for one pipeline, which gives each connection back once.

    Interrupted while it does that, a pipeline does it again; by then, another thread may have it.
    """

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._lent: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    def get_connection(self, *args: Any, **kwargs: Any) -> Any:
        self._lent = self._pool.get_connection(*args, **kwargs)
        return self._lent

    def release(self, connection: Any) -> None:
        lent, self._lent = self._lent, None  # if it gets lost here, nobody has it
        if connection is lent:
            self._pool.release(connection)


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
