"""How papermill executes a notebook here: as it does by itself, but writing it once, and without
leaving the working directory."""

from __future__ import annotations

from typing import Any

from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.iorw import papermill_io


class SavedAtItsEnd(NBClientEngine):  # type: ignore[misc]  # papermill tells no types
    """Writes a notebook when it has ended, however it did; not before and after every cell."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, **options: Any
    ) -> None:
        nb_man.output_path, path = None, nb_man.output_path
        try:
            super().execute_managed_notebook(nb_man, kernel_name, **options)
        finally:
            nb_man.output_path = path


ENGINE = "saved-at-its-end"
papermill_engines.register(ENGINE, SavedAtItsEnd)


def _stay(_: object) -> None:
    """The directory that papermill goes to while it reads or writes a file: none.

    It is one for all threads of the process, and each restores what it found there: of several
    notebooks at once, one that ends last may leave the directory of an earlier report in it.
    """


papermill_io.get_handler("local").cwd = _stay
