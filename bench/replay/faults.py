"""What goes wrong in a replay: one fault of each kind, when, what finds it, and how the recordings tell it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean

DATASET, VARIABLE = "sgpm", "pm2_5_ugm3"
DAY = timedelta(days=1)
# the values of one region on one Singapore day, hour by hour; None where it is absent
Hours = list[float | None]
Change = Callable[[Hours, float], Hours]  # (hours, last value before the fault) → what is told instead


def _each(change: Callable[[float], float | None]) -> Change:
    return lambda hours, _: [None if value is None else change(value) for value in hours]


def _spread(hours: Hours, _: float) -> Hours:
    """Three times as far from the day's mean; nothing below zero."""
    known = [value for value in hours if value is not None]
    centre = fmean(known) if known else 0.0
    return [None if value is None else max(0.0, round(centre + 3 * (value - centre), 1)) for value in hours]


def _impossible(hours: Hours, _: float) -> Hours:
    return [None if value is None else (9999.0 if hour % 2 else -50.0) for hour, value in enumerate(hours)]


CHANGES: dict[str, Change] = {
    "unit": _each(lambda value: value / 1000),  # mg/m³
    "stuck": lambda hours, before: [before] * len(hours),
    "shift": _each(lambda value: value + 25),
    "spread": _spread,
    "missing": _each(lambda _: None),
    "impossible": _impossible,
}
# Kinds of alarms (as ml.alarms has them) that say what is wrong; "watchdog" and "rollback" are no alarms of a run.
FOUND_BY: dict[str, tuple[str, ...]] = {
    "unit": ("data drift", "model drift", "quarantine"),
    "outage": ("source", "freshness", "gap"),
    "stuck": ("stuck sensor", "data drift"),
    "shift": ("data drift", "model drift"),
    "spread": ("data drift", "model drift"),
    "missing": ("gap", "fallback"),
    "impossible": ("quarantine",),
    "damaged model": ("fallback",),
    "bad champion": ("model drift", "rollback"),
    "missed day": ("watchdog",),
}
TOLD: dict[str, str] = {
    "unit": "µg/m³ told as mg/m³",
    "outage": "HTTP 503 to every request",
    "stuck": "one value repeated",
    "shift": "25 µg/m³ more",
    "spread": "three times the spread of the day",
    "missing": "no value at all",
    "impossible": "-50 and 9999 in turn",
    "damaged model": "a byte of the champion's file flipped",
    "bad champion": "a version with intervals eight times as wide promoted by hand",
    "missed day": "no run at all",
}


@dataclass(frozen=True)
class Fault:
    """`first` to `last`, both included; `region` where it is one region's."""

    kind: str
    first: date
    last: date
    region: str | None = None

    @property
    def days(self) -> list[date]:
        return [self.first + n * DAY for n in range((self.last - self.first).days + 1)]

    @property
    def visible(self) -> date:
        """Of the first run that can see it: errors of a version's first forecasts are known a day after them."""
        return self.first + DAY if self.kind == "bad champion" else self.first

    @property
    def series_id(self) -> str | None:
        return f"{DATASET}.{self.region}.{VARIABLE}" if self.region else None

    @property
    def name(self) -> str:
        return f"{self.kind}, {self.region}" if self.region else self.kind


@dataclass(frozen=True)
class Plan:
    """Days [first, last) with what goes wrong in them. `episode`: real, and no fault; alarms belong to it."""

    first: date
    last: date
    faults: tuple[Fault, ...]
    episode: tuple[date, date] | None = None
    history_days: int = 730

    @property
    def days(self) -> list[date]:
        return [self.first + n * DAY for n in range((self.last - self.first).days)]

    def clean(self) -> Plan:
        return Plan(self.first, self.last, (), self.episode, self.history_days)


def _fault(kind: str, first: str, n_days: int, region: str | None = None) -> Fault:
    start = date.fromisoformat(first)
    return Fault(kind, start, start + (n_days - 1) * DAY, region)


HALF_YEAR = Plan(
    date(2019, 7, 1),
    date(2020, 1, 1),
    (
        _fault("unit", "2019-07-09", 4, "east"),
        _fault("outage", "2019-07-24", 3),
        _fault("stuck", "2019-07-31", 3, "north"),
        _fault("shift", "2019-08-10", 5, "west"),
        _fault("missed day", "2019-08-23", 1),
        _fault("spread", "2019-10-14", 5, "south"),
        _fault("missing", "2019-10-24", 3, "central"),
        _fault("impossible", "2019-11-02", 3, "east"),
        _fault("damaged model", "2019-11-20", 1),
        _fault("bad champion", "2019-12-15", 1),  # between two weekly trainings: the next one would replace it
    ),
    episode=(date(2019, 9, 5), date(2019, 9, 30)),  # haze; the mean of the regions reaches 84 µg/m³ on the 18th
)
TWO_WEEKS = Plan(
    date(2019, 7, 1),
    date(2019, 7, 15),
    (_fault("unit", "2019-07-03", 3, "east"), _fault("outage", "2019-07-07", 2), _fault("missed day", "2019-07-12", 1)),
    history_days=400,
)
# a naive method is champion of so short a history: what is tried is the finding
FEW_DAYS = Plan(
    date(2019, 7, 1),
    date(2019, 7, 6),
    (_fault("impossible", "2019-07-02", 1, "east"), _fault("missed day", "2019-07-03", 1)),
    history_days=45,
)
