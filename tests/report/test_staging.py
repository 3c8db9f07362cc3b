"""A report's folder: only its own files are ever touched, and a killed run's work is finished."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cachelib.model.schema import scratch
from cachelib.report.experiments import staging
from cachelib.report.experiments.staging import MARKER, STAGE, OutputError

Tree = dict[str, str]

ONE = {"report.html": "one", "notebooks/01.html": "one", "figures/a.svg": "one"}
TWO = {"report.html": "two", "notebooks/01.html": "two", "figures/b.svg": "two"}


def write(out: Path, files: Tree) -> None:
    with staging.exclusive(out) as stage:
        lay(stage / "new", files)
        staging.replace(out, stage, stage / "new")


def lay(folder: Path, files: Tree) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def tree(folder: Path) -> Tree:
    """Every file below, links as where they lead."""
    return dict(sorted(_files(folder)))


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            yield name, f"-> {os.readlink(path)}"
        elif path.is_file() and path.name != MARKER:
            yield name, path.read_text()


class TestWhatIsNoReport:
    @pytest.mark.parametrize(
        "files",
        [
            {"thesis.txt": "years of work"},
            {"manifest.json": '{"name": "my web app", "start_url": "/"}', "src/app.js": "work"},
            {"manifest.json": '{"format": 1, "files": {}, "notebooks": {}}'},
            {".git/config": "[core]"},
            {MARKER: "", "a": "b"},
            {MARKER: "{}"},
            {MARKER: json.dumps({"format": staging.FORMAT, "files": {"../a": "0"}})},
            {MARKER: json.dumps({"format": staging.FORMAT, "files": {"/etc/passwd": "0"}})},
            {MARKER: json.dumps({"format": staging.FORMAT, "files": ["a"]})},
            {MARKER: "[" * 100_000},
        ],
    )
    def test_is_refused_and_untouched(self, tmp_path: Path, files: Tree) -> None:
        lay(tmp_path, files)
        before = tree(tmp_path)
        with pytest.raises(OutputError, match="--out"), staging.exclusive(tmp_path):
            pytest.fail("it was taken")
        assert tree(tmp_path) == before

    @pytest.mark.timeout(20)
    def test_nor_is_one_whose_list_is_a_pipe(self, tmp_path: Path) -> None:
        """It may be a stranger's folder, and a pipe would be waited for."""
        os.mkfifo(tmp_path / MARKER)
        with pytest.raises(OutputError, match="is damaged"), staging.exclusive(tmp_path):
            pytest.fail("it was taken")

    def test_nor_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "out").write_text("mine")
        with pytest.raises(OutputError, match="is no folder"), staging.exclusive(tmp_path / "out"):
            pytest.fail("it was taken")

    def test_nor_is_a_loop_of_links(self, tmp_path: Path) -> None:
        (tmp_path / "out").symlink_to(tmp_path / "out")
        with pytest.raises(OutputError), staging.exclusive(tmp_path / "out"):
            pytest.fail("it was taken")


class TestAReport:
    def test_is_replaced_file_by_file_and_what_is_no_longer_of_it_is_gone(
        self, tmp_path: Path
    ) -> None:
        write(tmp_path / "out", ONE)
        write(tmp_path / "out", TWO)
        assert tree(tmp_path / "out") == dict(sorted(TWO.items()))

    def test_leaves_what_others_put_into_its_folder_and_tells_of_it(self, tmp_path: Path) -> None:
        write(tmp_path, ONE)
        theirs = {
            ".git/config": "g",
            "notes.txt": "n",
            "notebooks/own.html": "o",
            "figures/b/c": "d",
        }
        lay(tmp_path, theirs)
        (tmp_path / "link").symlink_to("nowhere")
        (tmp_path / "empty").mkdir()
        write(tmp_path, {"report.html": "two"})
        assert tree(tmp_path) == dict(
            sorted({"report.html": "two", "link": "-> nowhere", **theirs}.items())
        )
        assert (tmp_path / "empty").is_dir()
        told = [".git", "empty", "figures", "link", "notebooks", "notes.txt"]
        assert staging.others(tmp_path) == told

    def test_never_takes_the_place_of_what_is_not_its_own(self, tmp_path: Path) -> None:
        write(tmp_path, ONE)
        lay(tmp_path, {"figures/b.svg": "mine"})
        before = tree(tmp_path)
        with pytest.raises(OutputError, match=r"figures/b\.svg: is there already"):
            write(tmp_path, TWO)
        assert tree(tmp_path) == before

    def test_does_not_remove_a_file_of_its_own_that_somebody_has_changed(
        self, tmp_path: Path
    ) -> None:
        write(tmp_path, ONE)
        (tmp_path / "figures/a.svg").write_text("mended by hand")
        write(tmp_path, TWO)
        assert tree(tmp_path)["figures/a.svg"] == "mended by hand"

    @pytest.mark.timeout(20)
    def test_leaves_a_pipe_in_the_place_of_a_file(self, tmp_path: Path) -> None:
        write(tmp_path, ONE)
        (tmp_path / "figures/a.svg").unlink()
        os.mkfifo(tmp_path / "figures/a.svg")
        write(tmp_path, TWO)
        assert (tmp_path / "figures/a.svg").is_fifo()

    def test_is_written_where_a_link_leads(self, tmp_path: Path) -> None:
        (tmp_path / "out").symlink_to("far/away")
        for files in (ONE, TWO):
            write(tmp_path / "out", files)
            assert os.readlink(tmp_path / "out") == "far/away"
            assert tree(tmp_path / "far/away") == dict(sorted(files.items()))

    @pytest.mark.parametrize("name", ["notebooks", STAGE])
    def test_does_not_follow_links_inside_its_folder(self, tmp_path: Path, name: str) -> None:
        out, far = tmp_path / "out", tmp_path / "far"
        write(out, ONE)
        lay(far, {"01.html": "one", "notes.txt": "mine"})
        shutil.rmtree(out / name, ignore_errors=True)
        (out / name).symlink_to(far)
        with pytest.raises(OutputError):
            write(out, TWO)
        assert tree(far) == {"01.html": "one", "notes.txt": "mine"}

    def test_takes_a_file_more(self, tmp_path: Path) -> None:
        write(tmp_path, ONE)
        with staging.exclusive(tmp_path) as stage:
            (stage / "report.pdf").write_text("pdf")
            staging.add(tmp_path, stage, stage / "report.pdf")
        assert staging.others(tmp_path) == []
        write(tmp_path, ONE)
        assert tree(tmp_path) == dict(sorted(ONE.items()))

    def test_takes_no_file_more_where_there_is_another(self, tmp_path: Path) -> None:
        write(tmp_path, ONE)
        lay(tmp_path, {"report.pdf": "mine"})
        with staging.exclusive(tmp_path) as stage:
            lay(stage, {"report.pdf": "pdf"})
            with pytest.raises(OutputError, match="is there already"):
                staging.add(tmp_path, stage, stage / "report.pdf")
        assert tree(tmp_path)["report.pdf"] == "mine"


