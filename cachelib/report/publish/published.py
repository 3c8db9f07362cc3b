"""Published times of the tiers of a case, beside the model's, in the report's terms."""

from __future__ import annotations

import pandas as pd

from cachelib.model.judgement.published import Compared, compared
from cachelib.model.judgement.study import Study
from cachelib.model.judgement.subject import with_store
from cachelib.model.tiers.registry import SHARED
from cachelib.report.numbers import Unit

NEAR = 0.25
"""By how much, as a share of it, the model may miss a published figure and still be said to meet
it: about what a change of the month or of the readers does to such a figure."""
WITHIN = {0.5: "half within", 0.95: "95 in 100 within", 0.99: "99 in 100 within"}
UNITS: dict[str, Unit] = {"published": "ms", "model": "ms"}


def of_the_case(study: Study) -> list[Compared]:
    """Those of the tiers that options of the case have."""
    return compared(study.platform, (word for word in SHARED if with_store(study, word)))


def published_table(found: list[Compared]) -> pd.DataFrame:
    """Each figure with the model's, by how much this is off, and who said it when."""
    rows = [
        {
            "tier": SHARED[each.figure.tier].label,
            "reads": each.figure.what,
            "time": WITHIN[each.figure.share],
            "published": each.figure.ms,
            "model": each.ms,
            "the model's is": _off(each.off),
            "fitted to it": "yes" if each.figure.fitted else "no",
            "source": f"{each.figure.source}, read {each.figure.date}",
        }
        for each in found
    ]
    return pd.DataFrame(rows).set_index("tier")


def _off(share: float) -> str:
    percent = round(100 * abs(share))
    return f"{percent} % {'longer' if share > 0 else 'shorter'}" if percent else "the same"


def missed(found: list[Compared]) -> int:
    """How many figures the model does not meet."""
    return sum(abs(each.off) > NEAR for each in found)


def unpublished(study: Study, found: list[Compared]) -> str | None:
    """The tiers of the case of which there is no figure, where there is one of others."""
    told = {each.figure.tier for each in found}
    none = [tier.phrase for word, tier in SHARED.items() if with_store(study, word)
            and word not in told]  # fmt: skip
    return ", ".join(none) or None if told else None
