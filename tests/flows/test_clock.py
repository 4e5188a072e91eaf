"""The as-of clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from flows.clock import Clock, machine_now, origin_of, parse_as_of
from flows.run import new_run_id
from warehouse.errors import BadInput


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T06:10", datetime(2026, 3, 1, 6, 10)),
        ("2026-03-01 06:10:59", datetime(2026, 3, 1, 6, 10, 59)),
        ("2026-03-01", datetime(2026, 3, 1)),
        ("2026-03-01T06:10Z", datetime(2026, 3, 1, 6, 10)),
        ("2026-03-01T06:10+08:00", datetime(2026, 2, 28, 22, 10)),
        (" 2024-02-29T23:59:59.999 ", datetime(2024, 2, 29, 23, 59, 59)),
        ("2026-03-29T02:30+02:00", datetime(2026, 3, 29, 0, 30)),
    ],
)
def test_a_stamp_is_utc_unless_it_names_an_offset(text: str, expected: datetime) -> None:
    assert parse_as_of(text) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2023-02-29", "1764000000", "2026-03-01T25:00", "nan"])
def test_nonsense_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadInput, match=r"is not a time; expected something like 2026-11-20T06:10"):
        parse_as_of(text)


def test_the_future_is_refused_but_a_clock_an_hour_off_is_not() -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    with pytest.raises(BadInput, match="lies in the future"):
        parse_as_of((now + timedelta(hours=2)).isoformat())
    assert parse_as_of((now + timedelta(minutes=50)).isoformat()) > now


def test_a_year_before_any_source_is_refused() -> None:
    with pytest.raises(BadInput, match="before 1950"):
        parse_as_of("0001-01-01")


def test_the_default_is_the_machines_clock_in_utc() -> None:
    assert abs(parse_as_of(None) - machine_now()) <= timedelta(seconds=2)
    assert parse_as_of(None).tzinfo is None


def test_run_ids_sort_by_the_as_of_clock_and_never_repeat() -> None:
    early, late = datetime(2026, 11, 20, 6, 10), datetime(2026, 11, 20, 6, 11)
    assert new_run_id(early) < new_run_id(late)
    assert len({new_run_id(early) for _ in range(50)}) == 50
    assert new_run_id(early).startswith("20261120T061000-")


def test_a_replays_clock_goes_on_from_its_own_moment() -> None:
    clock = Clock(datetime(2020, 1, 1))
    assert datetime(2020, 1, 1) <= clock.read() < datetime(2020, 1, 1, 0, 1)
    assert origin_of(datetime(2020, 1, 1, 6, 59, 59)) == datetime(2020, 1, 1, 6)
