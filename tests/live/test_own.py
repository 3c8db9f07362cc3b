import json
import shutil
import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cachelib.live.own import run_worker
from cachelib.live.own_config import OwnWorkerError, own_worker
from cachelib.live.result import as_local
from cachelib.live.runtime import LiveError
from cachelib.model.case.case import load_case
from cachelib.model.engines.replay import replay
from cachelib.model.judgement.study import Study
from cachelib.model.tiers.design import Design

WORKERS = Path(__file__).parent / "workers"
STUDY = Study(load_case("trading-sentiment"))


@pytest.fixture(scope="module")
def trace():
    """A thousand reads at whole seconds."""
    first = STUDY.trace.only(slice(1_000))
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
    return run_worker(folder, trace, STUDY.platform, seed=1, **options)


@pytest.fixture(scope="module")
def live(local_runtime, trace):
    return run(WORKERS / "sentiment", trace, origin_response="0.5")


def test_an_unchanged_worker_hits_as_often_as_the_library_says(live, trace):
    same = Design(name="own", l2="kv", l1_ttl_s=60, l2_ttl_s=300, expiry="independent")
    simulated = replay(trace, same, as_local(STUDY.platform), seed=1)
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
    assert "no network beyond the loopback: api.example.com was not asked" in live.errors[0]
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
def test_sockets_end_at_the_loopback_too(worker, trace):
    outside = own_address()
    with socket.create_server(("127.0.0.1", 0)) as near, socket.create_server((outside, 0)) as far:
        keys = ["/{}:{}".format(*server.getsockname()) for server in (near, far)]
        two = replace(trace.only(slice(2)), key=np.array([0, 1], np.int32), keys=keys)
        live = run(worker(SOCKET), two)
    assert live.status.tolist() == [200, 0]
    assert "cannot connect" in live.errors[0]


def own_address() -> str:
    """An address of this machine that is not the loopback's; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but the loopback's")
        return probe.getsockname()[0]


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
    with pytest.raises(OwnWorkerError, match=r"wrangler\.jsonc:11: ai: this has no local form"):
        own_worker(WORKERS / "sentiment", "with-ai")


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
