"""Which days are due, and the windows that ask for them.

**Invariants**: the windows of a subject do not overlap, cover every due day once and no other day, and are at most
`max_days` long (an endpoint that can only be asked up to now has one window, from its first due day). A day that is
complete is due again only while its source still revises it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta

from loader.source import DAY, HOUR, Endpoint, Mode, Planned, Window
from warehouse.ledger import DayState

REPULL_EVERY = timedelta(hours=20)
LONGEST_WAIT = timedelta(days=7)
States = Mapping[tuple[str, datetime], DayState]


def is_due(day: datetime, state: DayState | None, *, now: datetime, repull_days: float) -> bool:
    """Whether the day starting at `day` should be asked for at `now`.

    Never answered: yes. In progress, or last asked while it was: once an hour has begun since. Incomplete: after
    a quarter of its age, between an hour and a week, without end. Complete and still revised: after 20 hours.
    """
    if state is None or state.answered_at is None:
        return True
    since, age = now - state.answered_at, now - (day + DAY)
    if state.is_complete:
        return repull_days > 0 and age < timedelta(days=repull_days) and since >= REPULL_EVERY
    if state.answered_at < day + DAY:
        return state.answered_at < now.replace(minute=0, second=0, microsecond=0)
    return since >= min(max(age / 4, HOUR), LONGEST_WAIT)


def days_between(since: date, until: date, endpoint: Endpoint, *, now: datetime) -> list[datetime]:
    """Starts (UTC) of the endpoint's local days since..until (both included) that have begun and can be asked for."""
    first = datetime.combine(since, time()) - endpoint.day_offset
    last = min(datetime.combine(until, time()) - endpoint.day_offset, now - timedelta(microseconds=1))
    if endpoint.reach_days is not None:
        first = max(first, local_day(now, endpoint) - endpoint.reach_days * DAY)
    if endpoint.earliest is not None:
        first = max(first, endpoint.earliest - endpoint.day_offset)
    return [first + n * DAY for n in range((last - first) // DAY + 1)]


def local_day(now: datetime, endpoint: Endpoint) -> datetime:
    """Start (UTC) of the endpoint's local day at `now`."""
    return datetime.combine((now + endpoint.day_offset).date(), time()) - endpoint.day_offset


def plan(
    endpoint: Endpoint,
    days: Sequence[datetime],
    *,
    states: States,
    first_attempts: Mapping[str, datetime],
    now: datetime,
    mode: Mode,
) -> list[Planned]:
    """The windows due, oldest first.

    A window is 'backfill' where the command says so, or where nothing of it was ever answered and it began before
    the subject was first asked for: an interrupted first load goes on as the first load it is.
    """
    planned: list[Planned] = []
    for subject in endpoint.subjects:
        first = first_attempts.get(subject, now)
        due: list[tuple[datetime, Mode]] = []
        for day in days:
            state = states.get((subject, day))
            repull = 0.0 if mode == "backfill" else endpoint.repull_days
            if is_due(day, state, now=now, repull_days=repull):
                fresh = state is None and day <= first
                due.append((day, "backfill" if mode == "backfill" or fresh else "live"))
        if endpoint.to_now and due:
            planned.append(_up_to_now(endpoint, subject, due, now))
        else:
            planned.extend(Planned(subject, window, how) for window, how in _windows(due, endpoint.max_days))
    return sorted(planned, key=lambda p: (p.window, p.mode))


def _up_to_now(endpoint: Endpoint, subject: str, due: list[tuple[datetime, Mode]], now: datetime) -> Planned:
    """One window from the first due day to the end of today: `past_days` can ask for nothing else."""
    window = Window(due[0][0], local_day(now, endpoint) + DAY)
    return Planned(subject, window, "backfill" if all(how == "backfill" for _, how in due) else "live")


def _windows(due: Iterable[tuple[datetime, Mode]], max_days: int) -> Iterator[tuple[Window, Mode]]:
    """Runs of consecutive days of one mode, cut to max_days."""
    start: datetime | None = None
    end = datetime.min
    mode: Mode = "live"
    for day, how in due:
        if start is not None and day == end and how == mode and end - start < max_days * DAY:
            end += DAY
            continue
        if start is not None:
            yield Window(start, end), mode
        start, end, mode = day, day + DAY, how
    if start is not None:
        yield Window(start, end), mode


def by_window(planned: Iterable[Planned], most: int) -> Iterator[tuple[Planned, ...]]:
    """Groups of at most `most` subjects that share window and mode, in the order planned."""
    groups: dict[tuple[Window, Mode], list[Planned]] = {}
    for item in planned:
        groups.setdefault((item.window, item.mode), []).append(item)
    for group in groups.values():
        for start in range(0, len(group), most):
            yield tuple(group[start : start + most])
