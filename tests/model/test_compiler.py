"""Machine code is kept by its sources, or not at all, but never in the way."""

import subprocess
import sys
import time

import pytest
from numba import config

from cachelib.model.case.case import load_case
from cachelib.model.engines import compiler, kept
from cachelib.model.engines.compiled.kernel import run
from cachelib.model.engines.compiled.measure import measure
from cachelib.model.engines.compiled.room import rehash
from cachelib.model.engines.replay import replay, warm_up
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.traffic.generator import generate
from cachelib.model.traffic.logs import read_log

fcntl = pytest.importorskip("fcntl")


def double(x):
    return 2 * x


def test_where_nothing_can_be_written_functions_compile_all_the_same(monkeypatch):
    njit = compiler.njit

    def nowhere(*args, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(*args, **options)

    monkeypatch.setattr(compiler, "njit", nowhere)
    assert compiler.compiled(double)(4) == 8


def test_other_users_of_numba_keep_their_folder(monkeypatch):
    monkeypatch.setattr(config, "CACHE_DIR", "")
    compiler.compiled(double)
    assert config.CACHE_DIR == ""


def test_code_is_kept_by_the_sources_of_all_that_is_compiled(monkeypatch, tmp_path):
    (tmp_path / "engines" / "compiled").mkdir(parents=True)
    for name in ("compiler.py", "compiled/pool.py"):
        (tmp_path / "engines" / name).write_text("a = 1")
    monkeypatch.setattr(kept, "MODEL", tmp_path)
    before = kept._sources()
    (tmp_path / "engines" / "compiled" / "pool.py").write_text("a = 2")
    assert kept._sources() != before


def test_what_there_is_none_of_another_process_compiles_meanwhile(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(kept, "COMPILE", f"open({str(tmp_path / 'a.nbi')!r}, 'w')")
    with kept.compiled_aside():
        while not kept.code(tmp_path):
            time.sleep(0.01)
    monkeypatch.setattr(kept, "COMPILE", f"open({str(tmp_path / 'b.nbi')!r}, 'w')")
    with kept.compiled_aside():
        time.sleep(0.2)
    assert [file.name for file in kept.code(tmp_path)] == ["a.nbi"]


def test_the_process_that_compiles_ends_with_the_one_that_asked():
    with subprocess.Popen(
        [sys.executable, "-P", "-c", f"{kept.COMPILE}\nimport time; time.sleep(600)"],
        stdin=subprocess.PIPE,
    ) as compiling:
        compiling.communicate(b"")
    assert compiling.returncode == 0


def test_what_another_process_compiles_lies_where_it_is_looked_for():
    with subprocess.Popen(
        [sys.executable, "-P", "-c", kept.COMPILE], stdin=subprocess.PIPE
    ) as made:
        assert made.wait() == 0
    assert {file.name.split(".")[0] for file in kept.code(kept.folder())} >= {"kernel", "measure"}


def test_what_is_made_beforehand_is_what_replays_of_all_traffic_need(tmp_path):
    log = tmp_path / "t.csv"
    log.write_text("time,key,colo,op,size,ttl\n0,a,LHR,read,5,0\n9,b,SJC,write,7,60\n")
    generated = generate(load_case("trading-sentiment").workload, seed=1, span_s=86_400.0)
    warm_up()
    before = [kernel.machine.signatures for kernel in (run, rehash, measure)]
    for trace in (read_log(log), generated, generated.only(generated.key == 0)):
        for design in BUILT_IN.values():
            replay(trace, design, Platform(isolates_per_colo=3))
    assert [kernel.machine.signatures for kernel in (run, rehash, measure)] == before


def test_two_processes_do_not_compile_the_same_at_once(tmp_path):
    def take(lock):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    with compiler._in_turn(str(tmp_path)):
        lock = (tmp_path / "lock").open()
        with pytest.raises(BlockingIOError):
            take(lock)
    take(lock)
    lock.close()


@pytest.mark.parametrize("suffix", [".nbc", ".nbi", compiler.SUMS])
@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
        lambda data: b"cos\nsystem\n(S'touch owned'\ntR.",
        lambda data: b"\xff\xfe" + data,
    ],
    ids=["emptied", "truncated", "flipped", "another pickle", "no text"],
)
def test_damaged_code_is_compiled_anew(monkeypatch, tmp_path, suffix, damage):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert compiler.compiled(double)(4) == 8
    files = [path for path in tmp_path.rglob("*") if path.name.endswith(suffix)]
    assert files
    for file in files:
        file.write_bytes(damage(file.read_bytes()))
    again = compiler.compiled(double)
    assert again(4) == 8
    assert not again.machine.stats.cache_hits
    assert compiler.compiled(double)(4) == 8
    assert not (tmp_path / "owned").exists()


def test_where_nothing_can_be_noted_nothing_is_believed(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    compiler.compiled(double)(4)
    [sums] = tmp_path.rglob(compiler.SUMS)
    sums.unlink()
    sums.mkdir()
    again = compiler.compiled(double)
    assert again(4) == 8
    assert not again.machine.stats.cache_hits


def test_undamaged_code_is_found(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    compiler.compiled(double)(4)
    again = compiler.compiled(double)
    again(4)
    assert again.machine.stats.cache_hits


def test_a_configuration_in_the_current_folder_does_not_say_where_code_is(monkeypatch, tmp_path):
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    compiler.compiled(double)(4)
    assert not list(tmp_path.iterdir())
