"""Machine code made beforehand: `python -m cachelib.edge.warm`, in the background of other work.

Where none is kept yet, whoever replays at the same time waits for it instead of compiling too.
"""

from __future__ import annotations

import numpy as np

from cachelib.edge.designs import BUILT_IN
from cachelib.edge.platform import Platform
from cachelib.edge.replay import replay
from cachelib.edge.trace import Trace


def warm() -> None:
    """Compile what every replay by the compiled engine needs, unless it is kept already."""
    request = Trace(
        time_s=np.zeros(1),
        key=np.zeros(1, np.int32),
        colo=np.zeros(1, np.int16),
        op=np.zeros(1, np.uint8),
        size=np.zeros(1, np.int32),
        keys=["key"],
        colos=[""],
    )
    replay(request, BUILT_IN["l1-kv"], Platform(isolates_per_colo=1))


if __name__ == "__main__":
    warm()
