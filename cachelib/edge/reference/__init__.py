"""The reference engine: the real `TieredCache` over modelled stores, under a virtual clock."""

from cachelib.edge.reference.engine import Reference

__all__ = ["Reference"]
