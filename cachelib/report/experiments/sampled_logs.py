"""The share of requests that a log holds, where the Worker's own configuration says it.

`head_sampling_rate` leaves out requests at random before Workers Logs keeps them
(developers.cloudflare.com/workers/observability/logs/workers-logs); the log does not say so itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cachelib.evidence.errors import EvidenceError
from cachelib.evidence.wrangler import Wrangler, configuration_in, read_configuration
from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs import LogError
from cachelib.model.traffic.logs.reading import told
from cachelib.model.traffic.logs.source import files

SAMPLED = ("workers-logs",)
"""The formats of what is kept at that rate; Logpush and wrangler tail are not."""
PLACES = (("observability", "logs", "head_sampling_rate"), ("observability", "head_sampling_rate"))


def as_configured(reading: Reading, log: Sequence[Path], configuration: Path) -> Reading:
    """The reading with the rate that `configuration`, a file or its folder, says.

    What the reading says itself stands. Raises `LogError` for a file without a rate to be taken.
    """
    found = configuration_in(configuration.resolve()) if configuration.is_dir() else configuration
    if reading.sample_rate is not None or found is None or not _is_sampled(reading, log):
        return reading
    try:
        rates = _rates(read_configuration(found))
    except EvidenceError as error:
        raise LogError(str(error)) from None
    if len({rate for rate, _ in rates}) > 1:
        told_ = ", ".join(f"{rate:g} in line {line}" for rate, line in rates)
        raise LogError(
            f"{found.name}: head_sampling_rate is {told_}: say which one the log was kept at,"
            " sample_rate in the case's log section, or --sample-rate"
        )
    if not rates or rates[0][0] >= 1:
        return reading
    rate, line = rates[0]
    if rate <= 0:
        raise LogError(f"{found.name}:{line}: head_sampling_rate is {rate:g}: it keeps no request")
    where = f"head_sampling_rate in {found.name}, line {line}"
    return reading.model_copy(update={"sample_rate": rate, "sample_rate_from": where})


def _is_sampled(reading: Reading, log: Sequence[Path]) -> bool:
    return told(files(list(log)), reading).name in SAMPLED


def _rates(wrangler: Wrangler) -> list[tuple[float, int]]:
    """The rate of the configuration itself and of each environment that has its own; with lines."""
    found = []
    for prefix in ((), *(("env", name) for name in wrangler.environments)):
        nodes = (wrangler.root.get(*prefix, *place) for place in PLACES)
        node = next((node for node in nodes if node is not None), None)
        if node is not None and isinstance(node.value, int | float):
            found.append((float(node.value), node.span.line))
    return found
