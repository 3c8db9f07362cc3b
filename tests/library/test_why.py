"""What goes wrong is counted, logged and told to the hook, and costs nothing else."""

from __future__ import annotations

import gc
import logging
import time
import traceback
import weakref
from typing import Any, ClassVar

import pytest
from rig import Clock, FlakyStore, Make, Origin

from cachelib import MemoryCache, MemoryStore, RejectedError, Stored, TieredCache
from cachelib.failed_loads import MAX_ERRORS, FailedLoads, again


class Small(MemoryStore):
    """Takes no value over 1,000 bytes."""

    def set(self, key: str, stored: Stored) -> None:
        if len(stored.data) > 1000:
            raise RejectedError(f"the value of {key!r} is too large")
        super().set(key, stored)


def told(hook: list[Any], name: str) -> list[tuple[str, str]]:
    return [(key, repr(error)) for event, key, error in hook if event == name]


def test_the_reason_is_logged_and_told_to_a_hook_that_takes_it(
    make: Make, store: FlakyStore, caplog: pytest.LogCaptureFixture
) -> None:
    hook: list[Any] = []
    cache = make(store, on_l2_error="degrade", on_event=lambda *event: hook.append(event))
    store.down = True
    cache.set("k", 1)
    assert told(hook, "l2_errors") == [("k", "ConnectionError('the store is switched off')")]
    assert told(hook, "sets") == [("k", "None")]
    [record] = caplog.records
    assert (record.name, record.levelname) == ("cachelib", "WARNING")
    assert "L2 failed at 'k': ConnectionError: the store is switched off" in record.message


