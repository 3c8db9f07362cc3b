"""The compiled twin of the reference engine: the same rules as machine code."""

from cachelib.model.engines.compiled.engine import Compiled

__all__ = ["Compiled"]