KILLED = """
import os, sys
from pathlib import Path
from cachelib.report.experiments import staging
from tests.report.test_staging import TWO, lay
left, names = int(sys.argv[1]), ("mkdir", "replace", "unlink", "rmdir")

def dying(real):
    def one(*given, **options):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), 9)
        return real(*given, **options)
    return one

for name in names:
    setattr(os, name, dying(getattr(os, name)))
out = Path("out")
with staging.exclusive(out) as stage:
    lay(stage / "new", TWO)
    staging.replace(out, stage, stage / "new")
"""


@pytest.mark.parametrize("steps", range(0, 30, 3))
def test_a_run_that_is_killed_at_any_step_leaves_one_report_or_the_other_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out"
    write(out, ONE)
    lay(out, {"notes.txt": "mine"})
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", KILLED, str(steps)], check=False, env=env)
    assert (out / "notes.txt").read_text() == "mine"
    with staging.exclusive(out) as stage:
        assert list(stage.iterdir()) == []
        found = tree(out)
        assert found.pop("notes.txt") == "mine"
        assert found in (dict(sorted(ONE.items())), dict(sorted(TWO.items())))
    assert not (out / STAGE).exists()


class TestTwoRunsIntoOneFolder:
    def test_the_second_is_refused(self, tmp_path: Path) -> None:
        with (
            staging.exclusive(tmp_path),
            pytest.raises(OutputError, match="another run is writing this report"),
            staging.exclusive(tmp_path),
        ):
            pytest.fail("both were let in")

    def test_two_folders_do_not_get_in_each_others_way(self, tmp_path: Path) -> None:
        with staging.exclusive(tmp_path / "a"), staging.exclusive(tmp_path / "b"):
            pass
        assert not list(tmp_path.iterdir())

    def test_a_lock_on_a_stage_that_was_removed_meanwhile_does_not_count(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The first run ends, and removes the stage, just after the second has opened it."""
        lock, stage = scratch.fcntl.flock, tmp_path / STAGE
        rounds = iter([stage.rmdir, lambda: None])

        def flock(handle: int, how: int) -> None:
            next(rounds)()
            lock(handle, how)

        monkeypatch.setattr(scratch.fcntl, "flock", flock)
        with staging.exclusive(tmp_path) as held:
            assert held.exists()


SCRATCH = """
import os
from pathlib import Path
from cachelib.model.schema.scratch import scratch
with scratch("cachelib-test-", Path(".")) as folder:
    (folder / "file").write_text("x")
    os.kill(os.getpid(), {number})
"""


class TestTemporaryFolders:
    def test_of_killed_processes_are_swept_at_the_next_start_and_others_are_not(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        killed = [sys.executable, "-c", SCRATCH.format(number=int(signal.SIGKILL))]
        subprocess.run(killed, check=False)
        [left] = tmp_path.iterdir()
        (tmp_path / "cachelib-test-link").symlink_to(Path(__file__).parent)
        (tmp_path / "cachelib-test-file").write_text("mine")
        with scratch.scratch("cachelib-test-", tmp_path) as first:
            assert not left.exists()
            with scratch.scratch("cachelib-test-", tmp_path) as second:
                assert first.is_dir()
                assert second.is_dir()
        kept = {path.name for path in tmp_path.iterdir()}
        assert kept == {"cachelib-test-link", "cachelib-test-file"}
        assert Path(__file__).exists()
