"""The as-of clock: the one place that reads the machine's. Everything below takes `now` (UTC, without zone)."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from warehouse.errors import BadInput

EARLIEST = datetime(1950, 1, 1)
SLACK = timedelta(hours=1)


def machine_now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def machine_stamp() -> str:
    """To the microsecond: the order in which things really happened, whatever their as-of clocks say."""
    return datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def parse_as_of(text: str | None) -> datetime:
    """UTC without zone; a stamp without an offset is taken as UTC. Raises BadInput for nonsense and the future."""
    now = machine_now()
    if text is None:
        return now
    try:
        stamp = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadInput(f"--as-of {text!r} is not a time; expected something like 2026-11-20T06:10 (UTC)") from None
    if stamp.tzinfo is not None:
        stamp = stamp.astimezone(UTC).replace(tzinfo=None)
    if stamp > now + SLACK:
        raise BadInput(f"--as-of {text!r} lies in the future (it is {now:%Y-%m-%dT%H:%M} UTC): nothing is known then")
    if stamp < EARLIEST:
        raise BadInput(f"--as-of {text!r} is before {EARLIEST:%Y}: no source reaches back that far")
    return stamp.replace(microsecond=0)


class Clock:
    """`now` plus the time that has passed since: a replay of an old day keeps that day's stamps."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._start = time.monotonic()

    def read(self) -> datetime:
        return self.now + timedelta(seconds=time.monotonic() - self._start)


def origin_of(now: datetime) -> datetime:
    """The hour a forecast made at `now` starts from."""
    return now.replace(minute=0, second=0, microsecond=0)
