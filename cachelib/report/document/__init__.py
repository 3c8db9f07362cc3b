"""From findings to documents: HTML, Markdown, the decision record, JSON."""
