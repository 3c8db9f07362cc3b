"""Where a log of local times has an hour twice: the clock was put back when summer time ended."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

HOUR_S = 3_600
_GAP_S = 600  # between the requests before and after, of a log that is not dense
_APART_S = 1_800  # a request that far from both its neighbours is a straggler
_NIGHT = (23, 0, 1, 2)  # hours that come twice, where summer time ends

Seconds = npt.NDArray[np.float64]


def put_back(last: tuple[float, int], time: Seconds, file: npt.NDArray[np.int64]) -> list[float]:
    """The times, as they are written, at which an hour begins for the second time.

    `last`: the time before the first, and its file; `file`: of which file each is, since others
    may be of another server.
    """
    step = np.diff(time, prepend=last[0])
    after = np.append(step[1:], 0.0)
    before = np.concatenate([[0.0], step[:-1]])
    same = np.diff(file, prepend=last[1]) == 0
    back = (step >= -HOUR_S) & (step <= _GAP_S - HOUR_S) & same
    goes_on = (np.abs(after) < _APART_S) & (np.abs(np.nan_to_num(before, posinf=0.0)) < _APART_S)
    at_night = np.isin(time // HOUR_S % 24, _NIGHT) & (time % HOUR_S <= _GAP_S)
    return [float(each) for each in time[back & goes_on & at_night]]
