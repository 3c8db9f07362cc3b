"""The corpus: sources with the faults marked, one file a rule.

`// == fires: title`, `// == unsure: title` (told only when asked for) or `// == quiet: title`
begins a snippet, `(js)` makes it JavaScript, `// -- file: path` begins one of its files, and a line
that ends in `// fault` (`# fault`) is where the rule must report; in a file without comments,
`// -- marks: path:line` says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"


@dataclass
class Snippet:
    rule: str
    fires: bool
    title: str
    files: dict[str, list[str]] = field(default_factory=dict)
    marks: set[tuple[str, int]] = field(default_factory=set)
    unsure: bool = False

    def write(self, directory: Path, *, configured: bool = True) -> None:
        directory.mkdir(exist_ok=True)
        given = {name.rpartition("/")[2].partition(".")[0] for name in self.files}
        if configured and "wrangler" not in given:
            configuration = (CORPUS / "wrangler.toml").read_text()
            (directory / "wrangler.toml").write_text(configuration)
        for name, lines in self.files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(lines) + "\n")


def snippets() -> list[Snippet]:
    return [each for path in sorted(CORPUS.glob("*.ts")) for each in _read(path)]


def _read(path: Path) -> Iterator[Snippet]:
    snippet, name = None, ""
    for line in path.read_text().splitlines():
        if line.startswith("// == "):
            if snippet:
                yield snippet
            head, _, title = line.removeprefix("// == ").partition(": ")
            fires, unsure = not head.startswith("quiet"), head.startswith("unsure")
            snippet = Snippet(path.stem, fires, title, unsure=unsure)
            name = "src/index.js" if "(js)" in head else "src/index.ts"
        elif line.startswith("// -- file: "):
            name = line.removeprefix("// -- file: ")
        elif snippet and line.startswith("// -- marks: "):
            marked, _, number = line.removeprefix("// -- marks: ").partition(":")
            snippet.marks.add((marked, int(number)))
        elif snippet:
            lines = snippet.files.setdefault(name, [])
            lines.append(line)
            if line.endswith(("// fault", "# fault")):
                snippet.marks.add((name, len(lines)))
    if snippet:
        yield snippet
