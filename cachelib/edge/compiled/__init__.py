"""The compiled twin of the reference engine: the same rules as machine code."""

from cachelib.edge.compiled.engine import Compiled

__all__ = ["Compiled"]
