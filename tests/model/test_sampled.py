"""Numbers of a sample with their errors, by hand; see test_sampled_keys for whether they hold."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from cachelib.model.judgement.sampled import summary, with_errors

T2, T1 = 4.302653, 12.706205
"""Student's t for 95 % of 3 and of 2 groups."""


def found(whole: Any, without: list[Any], instead: list[Any], **more: Any) -> Any:
    """Estimates whose results are what is told of them."""
    result = SimpleNamespace(told=whole, reads=more.pop("reads", 100))
    others = {
        name: [SimpleNamespace(told=each) for each in some]
        for name, some in (("without", without), ("instead", instead))
    }
    base = {"gap": 0, "unseen": 0, "keys": 1_200, "requests": 5_000}
    return SimpleNamespace(result=result, **others, **base | more)


def told(result: Any) -> Any:
    return result.told


def test_an_error_is_student_s_of_leaving_out_one_group_after_the_other() -> None:
    said = with_errors(found({"n": 10}, [{"n": 9}, {"n": 10}, {"n": 14}], []), told)
    spread = 2 / 3 * (2**2 + 1**2 + 3**2)  # about their own mean, 11
    assert said == {"n": {"estimate": 10, "plus_or_minus": pytest.approx(T2 * math.sqrt(spread))}}
    two = with_errors(found({"n": 10}, [{"n": 9}, {"n": 11}], []), told)
    assert two["n"]["plus_or_minus"] == pytest.approx(T1 * 1)


def test_what_no_key_speaks_for_is_off_by_the_farthest_other_class_and_doubles_with_distance() -> (
    None
):
    same = [{"n": 10}] * 3
    for gap, times in ((0, 0), (1, 1), (3, 7)):
        said = with_errors(found({"n": 10}, same, [{"n": 12}, {"n": 5}], gap=gap), told)
        assert said["n"]["plus_or_minus"] == pytest.approx(5 * times)


def test_what_a_request_does_once_at_most_is_off_by_no_more_than_the_unseen_requests() -> None:
    names = ("l1_hits", "l2_hits", "origin_loads", "hit_ratio", "kv_reads")
    whole = dict.fromkeys(names, 10)
    far = found(whole, [whole] * 3, [dict.fromkeys(names, 90)], gap=2, unseen=7, reads=70)
    said = {name: each["plus_or_minus"] for name, each in with_errors(far, told).items()}
    assert said == {"l1_hits": 7, "l2_hits": 7, "origin_loads": 7, "hit_ratio": 0.1,
                    "kv_reads": 240}  # fmt: skip
    nobody = found({"hit_ratio": 0.0}, [{"hit_ratio": 0.0}] * 2, [{"hit_ratio": 1.0}], gap=1,
                   unseen=3, reads=0)  # fmt: skip
    assert with_errors(nobody, told)["hit_ratio"]["plus_or_minus"] == 1


def test_numbers_inside_have_theirs_and_words_have_none() -> None:
    whole = {"design": "x", "yes": True, "in": {"a": 4, "b": "w"}, "none": None}
    others = [{"design": "x", "in": {"a": 3}}, {"design": "x", "in": {"a": 5}}]
    said = with_errors(found(whole, others, []), told)
    assert said == {
        "design": "x", "yes": True, "none": None,
        "in": {"a": {"estimate": 4, "plus_or_minus": pytest.approx(T1)}, "b": "w"},
    }  # fmt: skip


def test_what_another_does_not_name_it_has_none_of() -> None:
    said = with_errors(found({"in": {"a": 2}}, [{"in": "why not"}, {"in": {"a": 2}}], [{}], gap=1),
                       told)  # fmt: skip
    assert said["in"]["a"]["plus_or_minus"] == pytest.approx(T1 * 1 + 2)
    lost = with_errors(found({"a": 2}, [{}, {"a": 2}], []), told)
    assert lost["a"]["plus_or_minus"] == pytest.approx(T1)


def test_a_number_whose_place_has_a_word_instead_counts_as_none() -> None:
    said = with_errors(found({"a": 2}, [{"a": "no"}, {"a": 2}], []), told)
    assert said["a"]["plus_or_minus"] == pytest.approx(T1)


def test_what_was_taken_is_told() -> None:
    told_of = summary(found({}, [], []), 0.125)
    assert told_of["share_of_keys"] == 0.125
    assert (told_of["keys"], told_of["requests"], told_of["sure"]) == (1_200, 5_000, 0.95)
    assert told_of["says"] == (
        "estimates from 1,200 keys, 12.5 per cent, chosen at random: in 95 of 100 samples a number"
        " lies within its plus_or_minus"
    )
