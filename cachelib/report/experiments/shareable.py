"""What a report must not tell of the machine that made it: where files lie on it."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

FINDING = "application/vnd.cachelib.finding+json"
OMITTED = "…"
LEFT_OUT = f"the folders in which this machine's files lie; {OMITTED} stands for them"


class Places:
    """The folders of this machine that may come up in a run, its `own` among them."""

    def __init__(self, own: Iterable[Path] = ()) -> None:
        usual = (Path.cwd(), Path.home(), Path(tempfile.gettempdir()), Path(sys.prefix),
                 Path(sys.base_prefix), Path(__file__).parents[3])  # fmt: skip
        paths = [*usual, *own]
        folders = {str(form) for path in paths for form in (path.absolute(), path.resolve())}
        longest_first = sorted(folders - {str(Path("/"))}, key=len, reverse=True)
        any_of_them = "|".join(map(re.escape, longest_first))
        self._pattern = re.compile(rf"(?<![\w.~-])({any_of_them})(?!\w)")

    def left_out(self, text: str) -> str:
        """The text without the folders; what follows them stays."""
        return self._pattern.sub(OMITTED, text)

    def of(self, value: Any) -> Any:
        """The same for every text in nested data."""
        if isinstance(value, str):
            return self.left_out(value)
        if isinstance(value, list):
            return [self.of(each) for each in value]
        if isinstance(value, dict):
            return {key: self.of(each) for key, each in value.items()}
        return value

    def of_notebook(self, path: Path) -> None:
        """Rewrite an executed notebook; what it publishes as data stays as it is."""
        notebook = json.loads(path.read_text("utf-8"))
        for key in ("input_path", "output_path", "environment_variables"):
            notebook["metadata"].get("papermill", {}).pop(key, None)
        notebook["metadata"] = self.of(notebook["metadata"])
        for cell in notebook["cells"]:
            if "injected-parameters" in cell["metadata"].get("tags", ()):
                cell["source"] = self.of(cell["source"])
            for output in cell.get("outputs", ()):
                if output.get("data", {}).get(FINDING, {}).get("kind", "text") == "text":
                    output.update(self.of(output))
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")


def without_folder(value: Any) -> Any:
    """Of an absolute path, or one that leads upwards, the last part; all else as it is."""
    if isinstance(value, str) and (Path(value).is_absolute() or ".." in Path(value).parts):
        return f"{OMITTED}/{Path(value).name}"
    return value
