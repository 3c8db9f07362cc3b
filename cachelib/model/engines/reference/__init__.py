"""The reference engine: the real `TieredCache` over modelled stores, under a virtual clock."""

from cachelib.model.engines.reference.engine import Reference

__all__ = ["Reference"]
