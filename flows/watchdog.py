"""A dead man's check: whether the daily run has published by its deadline, whoever was to start it.

It reads the published copy alone, so it works while a run writes, after one was killed, and where none ever started.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time, timedelta

import typer

from flows.notify import Message, send
from warehouse.alarms import Alarm
from warehouse.errors import BadInput, RunsMissed, SkyduckError
from warehouse.published import daily_at, open_copy, publication, published_copy
from warehouse.settings import Settings

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Watch:
    """`missed`: deadlines that passed without a daily run's publication since the one before.

    `daily_at`: when a daily run last published; a training, a migration and `skyduck publish` do, too. None: never.
    """

    now: datetime
    due: time
    run_id: str
    published_at: datetime
    daily_at: datetime | None
    missed: int

    @property
    def told(self) -> str:
        newest = f"the newest publication is of {self.published_at:%Y-%m-%d %H:%M} UTC (run {self.run_id})"
        if self.daily_at is None:
            return f"{newest}, and no daily run has ever published: `skyduck run` does"
        if self.daily_at != self.published_at:
            newest += f", the newest of a daily run of {self.daily_at:%Y-%m-%d %H:%M} UTC"
        if not self.missed:
            return f"{newest}: no daily run is missed"
        runs = "1 daily run" if self.missed == 1 else f"{self.missed} daily runs"
        return (
            f"{newest}: {runs} missed, due by {self.due:%H:%M} UTC. "
            "`skyduck status` says what failed, `skyduck run` makes up for it"
        )

    def require(self) -> None:
        """Raises RunsMissed."""
        if self.missed:
            raise RunsMissed(self.told)


def watch(settings: Settings, *, now: datetime, due: time) -> Watch:
    """Raises BadInput where nothing was ever published, or the copy cannot be read."""
    copy = published_copy(settings)
    run_id, published_at, _ = publication(copy)
    with open_copy(copy) as con:
        daily = daily_at(con)
    return Watch(now, due, run_id, published_at, daily, 1 if daily is None else missed(daily, now, due))


@contextmanager
def telling(settings: Settings, now: datetime, *, notify: bool) -> Iterator[None]:
    """With `notify`, whatever error leaves the block goes to SKYDUCK_NOTIFY and the log, too."""
    try:
        yield
    except SkyduckError as error:
        if notify:
            step = "Start it, or see why it cannot be started"
            alarm = Alarm("watchdog", "missed run", "critical", str(error), step, "")
            for line in send(settings, Message("watchdog", now, [alarm], [], 0)):
                typer.echo(f"skyduck: {line}", err=True)
        raise


def missed(daily_at: datetime, now: datetime, due: time) -> int:
    """How many of the deadlines up to `now` had no publication after the deadline before."""
    deadline = datetime.combine(now, due)
    if deadline > now:
        deadline -= DAY
    return max(0, (deadline - daily_at) // DAY)


def parse_due(text: str) -> time:
    try:
        found = time.fromisoformat(text)
    except ValueError:
        raise BadInput(f"--due {text!r} is no time of day; expected HH:MM in UTC, for example 07:30") from None
    if found.tzinfo is not None:
        raise BadInput(f"--due {text!r} must be in UTC, without an offset; for example 07:30")
    return found
