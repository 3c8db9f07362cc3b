"""The recipes of docs/recipes run."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from rig import Server, wait_until

from cachelib import SqliteStore, TieredCache
from cachelib.stores.redis import RedisStore

FOLDER = Path(__file__).parents[2] / "docs" / "recipes"


class Recipes:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self._monkeypatch, self.folder = monkeypatch, folder
        self.env = os.environ | {"PYTHONPATH": os.pathsep.join([str(FOLDER), *sys.path])}

    def load(self, name: str, **environment: str) -> ModuleType:
        """The recipe, anew, in an environment."""
        for variable, value in environment.items():
            self._monkeypatch.setenv(variable, value)
        self._monkeypatch.syspath_prepend(str(FOLDER))
        self._monkeypatch.delitem(sys.modules, name, raising=False)
        return importlib.import_module(name)


@pytest.fixture
def recipes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Recipes:
    return Recipes(monkeypatch, tmp_path)


def needs(*packages: str) -> None:
    for package in packages:
        pytest.importorskip(package, reason=f"the recipe needs {package}: pip install {package}")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fastapi(recipes: Recipes) -> None:
    needs("fastapi", "httpx")
    import httpx

    app = recipes.load("fastapi_app", QUOTES_L2=str(recipes.folder / "q.db"))

    async def use() -> None:
        transport = httpx.ASGITransport(app=app.app)
        async with (
            app.lifespan(app.app),
            httpx.AsyncClient(transport=transport, base_url="http://test") as client,
        ):
            answers = await asyncio.gather(*(client.get("/quotes/GOOG") for _ in range(20)))
            assert {a.text for a in answers} == {'{"symbol":"GOOG","price":178.2}'}
            assert app.reads == ["GOOG"]
            put = await client.put("/quotes/GOOG", params={"price": 180})
            assert put.json() == (await client.get("/quotes/GOOG")).json()
            assert put.json()["price"] == 180
            assert [(await client.get("/quotes/NONE")).status_code for _ in range(3)] == [404] * 3
            assert app.reads == ["GOOG", "GOOG", "NONE"]
            assert (await client.get("/summary")).json() == {"symbols": 2}
            openapi = (await client.get("/openapi.json")).json()
            assert openapi["paths"]["/quotes/{symbol}"]["get"]["parameters"][0]["name"] == "symbol"
            found = await app.cache.get(app.quote.cache_key("GOOG"), skip_l1=True)
            assert type(found) is app.Quote

    asyncio.run(use())


@pytest.fixture
def django_cache(recipes: Recipes) -> Any:
    needs("django")
    from django.conf import settings

    recipes.load("django_backend")
    location = str(recipes.folder / "site.db")
    caches = {
        "default": {
            "BACKEND": "django_backend.CachelibCache", "LOCATION": location, "TIMEOUT": 300,
            "KEY_PREFIX": "site",
        }
    }  # fmt: skip
    if not settings.configured:
        import django

        settings.configure(
            CACHES=caches, SECRET_KEY="not one", ALLOWED_HOSTS=["*"],  # noqa: S106
            TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        )  # fmt: skip
        django.setup()
    settings.CACHES = caches
    from django.core.cache import CacheHandler

    return CacheHandler(caches)["default"]


def test_django_backend(django_cache: Any) -> None:
    cache = django_cache
    cache.set("k", {"a": (1, None)})
    assert cache.get("k") == {"a": (1, None)}
    assert cache.get("k", version=2) is None
    assert cache.add("k", 2) is False
    assert cache.add("new", 2) is True
    assert cache.get("new") == 2
    cache.set("none", None)
    assert cache.get("none", "default") is None
    assert "none" in cache
    cache.set_many({"a": 1, "b": 2}, timeout=None)
    assert cache.get_many(["a", "b", "c"]) == {"a": 1, "b": 2}
    assert cache.incr("a", 5) == 6
    assert cache.touch("a", 10)
    assert not cache.touch("c")
    cache.set("gone", 1, timeout=0)
    assert cache.get("gone") is None
    assert cache.delete("a")
    assert not cache.delete("a")
    assert cache.get_or_set("made", lambda: 3) == 3
    cache.delete_many(["b", "k"])
    assert cache.get("b") is None
    cache.clear()
    assert cache.get("made") is None
    assert asyncio.run(cache.aget("made", "away")) == "away"


def test_djangos_pages_and_fragments(django_cache: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.core import cache as django_caches
    from django.http import HttpResponse
    from django.template import Context, Template
    from django.test import RequestFactory
    from django.utils.safestring import SafeString
    from django.views.decorators.cache import cache_page

    monkeypatch.setattr(
        "django.core.cache.caches", django_caches.CacheHandler(
            {"default": {"BACKEND": "django_backend.CachelibCache",
                         "LOCATION": django_cache._cache.l2.path}}
        ),
    )  # fmt: skip
    for place in ("django.middleware.cache.caches", "django.utils.cache.caches",
                  "django.templatetags.cache.caches"):  # fmt: skip
        monkeypatch.setattr(place, django_caches.caches)
    calls: list[int] = []

    @cache_page(60)
    def page(request: Any) -> HttpResponse:
        calls.append(1)
        return HttpResponse(f"page {len(calls)}", headers={"X-Made": "here"})

    answers = [page(RequestFactory().get("/page")) for _ in range(2)]
    assert [answer.content for answer in answers] == [b"page 1", b"page 1"]
    assert answers[1]["X-Made"] == "here"
    text = "{% load cache %}{% cache 60 part %}<b>{{ n }}</b>{% endcache %}"
    shown = [Template(text).render(Context({"n": n})) for n in range(2)]
    assert shown == ["<b>0</b>", "<b>0</b>"]
    django_cache.set("safe", SafeString("<i>"))
    assert type(django_cache._cache.get(":1:safe", skip_l1=True) or SafeString()) is SafeString


def test_flask(recipes: Recipes) -> None:
    needs("flask")
    app = recipes.load("flask_app", REPORTS_L2=str(recipes.folder / "r.db"))
    client = app.app.test_client()
    for _ in range(3):
        assert client.get("/reports/2026").json == {"year": 2026, "made_by": os.getpid()}
    assert client.get("/stats").json["loads"] == 1
    client.post("/reports/2026/refresh")
    assert client.get("/stats").json["loads"] == 2
    client.delete("/reports")
    client.get("/reports/2026")
    assert client.get("/stats").json["loads"] == 3
    app.cache.close()
    app.store.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_gunicorn_forks_workers_that_share_what_one_of_them_made(recipes: Recipes) -> None:
    needs("flask", "gunicorn")
    port = _free_port()
    command = [sys.executable, "-m", "gunicorn", "-c", str(FOLDER / "gunicorn_conf.py"),
               "-b", f"127.0.0.1:{port}", "--log-level", "error", "flask_app:app"]  # fmt: skip
    env = recipes.env | {"REPORTS_L2": str(recipes.folder / "r.db")}
    process = subprocess.Popen(command, env=env, cwd=recipes.folder)
    try:
        wait_until(lambda: _answers(port))
        seen: dict[str, set[str]] = {}

        def ask(path: str) -> None:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
                made_by = str(json.load(answer)["made_by"])
                seen.setdefault(answer.headers["X-Process"], set()).add(made_by)

        def both_have_served() -> bool:
            ask("/reports/2026")
            return len(seen) == 2

        wait_until(both_have_served)
        assert str(process.pid) not in seen
        [makers] = {frozenset(makers) for makers in seen.values()}
        assert len(makers) == 1
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    with SqliteStore(recipes.folder / "r.db") as store:
        assert TieredCache(None, store).get("flask_app.report:[2026]") is not None


def test_celery_processes_share_what_one_of_them_fetched(recipes: Recipes, server: Server) -> None:
    needs("celery")
    environment = {"BROKER_URL": server.url, "RATES_L2": str(recipes.folder / "rates.db")}
    command = [sys.executable, "-m", "celery", "-A", "celery_tasks", "worker", "-P", "prefork",
               "-c", "2", "-l", "ERROR", "--without-gossip", "--without-mingle"]  # fmt: skip
    process = subprocess.Popen(command, env=recipes.env | environment, cwd=recipes.folder)
    try:
        tasks = recipes.load("celery_tasks", **environment)
        results = [tasks.convert.delay(n, "EUR") for n in range(20)]
        answers = [result.get(timeout=60) for result in results]
        assert [answer["amount"] for answer in answers] == [1.5 * n for n in range(20)]
        assert len({answer["asked_by"] for answer in answers}) == 1
        assert process.pid not in {answer["done_by"] for answer in answers}
        tasks.app.close()
        tasks.store.close()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def test_telemetry(recipes: Recipes, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("opentelemetry.sdk")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr("opentelemetry.trace.get_tracer", provider.get_tracer)
    monkeypatch.setattr("cachelib.stores.otel.get_tracer", provider.get_tracer)
    telemetry = recipes.load("telemetry")
    cache = telemetry.make_cache(str(recipes.folder / "t.db"))
    with provider.get_tracer("test").start_as_current_span("request"):
        assert cache.get_or_load("GOOG", telemetry.load) == 178.2
        assert cache.get("GOOG") == 178.2
    spans = {span.name: span for span in exporter.get_finished_spans()}
    request = spans["request"]
    for name in ("cachelib.l2.get", "load quote"):
        assert spans[name].parent.span_id == request.context.span_id
    assert spans["cachelib.l2.get"].attributes == {"cachelib.keys": 1, "cachelib.found": 0}
    events = [event.name for event in request.events]
    assert events == ["cachelib.loads", "cachelib.misses", "cachelib.l1_hits"]
    assert request.events[0].attributes == {"cachelib.key": "GOOG"}
    cache.close()
    cache.l2.close()


def test_a_traced_store_has_what_the_store_has_and_no_more(tmp_path: Path, server: Server) -> None:
    needs("opentelemetry.sdk")
    from cachelib.stores import ChangeFeed, LeaseStore, MemoryStore
    from cachelib.stores.otel import TracedStore

    for store in (MemoryStore(), SqliteStore(tmp_path / "c.db"), RedisStore(server.url)):
        traced = TracedStore(store)
        for protocol in (LeaseStore, ChangeFeed):
            assert isinstance(traced, protocol) == isinstance(store, protocol)
        assert getattr(traced, "blocking", True) == getattr(store, "blocking", True)
        cache = TieredCache(None, traced)
        cache.set("traced", 1)
        assert cache.get("traced") == 1
        if not isinstance(store, MemoryStore):
            traced.close()
