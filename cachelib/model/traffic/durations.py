"""Times as remarks say them."""

HOUR_S, DAY_S = 3_600, 86_400


def duration(seconds: float) -> str:
    """`2 days`, `90 minutes`, `90 seconds`: never one of its unit, but of a second."""
    for size, name in ((DAY_S, "days"), (HOUR_S, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {name}"
    return f"{seconds:.3g} seconds"


def each_time(seconds: float) -> str:
    """What comes again and again does so every `day`, `2 days`, `90 minutes`."""
    one: dict[float, str] = {DAY_S: "day", HOUR_S: "hour", 60: "minute", 1: "second"}
    return one.get(seconds) or duration(seconds)