def test_a_refresh_that_fails_in_the_background_says_why(
    make: Make, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    hook: list[Any] = []
    cache = make(soft_ttl=1, on_event=lambda name, key, error: hook.append((name, key, error)))
    cache.set("k", 1)
    clock.advance(2)
    assert cache.get_or_load("k", Origin(OSError("the reason"))) == 1
    assert told(hook, "load_errors") == [("k", "OSError('the reason')")]
    assert "loading 'k' failed: OSError: the reason" in caplog.text


def test_a_hook_that_takes_two_arguments_gets_two(make: Make) -> None:
    hook: list[Any] = []
    cache = make(on_event=lambda name, key: hook.append((name, key)))
    with pytest.raises(OSError, match="why"):
        cache.get_or_load("k", Origin(OSError("why")))
    assert ("load_errors", "k") in hook


def test_bytes_that_cannot_be_decoded_say_where_and_why(
    make: Make, store: FlakyStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.inner.set("k", Stored(b"another program's", None))
    assert make(store).get("k", "default") == "default"
    assert "what L2 has under 'k' cannot be decoded: ValueError: too short" in caplog.text


def test_trouble_of_one_kind_is_one_warning_and_the_rest_is_for_debugging(
    make: Make, store: FlakyStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "cachelib")
    cache = make(store, on_l2_error="degrade", breaker_failures=1000)
    store.down = True
    for n in range(50):
        cache.set(f"k{n}", 1)
    levels = [record.levelname for record in caplog.records]
    assert levels == ["WARNING"] + ["DEBUG"] * 49
    assert caplog.records[0].exc_info


def test_a_value_larger_than_all_of_l1_is_refused_and_nothing_else_goes(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    cache = make(None, MemoryCache(max_bytes=10_000))
    for n in range(10):
        cache.set(f"k{n}", "x" * 500)
    cache.set("k3", "y" * 20_000)
    assert [cache.get(f"k{n}") is not None for n in range(10)] == [n != 3 for n in range(10)]
    stats = cache.stats
    assert (stats.evictions, stats.rejected) == (0, 1)
    assert stats.l1_bytes == 9 * 504
    assert (
        "the value of 'k3' is not kept: RejectedError: it is larger than max_bytes" in caplog.text
    )


def test_a_value_larger_than_all_of_l1_is_served_from_l2(make: Make) -> None:
    cache = make(MemoryStore(), MemoryCache(max_bytes=1000))
    cache.set("small", 1)
    cache.set("big", "x" * 5000)
    assert cache.lookup("big").tier == cache.lookup("big").tier == "l2"
    assert cache.lookup("small").tier == "l1"


def test_a_load_whose_result_l2_refuses_is_not_lost_to_its_caller(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    cache, origin = make(Small()), Origin("x" * 5000)
    cache.set("other", 1)
    assert cache.get_or_load("k", origin) == cache.get_or_load("k", origin) == "x" * 5000
    assert origin.calls == 2
    assert cache.get("k") is None
    assert cache.get("other") == 1
    assert (cache.stats.rejected, cache.stats.l2_errors) == (2, 0)
    assert "the value of 'k' is too large" in caplog.text


def fail(key: str) -> None:
    response = Frame()
    assert response
    raise OSError("origin", key)


class Frame:
    """Lives as long as a frame that has it."""

    living: ClassVar[weakref.WeakSet[Frame]] = weakref.WeakSet()

    def __init__(self) -> None:
        self.living.add(self)


class Loop:
    """Garbage that only the collector takes."""

    def __init__(self) -> None:
        self.own = self


def frames_left() -> int:
    """How many are alive once their garbage is collected.

    `gc.collect` does nothing while another thread collects, and a thread that another test left
    may take long: where garbage made here stays, too, there is nothing to be told.
    """
    for _ in range(100):
        known = weakref.ref(Loop())
        gc.collect()
        if not Frame.living:
            return 0
        time.sleep(0.02)
    if known() is not None:
        pytest.skip("another thread of this process keeps the collector busy")
    return len(Frame.living)


def holders() -> str:
    """What refers to a frame that is alive, and what refers to that."""
    lines, level = [], list[Any](Frame.living)
    for depth in range(6):
        level = [one for each in level for one in gc.get_referrers(each) if one is not level][:8]
        lines += [f"{depth}: {type(one).__name__} {str(one)[:150]}" for one in level]
    return "\n".join(lines)


def kept_errors(cache: TieredCache) -> list[BaseException]:
    """The errors that a cache keeps, and those that they come from."""
    found = [error for _, error in cache._errors._kept.values()]
    for error in found:
        found += [one for one in (error.__cause__, error.__context__) if one and one not in found]
    return found


def test_a_kept_error_pins_no_frame_and_grows_no_traceback(make: Make) -> None:
    Frame.living.clear()  # of a load that another test left behind in a thread of its own
    cache, depths = make(error_ttl=60), []
    for _ in range(20):
        mine = Frame()
        try:
            cache.get_or_load("k", fail)
        except OSError as error:
            depths.append(len(traceback.extract_tb(error.__traceback__)))
    del mine
    assert cache.stats.loads == 1
    assert len(set(depths[1:])) == 1
    assert all(error.__traceback__ is None for error in kept_errors(cache))
    assert frames_left() == 0, holders()


def test_the_cause_of_a_kept_error_pins_no_frame_either(make: Make) -> None:
    Frame.living.clear()
    cache = make(error_ttl=60)

    def wrapped(key: str) -> None:
        try:
            fail(key)
        except OSError as error:
            raise RuntimeError("no quote") from error

    for _ in range(2):
        with pytest.raises(RuntimeError, match="no quote") as raised:
            cache.get_or_load("k", wrapped)
        assert isinstance(raised.value.__cause__, OSError)
        del raised
    assert all(error.__traceback__ is None for error in kept_errors(cache))
    assert frames_left() == 0, holders()


class CarriedError(OSError):
    """Copied with all that it came from, as pickling does where tblib was told to see to it."""

    def __copy__(self) -> CarriedError:
        new = type(self)(*self.args)
        new.__cause__, new.__context__ = self.__cause__, self.__context__
        return new.with_traceback(self.__traceback__)


def test_a_copy_that_brings_along_what_it_came_from_is_kept_without_it(make: Make) -> None:
    cache = make(error_ttl=60)

    def wrapped(key: str) -> None:
        try:
            fail(key)
        except OSError as error:
            raise CarriedError("no quote") from error

    with pytest.raises(CarriedError, match="no quote"):
        cache.get_or_load("k", wrapped)
    kept = kept_errors(cache)
    assert [type(error) for error in kept] == [CarriedError, OSError]
    assert all(error.__traceback__ is None and error.__context__ is None for error in kept)


def test_errors_that_are_over_are_forgotten(make: Make, clock: Clock) -> None:
    cache = make(error_ttl=1)
    for n in range(100):
        clock.advance(10)
        with pytest.raises(OSError, match="why"):
            cache.get_or_load(f"k{n}", Origin(OSError("why")))
    assert len(cache._errors) <= 2


def test_no_more_errors_are_kept_than_so_many() -> None:
    kept = FailedLoads()
    for n in range(MAX_ERRORS + 10):
        kept.keep(f"k{n}", OSError(), 0.0, 60.0)
    assert len(kept) == MAX_ERRORS
    assert kept.of("k0", 1.0) is None


class DemandingError(Exception):
    def __init__(self, *, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


def test_an_error_that_needs_other_arguments_is_copied_too() -> None:
    error = DemandingError(status=503)
    other = again(error)
    assert other is not error
    assert isinstance(other, DemandingError)
    assert (str(other), other.status) == ("status 503", 503)


@pytest.mark.parametrize(
    "error",
    [OSError(2, "no such", "file"), KeyError("k"), UnicodeDecodeError("utf8", b"x", 0, 1, "bad"),
     ExceptionGroup("several", [OSError(), ValueError()])],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_a_copy_says_what_the_error_says(error: Exception) -> None:
    assert (type(again(error)), str(again(error))) == (type(error), str(error))


def test_options_of_a_call_are_checked_however_often_they_were_given(make: Make) -> None:
    cache = make()
    cache.set("k", 1, l1_ttl=1, skip_l1=False)
    with pytest.raises(ValueError, match="l1_ttl"):
        cache.get("k", l1_ttl=True)
    with pytest.raises(ValueError, match="skip_l1"):
        cache.get("k", skip_l1=0)
    with pytest.raises(TypeError, match="unknown option 'ttl'"):
        cache.get("k", ttl=1)
    for n in range(2000):
        cache.get("k", tags=[f"t{n}"])
        cache.get("k", tags=(f"t{n}",))
    assert len(cache.policy._known) <= 1000
