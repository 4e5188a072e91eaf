from __future__ import annotations

import pytest

from loader.limits import Bucket, LimitSpent
from loader.sources.open_meteo import call_weight


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


def bucket(*limits: tuple[float, float], clock: Clock) -> Bucket:
    return Bucket(limits, clock=clock.now, sleep=clock.sleep)


def test_calls_within_the_limit_do_not_wait():
    clock = Clock()
    for _ in range(6):
        bucket((6, 10), clock=clock).take(1)
    assert clock.slept == []


def test_the_seventh_call_in_ten_seconds_waits_until_the_first_has_aged_out():
    clock = Clock()
    limited = bucket((6, 10), clock=clock)
    for _ in range(6):
        limited.take(1)
        clock.time += 1
    limited.take(1)
    assert sum(clock.slept) == pytest.approx(4, abs=0.01)


def test_never_more_weight_than_the_limit_in_any_window_of_its_length():
    clock, taken = Clock(), []
    limited = bucket((10, 60), clock=clock)
    for weight in [3, 4, 2, 5, 1, 9, 10, 2, 2, 7] * 3:
        limited.take(weight)
        taken.append((clock.time, weight))
    for at, _ in taken:
        assert sum(w for t, w in taken if at - 60 < t <= at) <= 10


def test_a_call_heavier_than_the_limit_waits_for_an_empty_bucket_and_then_goes():
    clock = Clock()
    limited = bucket((5, 10), clock=clock)
    limited.take(1)
    limited.take(8)
    assert sum(clock.slept) == pytest.approx(10, abs=0.01)


def test_an_hourly_limit_that_frees_too_late_is_named_instead_of_waited_for():
    limited = bucket((600, 60), (5000, 3600), clock=Clock())
    limited.remember(100, 4990)
    with pytest.raises(LimitSpent, match=r"5,000 per hour is used up for another 3,500 s"):
        limited.take(20)


def test_weight_of_a_call_follows_the_documented_formula():
    assert call_weight(10, 365, 1) == pytest.approx(26.07, abs=0.01)
    assert call_weight(4, 1, 8) == 8
    assert call_weight(30, 1, 2) == 6
