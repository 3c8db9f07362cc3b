import json
import os
import shutil
import socket
import threading
from dataclasses import replace
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from cachelib.live.own import run_worker
from cachelib.live.own_config import OwnWorkerError, own_worker
from cachelib.live.replay import as_local
from cachelib.live.runtime import LiveError
from cachelib.model.case.case import load_case
from cachelib.model.engines.replay import replay
from cachelib.model.judgement.study import Study
from cachelib.model.tiers.design import Design
from tests.conftest import examples

WORKERS = Path(__file__).parent / "workers"


@cache
def study() -> Study:
    return Study(load_case("trading-sentiment"))


@pytest.fixture(scope="module")
def trace():
    """Reads at whole seconds; of fewer, none is found in memory."""
    first = study().trace.only(slice(examples(800)))
    return replace(first, time_s=np.floor(first.time_s), op=np.zeros_like(first.op))


@pytest.fixture
def worker(tmp_path):
    """A Worker of one module, without bindings."""

    def write(code: str, **settings: str) -> Path:
        (tmp_path / "index.js").write_text(code)
        lines = {"name": '"own"', "main": '"index.js"', **settings}
        config = "\n".join(f"{key} = {value}" for key, value in lines.items())
        (tmp_path / "wrangler.toml").write_text(config)
        return tmp_path

    return write


def run(folder: Path, trace, **options):
    return run_worker(folder, trace, study().platform, seed=1, **options)


@pytest.fixture(scope="module")
def live(local_runtime, trace):
    return run(WORKERS / "sentiment", trace, origin_response="0.5")


def test_an_unchanged_worker_hits_as_often_as_the_library_says(live, trace):
    same = Design(name="own", l2="kv", l1_ttl_s=60, l2_ttl_s=300, expiry="independent")
    simulated = replay(trace, same, as_local(study().platform), seed=1)
    found = dict(zip(*np.unique(live.answered_by, return_counts=True), strict=True))
    assert found == {
        "memory": simulated.l1_hits,
        "kv": simulated.l2_hits,
        "origin": simulated.origin_loads,
    }
    assert live.hit_ratio == simulated.hit_ratio


def test_every_call_to_a_binding_is_counted(live):
    calls = {(c.store, c.method): (c.calls, c.found) for c in live.counts.itertuples()}
    loads = int((live.answered_by == "origin").sum())
    hits = int((live.answered_by == "kv").sum())
    assert calls["kv", "get"] == (loads + hits, hits)
    assert calls["kv", "put"][0] == loads
    assert calls["origin", "fetch"] == (loads, loads)
    assert calls["durable-object", "add"][0] == loads
    assert calls["object storage", "put"][0] == loads
    assert calls["object storage", "get"] == (loads, loads - 1)


@pytest.mark.usefixtures("local_runtime")
def test_the_network_ends_at_the_loopback(trace):
    live = run(WORKERS / "sentiment", trace.only(slice(3)))
    assert set(live.status) == {0}
    assert "no network: api.example.com:443 was not asked" in live.errors[0]
    assert "--origin-response" in live.errors[0]
    assert live.hit_ratio == 0
    assert live.answered_by.tolist() == ["origin"] * 3


SOCKET = """
import { connect } from "cloudflare:sockets";
export default {
  async fetch(request) {
    const [hostname, port] = new URL(request.url).pathname.slice(1).split(":");
    await connect({ hostname, port: Number(port) }).opened;
    return new Response("connected");
  }
}
"""


@pytest.mark.usefixtures("local_runtime")
def test_no_socket_is_opened_not_even_to_this_machine(worker, trace):
    with socket.create_server(("127.0.0.1", 0)) as near:
        near.settimeout(0.5)
        keys = ["/{}:{}".format(*near.getsockname())]
        one = replace(trace.only(slice(1)), key=np.zeros(1, np.int32), keys=keys)
        live = run(worker(SOCKET), one)
        assert live.status.tolist() == [0]
        with pytest.raises(TimeoutError):
            near.accept()


ASKING = """
export default {
  async fetch(request) {
    const response = await fetch("http://127.0.0.1:PORT/", { redirect: "follow" });
    return new Response(await response.text(), { status: response.status });
  }
}
"""


