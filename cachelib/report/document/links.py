"""Links to where numbers come from, and code as it is, in the Markdown of a document."""

from __future__ import annotations

import re

from cachelib.report import text as fit
from cachelib.report.text import Markdown


def source_link(source: str) -> Markdown:
    """A source as it is cited, and a link where it names a page or a file of the vendor's."""
    target = _target(source)
    said = fit.markdown(source)
    return Markdown(f"[{said}]({target})" if target else said)


def _target(source: str) -> str | None:
    """The address of a page, or of a file at its revision in the vendor's documentation."""
    if page := re.match(r"(?:[a-z0-9-]+\.)+[a-z]{2,}/[\w./#-]*(?=$| \()", source):
        return f"https://{page.group()}"
    if file := re.fullmatch(r"([\w./-]+\.(?:mdx|astro))@([0-9a-f]{7,40})", source):
        path, revision = file.groups()
        kept = ("src/", "changelog/", "partials/")
        folder = {"src/": "", "changelog/": "src/content/", "partials/": "src/content/"}
        first = next((each for each in kept if path.startswith(each)), "")
        where = folder.get(first, "src/content/docs/")
        return f"https://github.com/cloudflare/cloudflare-docs/blob/{revision}/{where}{path}"
    if re.fullmatch(r"(?:kv|workers|r2|durable-objects)/[a-z/-]+", source):
        return f"https://developers.cloudflare.com/{source}"
    return None


def page_link(notebook: str) -> Markdown:
    """A link to an executed notebook's page."""
    return Markdown(f"[{fit.markdown(notebook)}](notebooks/{notebook}.html)")


def verbatim(text: str) -> Markdown:
    """A code block whose fence is longer than any in the text."""
    text = fit.block(text)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return Markdown(f"{fence}\n{text}\n{fence}")
