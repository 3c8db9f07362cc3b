import os
import signal
import subprocess
import sys

import psutil
import pytest

from cachelib.live.runtime import LiveError, Runtime

pytestmark = pytest.mark.usefixtures("local_runtime")

NOTHING = {"requests": [], "width": 1}


def family(runtime: Runtime) -> list[psutil.Process]:
    runtime.post(NOTHING)  # now every process is there
    host = psutil.Process(runtime.pid)
    return [host, *host.children(recursive=True)]


def gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=60)[1]  # a busy machine takes its time


def workerd(runtime: Runtime) -> psutil.Process:
    return next(child for child in family(runtime) if "workerd" in child.name())


def test_every_process_ends_with_the_block():
    with Runtime({"designs": {"isolates": 1}}) as runtime:
        processes = family(runtime)
        assert len(processes) > 1
    assert gone(processes)


def test_it_listens_on_the_loopback_only():
    with Runtime({"designs": {"isolates": 1}}) as runtime:
        listening = [
            connection.laddr.ip
            for process in family(runtime)
            for connection in process.net_connections()
            if connection.status == psutil.CONN_LISTEN
        ]
    assert listening
    assert set(listening) <= {"127.0.0.1", "::1"}


def test_nothing_of_the_parent_environment_reaches_the_child(monkeypatch):
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "a-secret")
    with Runtime({"designs": {"isolates": 1}}) as runtime:
        for process in family(runtime):
            assert "a-secret" not in process.environ().values()


def test_a_crash_of_workerd_is_an_error_and_leaves_no_process():
    with Runtime({"designs": {"isolates": 1}}) as runtime:
        processes = family(runtime)
        workerd(runtime).kill()
        with pytest.raises(LiveError, match="ended mid-run"):
            runtime.post(NOTHING)
    assert gone(processes)


BEGIN = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # who starts the tests may ignore it
from pathlib import Path
import psutil
from cachelib.live import runtime
runtime.RAM = Path(sys.argv[1])
"""
WAITING = """
with runtime.Runtime({"designs": {"isolates": 1}}) as live:
    live.post({"requests": [], "width": 1})
    print(*(child.pid for child in psutil.Process().children(recursive=True)), flush=True)
    sys.stdin.read()
"""
REPLAYING = """
from cachelib.live import driver
from cachelib.live.driver import Request, drive

driver.BATCH = 100

def say(done):  # by two threads: each line at once
    pids = (str(child.pid) for child in psutil.Process().children(recursive=True))
    sys.stdout.write(" ".join(pids) + "\\n")
    sys.stdout.flush()

requests = [Request(0, "read", f"/{i}", 0.0, 1, 0, "SJC", "", 0.0) for i in range(20_000)]
design = {"tiers": ["memory", "kv"], "expiry": "inherited", "room": 0}
topology = {"designs": {"isolates": 1}}
with runtime.Runtime(topology) as one, runtime.Runtime(topology) as other:
    drive([one, other], design, requests, in_flight=16, progress=say)
"""


@pytest.mark.parametrize(
    ("script", "end"),
    [
        pytest.param(WAITING, signal.SIGKILL, id="killed"),
        pytest.param(WAITING, signal.SIGTERM, id="told to end"),
        pytest.param(WAITING, signal.SIGINT, id="interrupted"),
        pytest.param(REPLAYING, signal.SIGINT, id="interrupted in a replay"),
    ],
)
def test_no_process_outlives_a_parent_that_is_ended(script, end, tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", BEGIN + script, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as parent:
        processes = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
        assert len(processes) > 1
        assert any(tmp_path.iterdir())
        os.kill(parent.pid, end)
        assert gone([psutil.Process(parent.pid), *processes])
    assert not any(tmp_path.iterdir())
