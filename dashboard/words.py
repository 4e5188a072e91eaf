"""How names, times and figures are said to a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

_VARIABLES = {"pm2_5_ugm3": "PM2.5", "temperature_c": "Temperature", "carbon_intensity_gco2eq_kwh": "Carbon intensity"}
_MODELS = {
    "naive_last": "last value",
    "naive_day": "same hour yesterday",
    "naive_week": "same hour last week",
    "naive_mean7": "7-day mean of the hour",
}
RUNGS = ("champion", "challenger", "statistical", "naive", "climatology")


def variable(name: str) -> str:
    return _VARIABLES.get(name) or name.rpartition("_")[0].replace("_", " ").capitalize() or name


def unit(name: str) -> str:
    return name.replace("gCO2eq", "gCO₂eq")


def measure(row: Mapping[str, Any]) -> str:
    """What an axis shows: `PM2.5, µg/m³`."""
    return f"{variable(row['variable'])}, {unit(row['unit'])}"


def model(name: str) -> str:
    """`naive_mean7` and its like in words; learnt models by their own names."""
    return _MODELS.get(name) or name.replace("_", " ")


def dataset(name: str, series: pd.DataFrame) -> str:
    """What the dataset measures, and its name."""
    found = series.loc[series["dataset"] == name, "variable"]
    return f"{variable(found.iloc[0])} · {name}" if len(found) else name


def place(row: Mapping[str, Any]) -> str:
    return str(row["name"] or row["place_id"])


def series(row: Mapping[str, Any]) -> str:
    return f"{place(row)} · {variable(row['variable'])} ({row['dataset']})"


def version(name: str) -> str:
    """What a person tells a version by: its model and hash. `sgpm-mstl-20261121T1401-17eabc96` is `mstl 17eabc96`."""
    parts = name.split("-")
    return f"{model(parts[1])} {parts[-1]}" if len(parts) == 4 else name


def stamp(at: datetime | None, zone: str = "UTC") -> str:
    """A UTC moment on the clock of the zone: `Sat 22 Nov 14:00`."""
    return "–" if at is None or pd.isna(at) else f"{_local(at, zone):%a %d %b %H:%M}"


def stamp_utc(at: datetime | None) -> str:
    return "–" if at is None or pd.isna(at) else f"{at:%d %b %Y %H:%M} UTC"


def _local(at: datetime, zone: str) -> datetime:
    return at.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(zone))


def ago(at: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that says enough."""
    age = now - at
    for size, name in ((timedelta(days=365), "year"), (timedelta(days=1), "day"), (timedelta(hours=1), "hour")):
        if (n := age // size) >= 1:
            return f"{n} {name}{'s' if n > 1 else ''} ago"
    minutes = max(0, age // timedelta(minutes=1))
    return f"{minutes} min ago" if minutes else "just now"


def number(value: float | None) -> str:
    """Three figures are enough for a glance."""
    if value is None or pd.isna(value):
        return "–"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}"


def percent(value: float | None) -> str:
    return "–" if value is None or pd.isna(value) else f"{value:.0%}"
