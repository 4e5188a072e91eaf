"""Open-Meteo's parameters, checked in the order and with the words of the real hosts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal, NoReturn
from zoneinfo import ZoneInfo

from sample.answer import Refused, json_answer
from sample.backend import Endpoint
from sample.clock import epoch
from sample.limits import MAX_WEIGHT, weight
from sample.variables import canonical, catalogue, issued

FIRST = {
    "archive": date(1940, 1, 1),
    "forecast": date(2016, 1, 1),
    "air_quality": date(2013, 1, 1),
    "previous_runs": date(2016, 1, 1),
}
AHEAD = {"archive": 0, "forecast": 16, "air_quality": 7, "previous_runs": 16}
DEFAULT_AHEAD = {"archive": 0, "forecast": 7, "air_quality": 5, "previous_runs": 7}
# What the real hosts can do and the loader never asks for: better refused than answered in the wrong unit.
NOT_HERE = {"daily", "current", "minutely_15", "temperature_unit", "wind_speed_unit", "models", "format", "past_hours"}
MAX_PAST_DAYS = 92
MAX_LOCATIONS = 1000
MAX_PREVIOUS_DAYS = 7


@dataclass(frozen=True)
class Zone:
    offset: int  # seconds east of UTC at the time of the request
    name: str
    short: str


@dataclass(frozen=True)
class Query:
    endpoint: Endpoint
    places: list[tuple[float, float]]
    days: list[tuple[date, date]]  # first and last local day, one pair per place
    names: list[str] | None
    zone: Zone
    timeformat: Literal["iso8601", "unixtime"]
    weight: float


def refuse(reason: str, status: int = 400) -> NoReturn:
    raise Refused(json_answer({"error": True, "reason": reason}, status))


def _numbers(params: Mapping[str, str], key: str) -> list[float]:
    text = params.get(key, "")
    if not text:
        refuse("Parameter 'latitude' and 'longitude' must not be empty")
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        refuse(f"Data corrupted at path '{key}'. Expected to decode Float but found String instead.")


def _places(params: Mapping[str, str]) -> list[tuple[float, float]]:
    latitudes, longitudes = _numbers(params, "latitude"), _numbers(params, "longitude")
    if len(latitudes) != len(longitudes):
        refuse("Parameter 'latitude' and 'longitude' must have the same number of elements")
    if len(latitudes) > MAX_LOCATIONS:
        refuse(f"Parameter 'latitude' and 'longitude' must not exceed {MAX_LOCATIONS} coordinates.")
    for latitude, longitude in zip(latitudes, longitudes, strict=True):
        if not -90 <= latitude <= 90:
            refuse(f"Latitude must be in range of -90 to 90°. Given: {latitude}.")
        if not -180 <= longitude <= 180:
            refuse(f"Longitude must be in range of -180 to 180°. Given: {longitude}.")
    return list(zip(latitudes, longitudes, strict=True))


def _zone(params: Mapping[str, str], now: datetime, longitude: float) -> Zone:
    name = params.get("timezone", "GMT")
    if name in ("GMT", "UTC"):
        return Zone(0, "GMT", "GMT")
    if name == "auto":  # solar zone: the sample has no map of the world's time zones
        name = f"Etc/GMT{-round(longitude / 15):+d}"
    try:
        offset = now.replace(tzinfo=UTC).astimezone(ZoneInfo(name)).utcoffset() or timedelta()
    except (ValueError, KeyError, OSError):
        refuse("Invalid timezone")
    seconds = int(offset.total_seconds())
    hours, rest = divmod(abs(seconds), 3600)
    sign = "-" if seconds < 0 else "+"
    short = f"GMT{sign}{hours}" + (f":{rest // 60:02d}" if rest else "") if seconds else "GMT"
    return Zone(seconds, name, short)


def _date(text: str) -> date:
    try:
        if len(text) != 10:
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        refuse("Invalid date format. Make sure to use 'YYYY-MM-DD'")


def _whole(params: Mapping[str, str], key: str, default: int, label: str, most: int) -> int:
    text = params.get(key, "")
    if not text:
        return default
    try:
        number = int(text)
    except ValueError:
        refuse(f"Data corrupted at path '{key}'. Expected to decode Int but found String instead.")
    if not 0 <= number <= most:
        refuse(f"{label} is invalid. Allowed range 0 to {most}. Given {number}.")
    return number


def _days(endpoint: Endpoint, params: Mapping[str, str], today: date) -> list[tuple[date, date]]:
    """Local days asked for: by start_date and end_date, or (not on the archive) around today."""
    starts, ends = params.get("start_date", ""), params.get("end_date", "")
    if bool(starts) != bool(ends) or (endpoint == "archive" and not starts):
        refuse("Both 'start_date' and 'end_date' must be set in the url")
    if not starts:
        past = _whole(params, "past_days", 0, "Past days", MAX_PAST_DAYS)
        ahead = _whole(params, "forecast_days", DEFAULT_AHEAD[endpoint], "Forecast days", AHEAD[endpoint])
        return [(today - timedelta(days=past), today + timedelta(days=ahead - 1))]
    for key in ("past_days", "forecast_days"):
        if params.get(key):
            refuse(f"Parameter '{key}' is mutually exclusive with 'start_date' and 'end_date'")
    pairs = list(zip(map(_date, starts.split(",")), map(_date, ends.split(",")), strict=False))
    if len(starts.split(",")) != len(ends.split(",")):
        refuse("Parameter 'start_date' and 'end_date' must have the same number of elements")
    first, last = FIRST[endpoint], today + timedelta(days=AHEAD[endpoint])
    for start, end in pairs:
        if end < start:
            refuse("End-date must be larger or equals than start-date")
        for key, day in (("start_date", start), ("end_date", end)):
            if not first <= day <= last:
                refuse(f"Parameter '{key}' is out of allowed range from {first} to {last}")
    return pairs


def parse(endpoint: Endpoint, params: Mapping[str, str], now: datetime) -> Query:
    """Raises Refused with a 400 for what the host would not accept."""
    for key in NOT_HERE & set(params):
        refuse(f"Parameter '{key}' is not known to this stand-in of the API")
    places = _places(params)
    known = catalogue(air=endpoint == "air_quality")
    names = [name for name in params["hourly"].split(",") if name] if params.get("hourly") else None
    for name in names or []:
        base, days_before = issued(canonical(name)) if endpoint == "previous_runs" else (canonical(name), 0)
        if base not in known or days_before > MAX_PREVIOUS_DAYS:
            refuse(f"Cannot initialize WeatherVariable from invalid String value {name} for key hourly")
    timeformat = params.get("timeformat", "iso8601")
    if timeformat not in ("iso8601", "unixtime"):
        refuse(f"Cannot initialize Timeformat from invalid String value {timeformat} for key timeformat")
    zone = _zone(params, now, places[0][1])
    today = (now + timedelta(seconds=zone.offset)).date()
    days = _days(endpoint, params, today)
    if len(days) == 1:
        days = days * len(places)
    elif len(days) != len(places):
        refuse("Parameter 'start_date' and 'end_date' must have the same number of elements as coordinates")
    heavy = weight(len(names or []), [(end - start).days + 1 for start, end in days])
    if heavy > MAX_WEIGHT:
        refuse(f"This call weighs {heavy:.0f}, more than {MAX_WEIGHT}: ask for fewer locations, days or variables.")
    return Query(endpoint, places, days, names, zone, "unixtime" if timeformat == "unixtime" else "iso8601", heavy)


def window(days: tuple[date, date], zone: Zone) -> tuple[int, int]:
    """The days as hours since 1970: read at the zone's offset in whole hours, as the host does."""
    shift = zone.offset // 3600
    start = epoch(datetime.combine(days[0], datetime.min.time())) // 3600
    stop = epoch(datetime.combine(days[1], datetime.min.time())) // 3600 + 24
    return start - shift, stop - shift
