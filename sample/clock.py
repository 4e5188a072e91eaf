"""The server's idea of now: the real clock, or one that a test moves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime


def parse_now(text: str) -> datetime:
    """ISO 8601 → naive UTC; without an offset it is UTC."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


class Clock:
    """Stands still where `moment` is set, else moves with `real`, the machine's clock (naive UTC)."""

    def __init__(self, real: Callable[[], datetime], moment: datetime | None = None) -> None:
        self.real, self.moment = real, moment

    def now(self) -> datetime:
        return self.moment or self.real()


def epoch(moment: datetime) -> int:
    """Whole seconds since 1970 of a naive UTC time."""
    return int(moment.replace(tzinfo=UTC).timestamp())


def utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
