"""Many kinds of key as a few: a quadrature over how popular keys are.

What the formulas say of keys is a sum, weighted by their share of the requests, of functions that
are smooth in the logarithm of a key's share. So n kinds that have the same moments as all keys, up
to the (2n - 1)th, say the same as all to more digits than anybody reads: nodes and weights of
Gauss, found from the keys by Lanczos' recurrence (G. H. Golub, J. H. Welsch, 1969; W. Gautschi,
Orthogonal Polynomials, 2004, 2.2.3). A node stands for no whole number of keys.
"""

from __future__ import annotations

import numpy as np

from cachelib.model.formulas.setting import Array, Keys

FEWEST = 3
ONE_MORE = 3.0  # as often as the widest two shares are so many powers of e apart


def few(keys: Keys, kinds: int | None = None) -> Keys:
    """The same keys in a few kinds, the most popular one by itself, since some ask for it alone.

    Keys that are written otherwise than they are read, which have two shares, stay as they are.
    """
    if keys.written is not None:
        return keys
    order = np.argsort(-keys.share)
    share, number = keys.share[order], keys.number[order]
    kinds = kinds or FEWEST + int(np.ceil(np.log(share[0] / share[-1]) / ONE_MORE))
    if len(share) <= kinds + 1:
        return keys
    first = min(1.0, float(number[0]))
    number[0] -= first
    nodes, weights = gauss(np.log(share), share * number, kinds)
    popular = np.exp(nodes)
    return Keys(
        np.append(share[0], popular), np.append(first, weights / popular), unasked=keys.unasked
    )


def gauss(at: Array, weight: Array, nodes: int) -> tuple[Array, Array]:
    """Nodes, from the highest, and weights with the moments of what weighs so much at points."""
    inside, outside = _recurrence(at, np.sqrt(weight / weight.sum()), nodes)
    beside = np.diag(outside[:-1], 1)
    found, vectors = np.linalg.eigh(np.diag(inside) + beside + beside.T)
    return found[::-1], (vectors[0] ** 2 * weight.sum())[::-1]


def _recurrence(at: Array, start: Array, nodes: int) -> tuple[Array, Array]:
    """The coefficients of the orthogonal polynomials; fewer, of fewer points than nodes."""
    basis, inside, outside = [start], [], []
    for _ in range(min(nodes, len(np.unique(at[start > 0])))):
        after = at * basis[-1]
        inside.append(float(after @ basis[-1]))
        for _ in range(2):  # rounding makes them less than orthogonal: once more
            for before in basis:
                after = after - (after @ before) * before
        outside.append(float(np.linalg.norm(after)))
        basis.append(after / outside[-1] if outside[-1] else after)
    return np.array(inside), np.array(outside)