@pytest.fixture
def service():
    """A service of this machine, which sends to another; what each was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.server.server_port)
            self.send_response(302)
            self.send_header("location", f"http://127.0.0.1:{other.server_port}/")
            self.end_headers()

        def log_message(self, *_):
            pass

    one, other = (ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2))
    for server in (one, other):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield one.server_port, asked
    for server in (one, other):
        server.shutdown()
        server.server_close()


@pytest.mark.usefixtures("local_runtime")
def test_services_of_this_machine_are_closed_unless_opened_by_name(worker, trace, service):
    port, asked = service
    folder = worker(ASKING.replace("PORT", str(port)))
    live = run(folder, trace.only(slice(1)))
    assert live.status.tolist() == [0]
    assert f"--connect 127.0.0.1:{port}" in live.errors[0]
    assert asked == []
    live = run(folder, trace.only(slice(1)), connect=[f"127.0.0.1:{port}"])
    assert asked == [port], "where it sends to was not opened"
    assert live.status.tolist() == [403]


def test_only_services_of_this_machine_can_be_opened(worker):
    with pytest.raises(OwnWorkerError, match="HOST:PORT"):
        own_worker(worker(""), connect=["example.com:80"])


@pytest.mark.usefixtures("local_runtime")
@pytest.mark.parametrize("way", ["absolute", "relative", "a link"])
def test_files_of_the_machine_cannot_be_imported_unless_opened_by_name(
    tmp_path_factory, worker, trace, way
):
    secret = tmp_path_factory.mktemp("home") / "secret.txt"
    secret.write_text("a secret")
    folder = worker("")
    (folder / "link.txt").symlink_to(secret)
    names = {"absolute": str(secret), "relative": os.path.relpath(secret, folder)}
    name = names.get(way, "./link.txt")
    folder = worker(f"import s from {json.dumps(name)};"
                    "export default { fetch: () => { throw s } }")  # fmt: skip
    with pytest.raises(LiveError, match=r"lies outside of the Worker's folder.*--read"):
        run(folder, trace.only(slice(1)))
    live = run(folder, trace.only(slice(1)), read=[secret.parent])
    assert live.errors == ["a secret"]


REFRESHING = """
const kept = new Map();
const load = async (key) =>
  kept.set(key, [await (await fetch("https://o.example")).text(), Date.now()]);
