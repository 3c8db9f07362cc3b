"""cachelib."""

