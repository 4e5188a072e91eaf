"""Electricity of a country, hour by hour: sun and wind first, then water, then fuel for what is left of the load."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import log
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np

from sample.countries import Country
from sample.noise import Floats, drift
from sample.weather import Weather, day_of_year

Rows = dict[str, Floats]


class Wander(Protocol):
    """One of the country's own slow processes, by name."""

    def __call__(self, channel: str, tau: float, smooth: float = 0.0) -> Floats: ...


def local_hour_of_week(zone: str, hours: Floats) -> Floats:
    """0 = Monday 00:00 by the wall clock, daylight saving included."""
    tz = ZoneInfo(zone)
    days = np.floor(hours / 24).astype(np.int64)
    first, last = int(days[0]), int(days[-1])
    # One look-up at 01:30 UTC a day: European clocks change at 01:00 UTC, so the error is one hour twice a year.
    moments = [datetime.fromtimestamp(day * 86400 + 5400, UTC).astimezone(tz) for day in range(first, last + 1)]
    offsets = np.asarray([(moment.utcoffset() or timedelta()).total_seconds() / 3600 for moment in moments])
    local: Floats = hours + offsets[days - first]
    return np.mod(local + 72, 168)  # day 0 of 1970 was a Thursday


def demand_shape(week_hour: Floats) -> Floats:
    """Load by hour of the week around a mean of about 1."""
    hour, day = np.mod(week_hour, 24), np.floor(week_hour / 24)
    morning = np.exp(-(((hour - 10.5) / 4.2) ** 2))
    evening = np.exp(-(((hour - 19.0) / 2.8) ** 2))
    working = np.select([day == 5, day == 6], [0.62, 0.45], 1.0)
    shape: Floats = 0.80 + 0.03 * working + 0.27 * morning * working + 0.20 * evening * (0.6 + 0.4 * working)
    return shape


def wind_output(wind_kmh: Floats) -> Floats:
    """Share of installed wind power at a 10 m wind speed: a fleet's smoothed power curve."""
    hub = wind_kmh * 1.65 / 3.6
    share: Floats = np.clip(0.92 / (1 + np.exp(-(hub - 9.6) / 1.9)) - 0.006, 0, 0.92)
    return share


def _at_points(country: Country, skies: list[Weather]) -> tuple[Floats, Floats, Floats, Floats]:
    """Capacity factors of sun, onshore and offshore wind, and the mean temperature."""
    count = len(country.points)
    solar = sum((s.sun_wm2 for s in skies), np.zeros(1)) / count * 0.78 / 1000
    wind = sum((wind_output(s.wind_kmh) for s in skies), np.zeros(1)) / count
    sea = wind_output(skies[0].wind_kmh * 1.25)
    warmth = sum((s.temperature_c for s in skies), np.zeros(1)) / count
    return solar, wind, sea, warmth


def _fuels(country: Country, need: Floats, seed: int, name: str, start: int, stop: int) -> Rows:
    """Splits thermal need by what each fuel can give, with fuel prices drifting over weeks."""
    at = country.points[0]
    price = drift(seed, f"{name} fuel price", at, start, stop, tau=260, scale=40)
    bids = {
        "Fossil brown coal / lignite": (country.lignite, 0.62 + 0.12 * price, 1.15),
        "Fossil hard coal": (country.coal, 0.34 + 0.14 * price, 0.85),
        "Fossil coal-derived gas": (country.coal_gas, np.full(stop - start, 0.55), 0.5),
        "Fossil gas": (country.gas, 0.40 - 0.07 * price, 1.0),
        "Fossil oil": (country.oil, np.full(stop - start, 0.12), 0.35),
    }
    usable = {fuel: power * np.clip(share, 0.08, 0.9) for fuel, (power, share, _) in bids.items() if power}
    total = np.maximum(sum(usable.values(), np.zeros(stop - start)), 1.0)
    tight = np.clip(need / total, 0.02, 3.0)  # 1 = every fuel at its usual share
    weighted = {fuel: usable[fuel] * tight ** bids[fuel][2] for fuel in usable}
    scale = need / np.maximum(sum(weighted.values(), np.zeros(stop - start)), 1.0)
    return {fuel: np.minimum(weighted[fuel] * scale, 0.97 * bids[fuel][0]) for fuel in weighted}


