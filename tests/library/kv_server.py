"""The REST routes of Workers KV, over a dict, on a loopback port.

As documented in developers.cloudflare.com/api/resources/kv and /kv/platform/limits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self
from urllib.parse import unquote

import cloudflare

from cachelib.stores.cloudflare import CloudflareKVStore

TOKEN = "a token"  # noqa: S105
ROUTE = re.compile(r"/accounts/acc/storage/kv/namespaces/ns/(values/(?P<key>.*)|bulk(?P<bulk>.*))")


class KVServer:
    """`faults` holds (status, headers) to answer with before doing anything."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.values: dict[str, tuple[str, float | None]] = {}
        self.written: dict[str, float] = {}
        self.faults: list[tuple[int, dict[str, str]]] = []
        self.unsuccessful: list[list[str]] = []
        self.requests: list[str] = []
        self.sleeps: list[float] = []
        self.ttls: list[float | None] = []
        self._http = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"kv": self})
        )
        self._thread = Thread(target=self._http.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        host, port = self._http.server_address[:2]
        url = f"http://{host!s}:{port}"
        self.client = cloudflare.Cloudflare(api_token=TOKEN, base_url=url)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def store(self, **options: Any) -> CloudflareKVStore:
        def sleep(seconds: float) -> None:
            self.sleeps.append(seconds)
            advance = getattr(self.clock, "advance", None)
            if advance is not None:
                advance(seconds)

        return CloudflareKVStore(
            "acc", "ns", client=self.client, clock=self.clock, sleep=sleep, **options
        )

    def read(self, key: str) -> str | None:
        value, expires_at = self.values.get(key, (None, None))
        return None if expires_at is not None and expires_at <= self.clock() else value

    def write(self, key: str, value: str, ttl: float | None) -> int:
        now = self.clock()
        if now - self.written.get(key, -1e9) < 1 or not 0 < len(key.encode()) <= 512:
            return 429 if key in self.written else 400
        if ttl is not None and ttl < 60:
            return 400
        self.written[key] = now
        self.ttls.append(ttl)
        self.values[key] = value, None if ttl is None else now + ttl
        return 200


class _Handler(BaseHTTPRequestHandler):
    kv: KVServer

    def _handle(self) -> None:
        kv, (path, _, query) = self.kv, self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        kv.requests.append(f"{self.command} {path}")
        route = ROUTE.fullmatch(path)
        if self.headers["authorization"] != f"Bearer {TOKEN}" or route is None:
            return self._answer(403 if route else 404)
        if kv.faults:
            status, headers = kv.faults.pop(0)
            return self._answer(status, headers=headers)
        if route["key"] is not None:
            return self._one(unquote(route["key"]), query, body)
        return self._many(route["bulk"], json.loads(body))

    do_GET = do_PUT = do_DELETE = do_POST = _handle  # noqa: N815

    def _one(self, key: str, query: str, body: bytes) -> None:
        if self.command == "GET":
            value = self.kv.read(key)
            return self._answer(404) if value is None else self._send(200, value.encode())
        if self.command == "DELETE":
            self.kv.values.pop(key, None)
            return self._answer(200)
        fields = dict(part.split("=") for part in query.split("&") if part)
        form = BytesParser().parsebytes(
            b"Content-Type: " + self.headers["content-type"].encode() + b"\r\n\r\n" + body
        )
        parts = {
            part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
            for part in form.walk()
            if not part.is_multipart()
        }
        ttl = float(fields["expiration_ttl"]) if "expiration_ttl" in fields else None
        return self._answer(self.kv.write(key, parts["value"].decode(), ttl))

    def _many(self, what: str, body: Any) -> None:
        if what == "/get":
            assert len(body["keys"]) <= 100
            return self._answer(200, {"values": {key: self.kv.read(key) for key in body["keys"]}})
        keys = [pair["key"] for pair in body] if what == "" else body
        failed = self.kv.unsuccessful.pop(0) if self.kv.unsuccessful else []
        for item in body:
            key = item["key"] if what == "" else item
            if key in failed:
                continue
            if what == "":
                assert self.kv.write(key, item["value"], item.get("expiration_ttl")) == 200
            else:
                self.kv.values.pop(key, None)
        done = len(keys) - len(failed)
        return self._answer(200, {"successful_key_count": done, "unsuccessful_keys": failed})

    def _answer(
        self, status: int, result: Any = None, headers: dict[str, str] | None = None
    ) -> None:
        ok = status == 200
        errors = [] if ok else [{"code": 10000, "message": "no"}]
        envelope = {"success": ok, "errors": errors, "messages": [], "result": result or {}}
        self._send(
            status,
            json.dumps(envelope).encode(),
            {"content-type": "application/json", **(headers or {})},
        )

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass
