"""The scripts within components: Vue, Svelte and Astro files."""

import re

from cachelib.evidence.syntax import Grammar

COMPONENT_SUFFIXES = (".vue", ".svelte", ".astro")

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
# Possessive, so that no source makes it slow.
_SCRIPT = re.compile(
    r"""<script(?P<attributes>(?>\s+[^\s=>"']+(?>\s*=\s*(?>"[^"]*"|'[^']*'|[^\s>"']+))?)*+)\s*+>"""
    r"(?P<code>.*?)</script",
    re.DOTALL | re.IGNORECASE,
)
_FRONTMATTER = re.compile(r"\A\s*---[ \t]*\n(?P<code>.*?)^---", re.DOTALL | re.MULTILINE)
_ATTRIBUTE = re.compile(r"""\b(lang|type|src)\s*=\s*["']?([^\s"'>]+)""", re.IGNORECASE)
_JAVASCRIPT = {"module", "text/javascript", "application/javascript", "text/typescript"}
_LANGUAGES: dict[str, Grammar] = {
    **dict.fromkeys(["ts", "typescript"], "typescript"),
    **dict.fromkeys(["js", "javascript", "jsx", "tsx"], "tsx"),
}


def script_of(component: str, suffix: str) -> tuple[str, Grammar]:
    """The code of a component with the rest of it blank, so that every place stays the same.

    What an Astro file's `<script>` says runs in browsers alone: its code is the frontmatter.
    """
    if suffix == ".astro":
        spans = [found.span("code") for found in _FRONTMATTER.finditer(component)]
        return _only(component, spans), "tsx" if _has_jsx(component, spans) else "typescript"
    visible = _COMMENT.sub(lambda found: _blank(found[0]), component)
    grammars: set[Grammar] = set()
    spans = []
    for found in _SCRIPT.finditer(visible):
        grammar = _grammar(found["attributes"])
        if grammar is not None:
            grammars.add(grammar)
            spans.append(found.span("code"))
    return _only(visible, spans), "typescript" if grammars == {"typescript"} else "tsx"


def _has_jsx(component: str, spans: list[tuple[int, int]]) -> bool:
    return any(re.search(r"</\w|/>", component[start:end]) for start, end in spans)


def _grammar(attributes: str) -> Grammar | None:
    """None for data, for another file's code, for a language that is neither of the two."""
    given = {name.lower(): value.lower() for name, value in _ATTRIBUTE.findall(attributes)}
    if "src" in given or given.get("type", "module") not in _JAVASCRIPT:
        return None
    return _LANGUAGES.get(given.get("lang", "js"))


def _only(text: str, spans: list[tuple[int, int]]) -> str:
    kept, at = [], 0
    for start, end in spans:
        kept += [_blank(text[at:start]), text[start:end]]
        at = end
    return "".join([*kept, _blank(text[at:])])


def _blank(text: str) -> str:
    """As many bytes, as many lines: the parser counts both."""
    return re.sub(r"[^\n]", lambda found: " " * len(found[0].encode()), text)
