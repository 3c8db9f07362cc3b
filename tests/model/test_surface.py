"""The surface of a formula's left error: against scipy's, and where it is asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cachelib.model.judgement import surface
from cachelib.model.judgement.surface import place, through


def bent(places: Any) -> Any:
    return np.sin(places[:, 0]) + 0.3 * places[:, 1] ** 2


@pytest.fixture
def made() -> Any:
    rng = np.random.default_rng(2)
    places = rng.uniform(0, 3, (30, 2))
    here = np.array([1.0, 2.0])
    return places, here, through(["a", "b"], here, places, bent(places))


def test_it_is_scipy_s_surface_through_the_points_and_nothing_here(made: Any) -> None:
    from scipy.interpolate import RBFInterpolator

    places, here, found = made
    centre, scale = places.mean(axis=0), places.std(axis=0)
    given = (np.vstack([places, here]) - centre) / scale
    left = np.append(bent(places), 0.0)
    theirs = RBFInterpolator(given, left, kernel="linear", smoothing=0.1, degree=1)
    asked = np.array([[0.5, 0.7], [2.0, 1.1], [1.0, 2.0]])
    at = {"a": np.exp(asked[:, 0]), "b": np.exp(asked[:, 1])}
    scaled = (asked - centre) / scale
    expected = theirs(scaled) - theirs(((here - centre) / scale)[None, :])
    assert found(at) == pytest.approx(expected, abs=1e-9)
    assert found(at)[2] == pytest.approx(0, abs=1e-12)


def test_a_plane_is_followed(made: Any) -> None:
    places, _, _ = made
    here = np.array([1.0, 2.0])
    plane = through(["a", "b"], here, places, 2 * (places[:, 0] - 1) - (places[:, 1] - 2))
    at = {"a": np.exp(np.array([2.0, 0.5])), "b": np.exp(np.array([1.0, 2.5]))}
    assert plane(at) == pytest.approx([3, -1.5], abs=1e-6)


def test_what_is_not_given_is_as_it_is_here(made: Any) -> None:
    _, _, found = made
    alone = found({"a": np.exp(np.array([0.5, 2.5])), "idle": np.array([1.0, 2.0])})
    both = found({"a": np.exp(np.array([0.5, 2.5])), "b": np.exp(np.array([2.0, 2.0]))})
    assert alone == pytest.approx(both)
    assert found({}).shape == (1,)
    one_for_all = found({"a": np.exp(np.array([0.5, 2.5])), "b": np.exp(2.0)})
    assert one_for_all == pytest.approx(both)


def test_far_outside_it_stays_as_at_its_edge(made: Any) -> None:
    places, _, found = made
    edge = places[:, 0].mean() + 2.5 * places[:, 0].std()
    far, farther = found({"a": np.exp(np.array([edge, edge + 5]))})
    assert far == pytest.approx(farther)
    inside = found({"a": np.exp(np.array([edge - 0.5]))})[0]
    assert inside != pytest.approx(far)


def test_a_number_s_place_is_its_logarithm_and_nothing_has_one_too() -> None:
    assert place(np.array([1.0, np.e])).tolist() == [0, 1]
    assert place(0.0) == pytest.approx(np.log(1e-9))
    assert surface._distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]])).tolist() == [[5.0]]