export default {
  async fetch({ url }, env, ctx) {
    if (!kept.has(url)) { await load(url); return new Response("new", { status: 202 }) }
    const [value, since] = kept.get(url);
    if (Date.now() - since > 10_000) ctx.waitUntil(load(url));
    await env.KV.get("a");
    return new Response(value, { status: 200 });
  }
}
"""


@pytest.mark.usefixtures("local_runtime")
def test_a_hit_that_refreshes_after_its_answer_is_a_hit(worker, trace):
    folder = worker(REFRESHING, kv_namespaces='[{binding = "KV", id = "0"}]')
    trace = trace.only(slice(6))
    trace = replace(trace, key=np.zeros_like(trace.key), time_s=np.array([0, 5, 20, 25, 40, 41.0]))
    platform = study().platform.model_copy(update={"isolates_per_colo": 1})
    one = replace(trace, colo=np.zeros_like(trace.colo))
    live = run_worker(folder, one, platform, origin_response="x")
    assert live.status.tolist() == [202, 200, 200, 200, 200, 200]
    assert (live.answered_by == "origin").tolist() == (live.status == 202).tolist()
    assert live.operations.query("store == 'origin'")["after"].tolist() == [False, True, True]
    assert live.as_dict()["calls_after_the_answer"] == {"origin fetch": 2}


ANSWERS = "export default {{ fetch: () => new Response('x', {{ status: {} }}) }}"


@pytest.mark.usefixtures("local_runtime")
@pytest.mark.parametrize("status", [404, 500])
def test_errors_are_no_hits(worker, trace, status):
    assert run(worker(ANSWERS.format(status)), trace.only(slice(9))).hit_ratio == 0


@pytest.mark.usefixtures("local_runtime")
def test_where_nothing_is_asked_no_hit_ratio_is_claimed(worker, trace):
    said = run(worker(ANSWERS.format(200)), trace.only(slice(9))).as_dict()
    assert said["hit_ratio"] is None
    assert said["hit_ratio_between"] == [0.0, 1.0]
    assert "without asking anything" in said["because"][0]
    assert said["not_checked"]


OBJECT = """
import { DurableObject } from "cloudflare:workers";
export class Counter extends DurableObject { add() { return 1 } }
export default {
  async fetch(request, env) { await env.C.get(env.C.idFromName("a")).add(); return new Response() }
}
"""


@pytest.mark.usefixtures("local_runtime")
def test_a_call_of_a_durable_object_is_not_taken_for_a_hit(worker, trace):
    folder = worker(OBJECT, durable_objects='{bindings = [{name = "C", class_name = "Counter"}]}',
                    migrations='[{tag = "1", new_sqlite_classes = ["Counter"]}]')  # fmt: skip
    said = run(folder, trace.only(slice(3))).as_dict()
    assert said["hit_ratio"] is None
    assert said["hit_ratio_between"] == [0.0, 1.0]


@pytest.mark.usefixtures("local_runtime")
def test_a_later_compatibility_date_runs_as_the_latest_that_the_runtime_knows(worker, trace):
    folder = worker(ANSWERS.format(200), compatibility_date='"2099-01-01"')
    live = run(folder, trace.only(slice(1)))
    assert live.status.tolist() == [200]
    assert "compatibility_date 2099-01-01: run as 20" in live.remarks[0]


@pytest.mark.usefixtures("local_runtime")
def test_code_without_a_fetch_handler_is_an_error(worker, trace):
    with pytest.raises(LiveError, match="no `export default` with a fetch handler"):
        run(worker("addEventListener('fetch', () => {})"), trace.only(slice(1)))


MODEL = """
export default {
  async fetch(request, env) { return Response.json(await env.AI.run("@cf/m", {}), { status: 201 }) }
}
"""


@pytest.mark.usefixtures("local_runtime")
def test_what_stands_for_the_origin_stands_for_a_model_too(worker, trace):
    folder = worker(MODEL, ai='{binding = "AI"}')
    live = run(folder, trace.only(slice(2)), origin_response='{"response": "good"}')
    assert live.status.tolist() == [201, 201]
    assert live.answered_by.tolist() == ["origin", "origin"]
    assert "the AI model was not asked" in run(folder, trace.only(slice(1))).errors[0]


@pytest.mark.usefixtures("local_runtime")
@pytest.mark.parametrize(
    "code",
    [
        "export default class extends WorkerEntrypoint { fetch() { return answer(this.env) } }",
        "export default { fetch: () => answer(global) }",
    ],
    ids=["a class", "the global env"],
)
def test_other_ways_to_write_a_worker_are_counted_too(worker, trace, code):
    imports = 'import { WorkerEntrypoint, env as global } from "cloudflare:workers";\n'
    answer = 'const answer = async (env) => new Response(await env.KV.get("a") ?? "none");\n'
    folder = worker(imports + answer + code, kv_namespaces='[{binding = "KV", id = "0"}]')
    live = run(folder, trace.only(slice(3)))
    assert live.status.tolist() == [200, 200, 200]
    assert live.counts.values.tolist() == [["kv", "get", 3, 0]]


EVERY_BINDING = """
export default {
  async fetch(request, { KV, BUCKET, DB, QUEUE, NAME }) {
    await KV.put("a", "1", { expirationTtl: 60, metadata: { by: NAME } });
    await KV.put("b", "2");
    const { value, metadata } = await KV.getWithMetadata("a");
    const many = await KV.get(["a", "b", "c"]);
    const { keys } = await KV.list();
    const refused = await KV.put("c", "3", { expirationTtl: 59 }).catch((error) => error.message);
    await BUCKET.put("a", "x");
    const text = await (await BUCKET.get("a")).text();
    await DB.exec("CREATE TABLE IF NOT EXISTS t (n INTEGER)");
    const insert = DB.prepare("INSERT INTO t VALUES (?)");
    await DB.batch([insert.bind(1), insert.bind(2)]);
    const sum = await DB.prepare("SELECT sum(n) AS n FROM t").first("n");
    await QUEUE.send({ sum });
    const names = keys.map(({ name, metadata }) => [name, metadata?.by]);
    throw JSON.stringify([value, metadata.by, [...many], names, refused, text, sum]);
  }
}
"""
BINDINGS = {
    "kv_namespaces": '[{binding = "KV", id = "0"}]',
    "r2_buckets": '[{binding = "BUCKET", bucket_name = "b"}]',
    "d1_databases": '[{binding = "DB", database_name = "d", database_id = "0"}]',
    "queues": '{producers = [{binding = "QUEUE", queue = "q"}]}',
    "vars": '{NAME = "me"}',
}


@pytest.mark.usefixtures("local_runtime")
def test_every_binding_with_a_local_form_works_and_is_counted(worker, trace):
    live = run(worker(EVERY_BINDING, **BINDINGS), trace.only(slice(1)))
    value, by, many, names, refused, text, total = json.loads(live.errors[0])
    assert (value, by, text, total) == ("1", "me", "x", 3)
    assert many == [["a", "1"], ["b", "2"], ["c", None]]
    assert names == [["a", "me"], ["b", None]]
    assert "Expiration TTL must be at least 60" in refused
    calls = {(c.store, c.method): (c.calls, c.found) for c in live.counts.itertuples()}
    assert {call: n for call, (n, _) in calls.items()} == {
        ("kv", "put"): 3,
        ("kv", "getWithMetadata"): 1,
        ("kv", "get"): 3,  # each key of a bulk read is billed
        ("kv", "list"): 1,
        ("r2", "put"): 1,
        ("r2", "get"): 1,
        ("d1", "exec"): 1,
        ("d1", "batch"): 1,
        ("d1", "first"): 1,
        ("queue", "send"): 1,
    }
    assert calls["kv", "get"] == (3, 2)


CACHING = """
export default {
  async fetch(request) {
    const hit = await caches.default.match(request);
    if (hit) return hit;
    const headers = { "cache-control": "max-age=60" };
    await caches.default.put(request, new Response("new", { headers }));
    return new Response("new", { headers });
  }
}
"""


@pytest.mark.usefixtures("local_runtime")
def test_lifetimes_in_the_cache_api_go_by_the_virtual_clock(worker, trace):
    trace = trace.only(slice(3))
    trace = replace(trace, key=np.zeros_like(trace.key), time_s=np.array([0.0, 59.0, 60.0]))
    live = run(worker(CACHING), trace)
    assert live.operations.query("method == 'match'")["found"].tolist() == [False, True, False]


@pytest.mark.usefixtures("local_runtime")
def test_code_that_never_answers_is_an_error(worker, trace):
    hung = "export default { fetch: () => new Promise(() => {}) }"
    with pytest.raises(LiveError, match="your Worker's code had hung"):
        run(worker(hung), trace.only(slice(1)))


@pytest.mark.usefixtures("local_runtime")
def test_code_that_does_not_build_is_an_error_with_its_line(worker, trace):
    with pytest.raises(LiveError, match=r"did not start: .*\nindex\.js:1:16: "):
        run(worker("export default {"), trace.only(slice(1)))


def test_a_binding_without_local_form_is_refused_with_its_line():
    with pytest.raises(OwnWorkerError, match=r"wrangler\.jsonc:11: browser: this has no local"):
        own_worker(WORKERS / "sentiment", "with-browser")


def test_an_environment_without_it_is_not():
    assert own_worker(WORKERS / "sentiment", "bare")["kinds"] == {"RESULTS": "kv"}


def test_an_object_of_another_worker_is_refused(tmp_path):
    shutil.copytree(WORKERS / "sentiment", tmp_path / "a")
    config = tmp_path / "a" / "wrangler.jsonc"
    text = config.read_text().replace('"Hits" }', '"Hits", "script_name": "other" }')
    config.write_text(text)
    with pytest.raises(OwnWorkerError, match="Hits belongs to the Worker 'other'"):
        own_worker(tmp_path / "a")


def test_code_outside_of_the_folder_is_refused(worker):
    with pytest.raises(OwnWorkerError, match=r"main: \.\./x\.js lies outside of"):
        own_worker(worker("", main='"../x.js"'))
