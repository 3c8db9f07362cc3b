"""Machine code is kept by its sources, or not at all, but never in the way."""

from numba import config

from cachelib.edge import compiler


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
    (tmp_path / "compiled").mkdir()
    for name in ("compiler.py", "outcomes.py", "trace.py", "compiled/pool.py"):
        (tmp_path / name).write_text("a = 1")
    monkeypatch.setattr(compiler, "__file__", str(tmp_path / "compiler.py"))
    before = compiler._sources()
    (tmp_path / "compiled" / "pool.py").write_text("a = 2")
    assert compiler._sources() != before