def _renewables_and_steady(country: Country, start: int, stop: int, skies: list[Weather], wander: Wander) -> Rows:
    """What runs whatever the load: weather, rivers, reactors and must-run plants."""
    hours = np.arange(start, stop, dtype=np.float64)
    season = np.cos(2 * np.pi * (day_of_year(hours) - 15) / 365.2425)  # 1 in mid-January
    solar, wind, sea, _ = _at_points(country, skies)
    return {
        "Solar": country.solar * solar,
        "Wind onshore": country.wind * np.clip(wind * (1 + 0.05 * wander("wind", 5)), 0, 0.95),
        "Wind offshore": country.offshore * np.clip(sea, 0, 0.95),
        "Nuclear": country.nuclear * np.clip(0.72 + 0.08 * season + 0.05 * wander("nuclear", 300, 20), 0.3, 0.95),
        "Hydro Run-of-River": country.river * np.clip(0.46 - 0.1 * season + 0.09 * wander("river", 200, 24), 0.1, 0.95),
        "Biomass": country.biomass * np.clip(0.76 + 0.02 * wander("biomass", 60, 6), 0, 1),
        "Geothermal": country.geothermal * np.clip(0.9 + 0.01 * wander("geothermal", 90), 0, 1),
        "Waste": country.waste * np.clip(0.7 + 0.04 * wander("waste", 50, 4), 0, 1),
        "Others": country.other * np.clip(0.5 + 0.05 * wander("others", 50, 4), 0, 1),
    }


def _curtail(country: Country, rows: Rows, surplus: Floats) -> None:
    """Lines out of the country are finite: sun and wind beyond 45 % of the mean load are switched off."""
    green = ("Solar", "Wind onshore", "Wind offshore")
    total = np.maximum(sum((rows[kind] for kind in green), np.zeros(1)), 1.0)
    keep = np.clip(1 - np.maximum(surplus - 0.45 * country.load, 0) / total, 0.05, 1)
    for kind in green:
        rows[kind] = rows[kind] * keep


def generation(seed: int, name: str, country: Country, start: int, stop: int, skies: list[Weather]) -> Rows:
    """Hourly mean MW by production type for [start, stop); `skies` is the weather at the country's points."""
    hours = np.arange(start, stop, dtype=np.float64)
    zero = np.zeros(stop - start)

    def wander(channel: str, tau: float, smooth: float = 0.0) -> Floats:
        return drift(seed, f"{name} {channel}", country.points[0], start, stop, tau=tau, smooth=smooth, scale=40)

    warmth = _at_points(country, skies)[3]
    comfort = 0.0065 * np.maximum(14 - warmth, 0) + 0.0085 * np.maximum(warmth - 23, 0)
    shape = demand_shape(local_hour_of_week(country.zone, hours))
    load = country.load * shape * (1 + comfort) * (1 + 0.022 * wander("load", 30, 2))

    rows = _renewables_and_steady(country, start, stop, skies, wander)
    _curtail(country, rows, sum(rows.values(), zero) - load)
    left = load - sum(rows.values(), zero)
    usual = country.load - _usual(country)
    left = left - country.imports - 0.38 * (left - usual) - 0.045 * country.load * wander("trade", 14, 2)
    strain = np.tanh((left - 0.9 * usual + country.imports) / (0.28 * country.load))
    rows["Hydro water reservoir"] = country.reservoir * np.clip(0.24 + 0.2 * strain + 0.05 * wander("lake", 90), 0, 0.9)
    rows["Hydro pumped storage"] = country.pumped * np.clip(0.42 * strain - 0.05, 0, 0.9)
    pumping = country.pumped * np.clip(-0.5 * strain - 0.06, 0, 0.8)
    left = left - rows["Hydro water reservoir"] - rows["Hydro pumped storage"] + pumping
    must_run = 0.045 * country.load if country.gas else 0.0
    need = np.logaddexp(left / must_run, log(2)) * must_run if must_run else np.maximum(left, 0)
    rows |= _fuels(country, need * (1 + 0.03 * wander("thermal", 7)), seed, name, start, stop)

    trade = load + pumping - sum(rows.values(), zero)
    installed = {kind: values for kind, values in rows.items() if float(np.max(values)) > 0}
    consumed = {"Hydro pumped storage consumption": 0.0 - pumping} if country.pumped else {}
    return consumed | {"Cross border electricity trading": trade} | installed | {"Load": load}


def _usual(country: Country) -> float:
    """What sun, wind, river and must-run plants give on average: the point around which trade swings."""
    sun_and_wind = 0.125 * country.solar + 0.22 * country.wind + 0.32 * country.offshore
    steady = 0.72 * country.nuclear + 0.46 * country.river + 0.76 * country.biomass + 0.7 * country.waste
    return sun_and_wind + steady + 0.9 * country.geothermal + 0.5 * country.other
