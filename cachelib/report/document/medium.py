"""How the pieces of a document look: what an output format for people has to say, and no more."""

from __future__ import annotations

from typing import Protocol

from cachelib.model.judgement.claims import Verdict
from cachelib.report.document.collect import Found
from cachelib.report.numbers import Scalar
from cachelib.report.text import Markdown

Said = Markdown | str
"""Markdown as it is, or text that the template's environment escapes."""


class Medium(Protocol):
    """What a document is written for.

    Each method gives Markdown, for which a block of another kind may stand as a token. `number` is
    where a finding stands in the document: `Figure 3`.
    """

    def begin(self) -> None:
        """The document is rendered, once more: what was noted of the last time is void."""

    def value(self, found: Found, text: str) -> Said:
        """A metric in a sentence."""

    def verdict(self, verdict: Verdict) -> Said:
        """What became of a claim."""

    def anchor(self, id: str) -> Said:
        """A place that can be linked to."""

    def follows(self, claim: str, found: Scalar) -> Said:
        """Where a claim's verdict at other numbers may be told; `found`: its number here."""

    def fold(self, title: str, inside: str) -> Markdown:
        """What few need."""

    def figure(self, found: Found, number: str) -> Markdown:
        """A chart with its caption."""

    def diagram(self, found: Found, number: str) -> Markdown:
        """Boxes and arrows with their caption."""

    def table(self, found: Found, number: str) -> Markdown:
        """A table with its caption."""

    def panel(self, found: Found) -> Markdown:
        """What the reader may try by moving numbers."""

    def reference(self, number: str, id: str) -> Said:
        """Where a finding stands."""
