"""Air quality of any place: traffic and season, thinned by wind, shared between neighbours, now and then haze."""

from __future__ import annotations

from dataclasses import dataclass
from math import radians, sin

import numpy as np

from sample.noise import Floats, drift, unit
from sample.weather import At, Weather, day_of_year, solar_hour


@dataclass(frozen=True)
class Air:
    """Hourly concentrations in µg/m³."""

    pm2_5: Floats
    pm10: Floats
    nitrogen_dioxide: Floats
    ozone: Floats


def traffic(hours: Floats, longitude: float) -> Floats:
    """Two rush hours on working days, a late and lower single hump at the weekend; mean about 0."""
    hour = solar_hour(hours, longitude)
    day = np.floor((hours + longitude / 15.0) / 24.0)
    weekend = np.mod(day + 3, 7) >= 5
    rush = np.exp(-(((hour - 8.3) / 1.9) ** 2)) + 0.9 * np.exp(-(((hour - 18.4) / 2.6) ** 2))
    idle = 0.8 * np.exp(-(((hour - 15.0) / 5.0) ** 2))
    night = -0.55 * np.exp(-((np.minimum(hour, 24 - hour) - 2.5) ** 2) / 8.0)
    return np.where(weekend, idle - 0.45, rush - 0.35) + night


def haze(seed: int, at: At, start: int, stop: int) -> Floats:
    """Smoke carried over hundreds of km: absent most of the time, days long when it comes (log scale, ≥ 0)."""
    hours = np.arange(start, stop, dtype=np.float64)
    smoke = drift(seed, "smoke", at, start, stop, tau=80, smooth=6, scale=8)
    dry = np.maximum(0.0, np.cos(2 * np.pi * (day_of_year(hours) - 262) / 365.2425))
    threshold = 2.0 - 0.9 * dry if abs(at[0]) < 15 else 2.3 - 0.3 * np.cos(2 * np.pi * day_of_year(hours) / 365.2425)
    return np.minimum(1.3 * np.maximum(smoke - threshold, 0.0), 2.0)


def air(seed: int, at: At, start: int, stop: int, sky: Weather) -> Air:
    """Hours [start, stop) at `at`, breathing the weather `sky` of the same hours."""
    hours = np.arange(start, stop, dtype=np.float64)
    region = drift(seed, "air region", at, start, stop, tau=30, smooth=2, scale=2)
    site = drift(seed, "air site", at, start, stop, tau=5, scale=0.08)
    fumes = drift(seed, "air fumes", at, start, stop, tau=4, scale=0.05)
    static = drift(seed, "air sensor", at, start, stop, tau=0.6, scale=0.02)

    mix = np.log(np.maximum(sky.wind_kmh, 1.0) / 11.0)
    cold = np.clip((12 - sky.temperature_c) / 20, 0, 1)
    busy = traffic(hours, at[1])
    lived = 0.15 * unit(seed, "lived in", round(at[0], 2), round(at[1], 2))
    base = np.log(13.5 - 4.5 * abs(sin(radians(at[0])))) + lived
    smoke = haze(seed, at, start, stop)
    log_pm = base - 0.42 * mix + 0.45 * cold + 0.15 * busy + 0.30 * region + 0.17 * site + 0.10 * static + smoke
    pm = np.minimum(np.exp(log_pm - 0.05 * np.minimum(sky.rain_mm, 4)), 480.0)

    log_no2 = np.log(19.0) + lived - 0.55 * mix + 0.35 * cold + 0.38 * busy + 0.2 * region + 0.22 * fumes + 0.08 * site
    no2 = np.minimum(np.exp(log_no2), 320.0)
    sun = sky.sun_wm2 / 1000
    return Air(
        pm2_5=pm,
        pm10=1.35 * pm + 3.0 + 0.12 * np.maximum(sky.wind_kmh - 15, 0),
        nitrogen_dioxide=no2,
        ozone=np.maximum(62 + 48 * sun - 0.9 * (no2 - 18) + 6 * region, 1.0),
    )
