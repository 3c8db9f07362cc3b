"""Django: a cache backend. In settings.py:

    CACHES = {
        "default": {
            "BACKEND": "django_backend.CachelibCache",
            "LOCATION": "/var/cache/site.db",  # or redis://localhost:6379/0
            "TIMEOUT": 300,
            "OPTIONS": {"l1_entries": 10_000, "l1_ttl": 5, "on_l2_error": "degrade"},
        }
    }

Values are what JSON and the standard library's types can say, safe strings and responses: so
`cache_page` and the template tag `cache` work. Name other classes in OPTIONS: {"types": [...]}.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.http import HttpResponse
from django.utils.safestring import SafeString

from cachelib import JsonCodec, MemoryCache, SqliteStore, TieredCache

MISSING = object()


def take_response(response: HttpResponse) -> dict[str, Any]:
    return {
        "content": response.content,
        "status": response.status_code,
        "headers": dict(response.items()),
    }


TYPES: tuple[Any, ...] = (
    (SafeString, str.__str__, SafeString),
    (HttpResponse, take_response, lambda parts: HttpResponse(**parts)),
)


class CachelibCache(BaseCache):
    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        options = dict(params.get("OPTIONS") or {})
        l1 = MemoryCache(options.pop("l1_entries", 10_000))
        codec = JsonCodec(*TYPES, *options.pop("types", ()))
        if "://" in location:
            from cachelib.stores.redis import RedisStore

            store: Any = RedisStore(location, prefix="django:")
        else:
            store = SqliteStore(location)
        self._cache = TieredCache(l1, store, codec=codec, **{"tag_refresh": 1.0, **options})

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        return self._cache.get(self.make_and_validate_key(key, version=version), default)

    def set(
        self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        self.set_many({key: value}, timeout, version)

    def add(
        self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        """Atomic among all processes: the one that loads is the one that adds."""
        name, life = self.make_and_validate_key(key, version=version), self._life(timeout)
        if life is not None and life <= 0:
            return name not in self._cache.get_many([name])
        mine: list[bool] = []

        def load(_: str) -> Any:
            mine.append(True)
            return value

        self._cache.get_or_load(name, load, l2_ttl=life, lease=10)
        return bool(mine)

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        value = self.get(key, MISSING, version)
        if value is MISSING:
            return False
        self.set(key, value, timeout, version)
        return True

    def delete(self, key: str, version: int | None = None) -> bool:
        there = self.has_key(key, version)
        self._cache.delete(self.make_and_validate_key(key, version=version))
        return there

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, Any]:
        names = {self.make_and_validate_key(key, version=version): key for key in keys}
        return {names[name]: value for name, value in self._cache.get_many(names).items()}

    def set_many(
        self, data: Mapping[str, Any], timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> list[str]:
        names = {self.make_and_validate_key(key, version=version): data[key] for key in data}
        life = self._life(timeout)
        if life is not None and life <= 0:
            self._cache.delete_many(names)
        else:
            self._cache.set_many(names, l2_ttl=life)
        return []

    def delete_many(self, keys: Iterable[str], version: int | None = None) -> None:
        self._cache.delete_many([self.make_and_validate_key(k, version=version) for k in keys])

    def has_key(self, key: str, version: int | None = None) -> bool:
        return self.get(key, MISSING, version) is not MISSING

    def clear(self) -> None:
        self._cache.clear()

    def _life(self, timeout: Any) -> float | None:
        """Seconds; None for ever."""
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return None if seconds is None or seconds == inf else float(seconds)
