from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loader.plan import by_window, days_between, is_due, plan
from loader.source import DAY, HOUR, Endpoint, Planned, Window
from warehouse.ledger import DayState

NOW = datetime(2026, 11, 20, 6, 10)
TODAY = datetime(2026, 11, 20)
ENDPOINT = Endpoint("open_meteo", "archive", ("A", "B"), max_days=5, repull_days=7)


def state(answered: datetime, *, complete: bool) -> DayState:
    return DayState(answered, complete)


def due(day: datetime, known: DayState | None, now: datetime = NOW) -> bool:
    return is_due(day, known, now=now, repull_days=7)


def test_a_day_that_was_never_answered_is_due():
    assert due(TODAY - 300 * DAY, None)


def test_a_complete_old_day_is_never_due_again():
    assert not due(TODAY - 30 * DAY, state(NOW - 20 * DAY, complete=True))


def test_a_complete_young_day_is_pulled_again_after_twenty_hours_for_its_revisions():
    day = TODAY - 3 * DAY
    assert not due(day, state(NOW - 19 * HOUR, complete=True))
    assert due(day, state(NOW - 20 * HOUR, complete=True))


def test_today_is_due_once_an_hour_has_begun_since_the_last_answer():
    assert not due(TODAY, state(NOW - timedelta(minutes=9), complete=False))
    assert due(TODAY, state(NOW - timedelta(minutes=11), complete=False))


def test_yesterday_asked_while_it_was_running_is_due_whatever_its_age():
    assert due(TODAY - DAY, state(TODAY - timedelta(minutes=5), complete=False), now=TODAY + timedelta(minutes=5))


@pytest.mark.parametrize(
    ("age_days", "wait"),
    [(0.1, timedelta(hours=1)), (2, timedelta(hours=12)), (8, timedelta(days=2)), (300, timedelta(days=7))],
)
def test_an_incomplete_day_is_asked_again_after_a_quarter_of_its_age_between_an_hour_and_a_week(age_days, wait):
    now = TODAY + timedelta(days=400)
    day = now - timedelta(days=age_days) - DAY
    assert not due(day, state(now - wait + timedelta(seconds=1), complete=False), now)
    assert due(day, state(now - wait, complete=False), now)


def test_a_late_day_is_asked_for_without_end():
    day, now, asked = TODAY, TODAY + DAY + HOUR, 0
    answered = day + DAY
    while now < TODAY + 200 * DAY:
        if due(day, state(answered, complete=False), now):
            asked, answered = asked + 1, now
        now += HOUR
    assert asked > 40
    assert now - answered < timedelta(days=8)


def test_days_of_a_source_begin_at_its_own_midnight():
    endpoint = Endpoint("data_gov_sg", "pm25", ("sg",), day_offset=timedelta(hours=8))
    days = days_between(date(2026, 11, 19), date(2026, 11, 21), endpoint, now=datetime(2026, 11, 20, 17))
    assert days == [datetime(2026, 11, 18, 16) + n * DAY for n in range(3)]


def test_a_day_that_has_not_begun_is_not_asked_for():
    assert days_between(date(2026, 11, 19), date(2026, 12, 24), ENDPOINT, now=NOW)[-1] == TODAY
    assert days_between(date(2026, 11, 21), date(2026, 12, 24), ENDPOINT, now=NOW) == []


def test_days_before_the_endpoint_has_anything_are_not_asked_for():
    endpoint = Endpoint("s", "e", ("A",), earliest=datetime(2026, 11, 18), reach_days=92)
    assert len(days_between(date(1900, 1, 1), date(2026, 11, 20), endpoint, now=NOW)) == 3
    endpoint = Endpoint("s", "e", ("A",), reach_days=1)
    assert len(days_between(date(1900, 1, 1), date(2026, 11, 20), endpoint, now=NOW)) == 2


DAYS = [TODAY - n * DAY for n in range(30, -1, -1)]
states = st.dictionaries(
    st.tuples(st.sampled_from(["A", "B"]), st.sampled_from(DAYS)),
    st.builds(
        DayState,
        st.datetimes(min_value=TODAY - 30 * DAY, max_value=NOW),
        st.booleans(),
    ),
)
firsts = st.dictionaries(st.sampled_from(["A", "B"]), st.datetimes(min_value=TODAY - 60 * DAY, max_value=NOW))


def planned_days(planned: list[Planned], subject: str) -> list[datetime]:
    return [p.window.start + n * DAY for p in planned if p.subject == subject for n in range(p.window.n_days)]


@given(known=states, first=firsts, max_days=st.integers(1, 12))
def test_windows_cover_every_due_day_once_and_no_other(known, first, max_days):
    endpoint = Endpoint("s", "e", ("A", "B"), max_days=max_days, repull_days=7)
    planned = plan(endpoint, DAYS, states=known, first_attempts=first, now=NOW, mode="live")
    for subject in ("A", "B"):
        expected = [d for d in DAYS if is_due(d, known.get((subject, d)), now=NOW, repull_days=7)]
        assert sorted(planned_days(planned, subject)) == expected
    assert all(0 < p.window.n_days <= max_days for p in planned)


@given(known=states, first=firsts)
def test_complete_days_are_never_asked_for_by_a_backfill(known, first):
    planned = plan(ENDPOINT, DAYS, states=known, first_attempts=first, now=NOW, mode="backfill")
    complete = {key for key, value in known.items() if value.is_complete}
    assert not complete & {(p.subject, d) for p in planned for d in planned_days([p], p.subject)}
    assert {p.mode for p in planned} <= {"backfill"}


@given(known=states)
def test_an_endpoint_that_answers_only_up_to_now_is_asked_once_from_its_first_due_day(known):
    endpoint = Endpoint("s", "forecast", ("A", "B"), to_now=True)
    planned = plan(endpoint, DAYS, states=known, first_attempts={}, now=NOW, mode="live")
    for subject in ("A", "B"):
        due_days = [d for d in DAYS if is_due(d, known.get((subject, d)), now=NOW, repull_days=0)]
        expected = [Window(due_days[0], TODAY + DAY)] if due_days else []
        assert [p.window for p in planned if p.subject == subject] == expected


def test_an_interrupted_first_load_goes_on_as_backfill_and_a_new_day_is_live():
    first = {"A": NOW - DAY}
    known = {("A", d): state(NOW - DAY, complete=True) for d in DAYS[:10]}
    planned = plan(ENDPOINT, DAYS, states=known, first_attempts=first, now=NOW, mode="live")
    modes = {d: p.mode for p in planned if p.subject == "A" for d in planned_days([p], "A")}
    assert modes[DAYS[15]] == "backfill"
    assert modes[TODAY - DAY] == "backfill"
    assert modes[TODAY] == "live"


@given(
    st.lists(
        st.tuples(st.sampled_from("ABCDEF"), st.integers(0, 3), st.sampled_from(["live", "backfill"])), unique=True
    ),
    st.integers(1, 4),
)
def test_grouping_keeps_every_window_once_and_mixes_no_windows(items, most):
    planned = [Planned(s, Window(TODAY - n * DAY, TODAY), mode) for s, n, mode in items]
    groups = list(by_window(planned, most))
    assert sorted((p.subject, p.window, p.mode) for g in groups for p in g) == sorted(
        (p.subject, p.window, p.mode) for p in planned
    )
    assert all(len({(p.window, p.mode) for p in g}) == 1 and len(g) <= most for g in groups)
