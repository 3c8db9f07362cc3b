"""How papermill executes a notebook here: as it does by itself, but writing it once."""

from __future__ import annotations

from typing import Any

from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines


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
