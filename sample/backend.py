"""Where values come from: the generator or a folder of recordings answer the same three questions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, Protocol

from sample.noise import Floats

Endpoint = Literal["archive", "forecast", "air_quality", "previous_runs"]
Column = list[float | int | None]


@dataclass(frozen=True)
class Located:
    """Hourly columns of one grid cell; its coordinates are the cell's, not those asked for."""

    latitude: float
    longitude: float
    elevation: float
    columns: dict[str, Column]


@dataclass(frozen=True)
class Power:
    """MW by production type on the stamps `seconds`; NaN = not reported."""

    seconds: Floats
    rows: dict[str, Floats]


@dataclass(frozen=True)
class Place:
    """One recorded place."""

    endpoint: str
    name: str
    latitude: float
    longitude: float


class Backend(Protocol):
    def hourly(
        self, endpoint: Endpoint, at: tuple[float, float], start: int, stop: int, names: list[str], now: datetime
    ) -> Located:
        """Columns for the hours [start, stop) since 1970, as known at `now`."""

    def pm25(self, day: date, now: datetime) -> dict[str, Any] | None:
        """The v2 body of one Singapore day, newest item first; None = no data."""

    def power(self, country: str, start: int, stop: int, now: datetime) -> Power | None:
        """Generation in the seconds [start, stop); None = no content."""

    def places(self) -> list[Place]:
        """What is recorded; nothing where values are generated for anywhere."""


def available_until(endpoint: Endpoint, now_hour: int, lag_days: int) -> int:
    """First hour that is still null: whole days after `lag_days` on the archive, the hour after now elsewhere."""
    if endpoint != "archive" or lag_days == 0:
        return now_hour + 1
    return (now_hour // 24 - lag_days) * 24
