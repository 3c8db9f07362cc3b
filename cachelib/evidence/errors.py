"""What a user did wrong when pointing at a system."""

from cachelib.errors import CachelibError


class EvidenceError(CachelibError, ValueError):
    """The directory cannot be examined; the message says what, where and what to do."""
