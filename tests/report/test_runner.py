"""What may happen to a run: hanging, interruption, a full disk, company, kernels that fail."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from cachelib.commands.signals import ENDING
from cachelib.report.build import build
from cachelib.report.experiments import engine, run, staging, zygote
from cachelib.report.experiments.kernels import Kernels
from cachelib.report.experiments.source import Source
from cachelib.report.experiments.staging import UnwrittenError
from tests.report import tiny

CASE = {"case": str(Path(__file__).with_name("small.yaml"))}
REPORT = """
import sys
import time
from pathlib import Path
from cachelib.report import build
from tests.report import tiny
build.build({case}, Path("out"), jobs=2, progress=tiny.quiet, notebooks=Path("notebooks"))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a report that must survive what happens."""
    monkeypatch.chdir(tmp_path)
    report(tmp_path / "out", "the one before")
    return tmp_path


def report(out: Path, page: str) -> None:
    """A report whose page says just that."""
    with staging.exclusive(out) as stage:
        (stage / "new").mkdir()
        (stage / "new" / "report.html").write_text(page)
        staging.replace(out, stage, stage / "new")


def write(*cells: str, name: str = "01_tiny") -> None:
    tiny.write(Path("notebooks") / f"{name}.ipynb", *cells)


def built(**options: Any) -> list[run.Run]:
    options = {"jobs": 2, **options}
    done = build(CASE, Path("out"), progress=tiny.quiet, notebooks=Path("notebooks"), **options)
    return done.runs


def assert_untouched(folder: Path, *beside: str) -> None:
    """The report before is all there is, but for the names `beside` it in its folder."""
    assert {path.name for path in folder.iterdir()} == {"out", "notebooks"}
    names = {path.name for path in (folder / "out").iterdir()}
    assert names == {"report.html", staging.MARKER, *beside}
    assert (folder / "out" / "report.html").read_text() == "the one before"


class TestANotebookThatHangs:
    def test_is_stopped_at_its_time_limit_and_reported(
        self, folder: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        write("print('before')", "while True: pass", name="02_isolation")
        [hung] = built(timeout_s=4)
        assert hung.failure
        assert hung.failure.error == "stopped after 4 s, its time limit; raise it with --timeout"
        assert hung.failure.source == "while True: pass"
        assert "its time limit" in (folder / "out" / "report.md").read_text()
        assert "asyncio" not in {record.name for record in caplog.records}


class TestANotebookWhoseKernelDies:
    def test_fails_in_the_cell_that_it_died_in_and_is_not_run_again(self, folder: Path) -> None:
        write("open('ran', 'a').write('x')", "import os; os.kill(os.getpid(), 9)")
        [dead] = built()
        assert dead.failure
        assert "os.kill" in dead.failure.source
        assert "DeadKernelError" in dead.failure.error
        assert (folder / "ran").read_text() == "x"


class TestAKernelThatDoesNotStart:
    @pytest.fixture
    def failing(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """How often the start of a kernel is to fail; the starts that did are counted down."""
        left = [0]
        start = Kernels.manager

        def manager(self: Kernels) -> Any:
            class Failing(start(self)):  # type: ignore[misc]
                async def start_kernel(self, **options: Any) -> None:
                    left[0] -= 1
                    if left[0] >= 0:
                        raise RuntimeError("Kernel died before replying to kernel_info")
                    await super().start_kernel(**options)

            return Failing

        monkeypatch.setattr(Kernels, "manager", manager)
        return left

    @pytest.mark.usefixtures("folder")
    def test_is_tried_again(self, failing: list[int]) -> None:
        failing[0] = run.STARTS - 1
        write("print('hello')")
        [done] = built()
        assert done.failure is None
        assert failing == [-1]

    @pytest.mark.usefixtures("folder")
    def test_is_given_up_in_the_end(self, failing: list[int]) -> None:
        failing[0] = run.STARTS
        write("print('hello')")
        [done] = built()
        assert done.failure
        assert "Kernel died before replying" in done.failure.error
        assert failing == [0]


class TestKernels:
    @pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")
    def test_have_imported_what_any_notebook_imports_and_share_nothing_else(
        self, folder: Path
    ) -> None:
        early = "import sys; assert 'colorsys' in sys.modules; import colorsys"
        write(early, "colorsys.mark = 1; print(colorsys.mark)", name="02_two")
        write(early, "assert not hasattr(colorsys, 'mark')", name="01_one")
        assert [run.failure for run in built(jobs=1)] == [None, None]

    @pytest.mark.parametrize(("jobs", "own", "each"), [(1, None, 6), (2, None, 3), (2, "5", 5)])
    def test_share_the_processors_and_take_no_more_than_there_are(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, jobs: int, own: str | None, each: int
    ) -> None:
        monkeypatch.setattr(os, "cpu_count", lambda: 6)
        if own:
            monkeypatch.setenv("CACHELIB_JOBS", own)
        check = f"import os; assert os.environ['CACHELIB_JOBS'] == '{each}'"
        write(check, name="01_tiny")
        write(check, name="02_tiny")
        assert [run.failure for run in built(jobs=jobs)] == [None, None]

    def test_have_no_more_threads_at_work_together_than_there_are_processors(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two kernels, each of which shares work out to threads, which do so, too."""
        monkeypatch.setattr(os, "cpu_count", lambda: 4)
        counted = f"""
import os, time
from pathlib import Path
from cachelib.model.judgement.processors import each

def work(n):
    mine = Path({str(folder)!r}) / f"at-work-{{os.getpid()}}-{{n}}"
    mine.touch()
    seen = len(list(mine.parent.glob("at-work-*")))
    time.sleep(0.05)
    mine.unlink()
    return seen

most = max(max(each(lambda m: work((n, m)), range(3))) for n in range(3))
nested = max(map(max, each(lambda n: each(lambda m: work((n, m)), range(3)), range(6))))
(Path({str(folder)!r}) / f"most-{{os.getpid()}}").write_text(str(max(most, nested)))
"""
        write(counted, name="01_tiny")
        write(counted, name="02_tiny")
        assert [run.failure for run in built(jobs=2)] == [None, None]
        most = [int(file.read_text()) for file in folder.glob("most-*")]
        assert len(most) == 2
        assert 2 <= max(most) <= 4

    def test_share_anew_what_others_leave_when_they_end(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "cpu_count", lambda: 6)
        kernels = Kernels([], at_once=3)
        try:
            now = Path(kernels.shared["CACHELIB_JOBS_NOW"])
            said = []
            with kernels.at_work(), kernels.at_work():
                said.append(now.read_text())
                with kernels.at_work():
                    said.append(now.read_text())
                said.append(now.read_text())
            assert said == ["3", "2", "3"]
            assert kernels.shared["CACHELIB_JOBS"] == "2", "what each begins with"
        finally:
            kernels.end()

    @pytest.mark.usefixtures("folder")
    @pytest.mark.parametrize("name", ["short", "long" * 20])
    def test_talk_through_sockets_that_no_other_program_takes_and_leave_none(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        temporary = tmp_path / name
        temporary.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(temporary))
        write(
            "import psutil; used = psutil.Process().net_connections",
            "assert len({socket.laddr for socket in used('unix') if socket.laddr}) == 5",
            "assert {socket.laddr.ip for socket in used('inet')} <= {'127.0.0.1'}",
        )
        assert [run.failure for run in built()] == [None]
        assert not list(temporary.iterdir())

    @pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")
    @pytest.mark.usefixtures("folder")
    def test_are_forked_from_a_process_of_one_thread(self) -> None:
        notebooks = [Source(run.NOTEBOOKS / f"{name}.ipynb") for name in run.notebook_names()]
        imports = sorted({line for notebook in notebooks for line in notebook.imports()})
        assert len(imports) > 10
        zygote = "psutil.Process(os.getppid())"
        write(*imports, f"import os, psutil; assert {zygote}.num_threads() == 1")
        assert [run.failure for run in built()] == [None]

    @pytest.mark.usefixtures("folder")
    def test_start_anew_where_they_cannot_be_forked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def ended(*_: object) -> None:
            raise ConnectionError("the zygote has ended")

        monkeypatch.setattr(zygote.Zygote, "fork", ended)
        write("print('hello')")
        [done] = built()
        assert done.failure is None

    def test_are_not_kept_waiting_by_an_import_that_hangs(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(zygote, "PATIENCE_S", 1.0)
        elsewhere = folder / "elsewhere"  # the current folder is no place for code
        elsewhere.mkdir()
        (elsewhere / "hanging.py").write_text("import time; time.sleep(300)")
        monkeypatch.setenv("PYTHONPATH", str(elsewhere))
        write("import hanging")
        [hung] = built(timeout_s=5)
        assert hung.failure
        assert "its time limit" in hung.failure.error


@pytest.mark.timeout(600)
class TestAnInterruptedRun:
    @pytest.fixture
    def started(self, folder: Path) -> subprocess.Popen[str]:
        """A report of two notebooks that each have a child, and take their time."""
        for name in ("01_one", "02_two"):
            write(
                "import os, time",
                "child = os.spawnlp(os.P_NOWAIT, 'sleep', 'sleep', '300')",
                f"open('{name}', 'w').write(f'{{os.getpid()}} {{child}}')",
                "print('x', flush=True); time.sleep(300)",
                name=name,
            )
        words = "report", CASE["case"], "--out", "out"
        code = "from cachelib.report.experiments import run; from pathlib import Path; "
        code = f"{code} run.NOTEBOOKS = Path('notebooks'); from cachelib.cli import main; main()"
        return subprocess.Popen(
            [sys.executable, "-c", code, *words], stderr=subprocess.PIPE, text=True,
            preexec_fn=heed,
        )  # fmt: skip

    @pytest.mark.parametrize("number", ENDING)
    def test_leaves_the_report_before_and_no_process(
        self, folder: Path, started: subprocess.Popen[str], number: int
    ) -> None:
        files = [folder / "01_one", folder / "02_two"]
        pids = [pid for file in files for pid in numbers(file, started)]
        processes = [*map(psutil.Process, pids), *psutil.Process(started.pid).children()]
        started.send_signal(number)
        started.send_signal(signal.SIGINT)  # impatience is no reason to leave things behind
        _, said = started.communicate(timeout=60)
        assert said == "interrupted; an earlier report, if any, is as it was\n"
        assert started.returncode == 128 + number
        assert not psutil.wait_procs(processes, timeout=10)[1]
        for file in files:
            file.unlink()
        assert_untouched(folder)

    def test_that_is_killed_leaves_no_kernel(
        self, folder: Path, started: subprocess.Popen[str]
    ) -> None:
        (first, child), (second, other) = (
            numbers(folder / name, started) for name in ("01_one", "02_two")
        )
        processes = [psutil.Process(pid) for pid in (first, second)]
        processes += psutil.Process(started.pid).children()
        started.kill()
        assert not psutil.wait_procs(processes, timeout=10)[1]
        for pid in (child, other):
            os.kill(pid, signal.SIGKILL)
        started.communicate()


def heed() -> None:
    """Take the signals that whoever started the tests in the background has had ignored."""
    for number in ENDING:
        signal.signal(number, signal.SIG_DFL)


def numbers(file: Path, writer: subprocess.Popen[str]) -> list[int]:
    """What another process writes into a file, once it is there."""
    while not (file.exists() and file.read_text()):
        assert writer.poll() is None, writer.communicate()
        time.sleep(0.05)
    return [int(word) for word in file.read_text().split()]


INNOCENT = {
    "statistics.py": "open('ran', 'a').write('statistics ')",
    "pandas.py": "open('ran', 'a').write('pandas ')",
    "ipykernel_launcher.py": "open('ran', 'a').write('launcher ')",
    "sitecustomize.py": "open('ran', 'a').write('sitecustomize ')",
    "matplotlibrc": "font.size: 77",
}


@pytest.mark.timeout(600)
class TestCodeInTheCurrentFolder:
    @pytest.mark.parametrize(
        ("forked", "pythonpath"), [(True, None), (True, ":/nowhere"), (False, "")]
    )
    def test_is_not_run_and_in_nobodys_way(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, pythonpath: str | None, forked: bool
    ) -> None:
        for name, text in INNOCENT.items():
            (folder / name).write_text(text)
        if pythonpath is not None:
            monkeypatch.setenv("PYTHONPATH", pythonpath)
        if not forked:
            monkeypatch.setattr(sys, "platform", "another")
        write(
            "import os, statistics, sys, pandas; from cachelib.report.publish import figures",
            "figures.axes(xlabel='x', ylabel='y')",
            "import matplotlib; assert matplotlib.rcParams['font.size'] == 10",
            f"assert os.getcwd() == {str(folder)!r}",
            "assert not {'', os.getcwd()} & {*sys.path}",
        )
        assert [run.failure for run in built()] == [None]
        assert not (folder / "ran").exists()


class TestAFullDisk:
    def test_while_notebooks_run_is_an_error_and_no_half_report(self, folder: Path) -> None:
        """The limit on the size of files stands in for the disk."""
        write("print('x' * 300_000)")
        script = f"""
import resource
from pathlib import Path
from cachelib.cli import main
from cachelib.report.experiments import run
run.NOTEBOOKS = Path("notebooks")
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
main(["report", {CASE["case"]!r}, "--out", "out"])
"""
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1] == (
            "Error: out: File too large; no report was written, and an earlier one is as it was;"
            " what notebooks finished before is kept for the next run, as far as there was room"
        )
        assert "Traceback" not in done.stderr
        assert_untouched(folder)

    def test_while_the_report_is_written_is_an_error_too(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from cachelib.report.document import write as writing

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(writing, "write", full)
        write("print('hello')")
        with pytest.raises(UnwrittenError, match="No space left on device"):
            built()
        assert_untouched(folder, staging.FINISHED)
        kept = {path.name for path in (folder / "out" / staging.FINISHED).iterdir()}
        assert kept == {"01_tiny.ipynb", "01_tiny.json"}, "the next run need not run it again"

    def test_nothing_else_is_taken_for_one(self, folder: Path) -> None:
        with pytest.raises(PermissionError), staging.exclusive(folder / "out"):
            raise PermissionError(errno.EACCES, "not yours")


def test_the_first_failing_cell_is_told_with_its_error(folder: Path) -> None:
    write("1", "1 / 0", "2")
    told: list[tuple[object, ...]] = []
    build(
        CASE, Path("out"), jobs=1, progress=lambda *words: told.append(words),
        notebooks=Path("notebooks"),
    )  # fmt: skip
    assert [words[1] for words in told] == ["started", "failed"]
    assert "ZeroDivisionError: division by zero" in str(told[-1][2])


def test_papermill_reads_and_writes_without_leaving_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is one for all threads, and may be an earlier report's by the time one comes back."""
    from papermill.iorw import local_file_io_cwd, papermill_io

    assert engine.ENGINE
    left: list[object] = []
    monkeypatch.setattr(os, "chdir", left.append)
    with local_file_io_cwd(str(tmp_path)):
        papermill_io.write("{}", str(tmp_path / "a.ipynb"))
        assert papermill_io.read(str(tmp_path / "a.ipynb")) == "{}"
    assert left == []
