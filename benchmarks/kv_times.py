"""Where the times of KV come from: the model fitted to what users and the vendor published.

`python benchmarks/kv_times.py`

Least squares of the logarithms over the figures of `platforms/published.yaml` that say `fitted`,
within the ranges that the profile gives, as the formulas tell each figure's reads. A row for each
figure: what was published, what the shipped numbers say, and what the best ones would. The shipped
ones are rounded; the figures that were not fitted to are shown beside them, and weigh nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

from cachelib.model.judgement.published import Compared, compared
from cachelib.model.platforms.platform import Platform
from cachelib.model.platforms.profile import FIRST, shipped

FITTED = ("kv_read_ms", "kv_central_ms", "kv_near_jitter", "kv_far_jitter")
STARTS = 4
"""From so many places the search begins, the shipped one among them: it leaves no dip."""


def main() -> None:
    here = {name: float(Platform().numbers[name]) for name in FITTED}
    found = fit(here)
    print(f"{'':16} {'shipped':>8} {'fitted':>8}   between")
    for name in FITTED:
        low, high = bounds(name)
        print(f"{name:16} {here[name]:8.3g} {found[name]:8.3g}   {low:g} and {high:g}")
    print(f"\nshare {'published':>9} {'shipped':>16} {'fitted':>16}  of which reads, ms")
    for own, best in zip(told(here), told(found), strict=True):
        print(row(own, best))
    for words, numbers in (("shipped", here), ("fitted", found)):
        print(f"\n{words}: {summed_up(numbers)}", end="")
    print()


def fit(here: Mapping[str, float]) -> dict[str, float]:
    """The numbers, within their ranges, whose logarithms of times lie nearest to the published."""
    low, high = (np.log([bounds(name)[end] for name in FITTED]) for end in (0, 1))
    rng = np.random.default_rng(1)
    starts = [np.log([here[name] for name in FITTED])]
    starts += [rng.uniform(low, high) for _ in range(STARTS - 1)]
    tried = [least_squares(_apart, start, bounds=(low, high)) for start in starts]
    best = min(tried, key=lambda one: float(one.cost))
    return dict(zip(FITTED, np.exp(best.x).tolist(), strict=True))


def bounds(name: str) -> tuple[float, float]:
    known = shipped(FIRST).assumptions[name]
    return known.low, known.high


def told(numbers: Mapping[str, float]) -> list[Compared]:
    return compared(Platform(**numbers), ["kv"])


def _apart(logs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return apart(dict(zip(FITTED, np.exp(logs).tolist(), strict=True)))


def apart(numbers: Mapping[str, float]) -> npt.NDArray[np.float64]:
    """By how much each fitted figure is missed, in logarithms."""
    fitted = [each for each in told(numbers) if each.figure.fitted]
    return np.array([np.log(each.ms / each.figure.ms) for each in fitted])


def row(own: Compared, best: Compared) -> str:
    figure = own.figure
    beside = "" if figure.fitted else " (not fitted to)"
    return (
        f"{figure.share:5.0%} {figure.ms:9,.0f} {own.ms:9,.0f} {own.off:+6.0%}"
        f" {best.ms:9,.0f} {best.off:+6.0%}  {figure.what}{beside}"
    )


def summed_up(numbers: Mapping[str, float]) -> str:
    missed = np.abs(apart(numbers))
    half, worst = np.exp(np.median(missed)), np.exp(missed.max())
    return (
        f"the sum of squares is {float((missed**2).sum()):.3f} over {len(missed)} figures; half are"
        f" missed by a factor of {half:.2f} at most, one by {worst:.2f}"
    )


if __name__ == "__main__":
    main()
