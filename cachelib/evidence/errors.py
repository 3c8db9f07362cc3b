"""What a user did wrong when pointing at a system."""


class EvidenceError(ValueError):
    """The directory cannot be examined; the message says what, where and what to do."""
