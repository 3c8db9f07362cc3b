"""What is said of each of several isolates, where there is one and can be no other."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from cachelib.model.platforms.platform import Assumption, Platform

OF_ONE = {
    "each isolate": "the isolate",
    "Each isolate": "The isolate",
    "all the isolates": "the isolate",
    "each its own memory": "its own memory",
}
_SAID = re.compile("|".join(OF_ONE))


def is_alone(
    platform: Platform, assumed: Mapping[str, Assumption], places: Callable[[], int]
) -> bool:
    """Whether one isolate serves all, in every try, too."""
    known = assumed.get("isolates_per_colo")
    most = max(platform.isolates_per_colo, known.high if known else 1)
    one = most == 1 and not platform.is_scaled
    return one and (len(platform.runs_at) == 1 or places() == 1)


def of_one(text: str) -> str:
    """The text in the singular."""
    return _SAID.sub(lambda found: OF_ONE[found[0]], text)
