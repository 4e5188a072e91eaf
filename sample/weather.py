"""Weather of any place on earth: season, sun, and fronts as mean-reverting processes shared by neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin

import numpy as np

from sample.noise import Floats, drift, unit

At = tuple[float, float]


@dataclass(frozen=True)
class Weather:
    """Hourly arrays over one window of hours since 1970."""

    temperature_c: Floats
    dew_point_c: Floats
    humidity_pct: Floats
    cloud_pct: Floats
    wind_kmh: Floats
    wind_from_deg: Floats
    pressure_hpa: Floats
    rain_mm: Floats
    sun_wm2: Floats
    sun_height: Floats  # sine of the sun's elevation, 0 at night


def day_of_year(hours: Floats) -> Floats:
    """Mean-year phase in days; leap days shift it by less than one day."""
    return np.mod(hours / 24.0 - 10957.0, 365.2425)


def solar_hour(hours: Floats, longitude: float) -> Floats:
    return np.mod(hours + longitude / 15.0, 24.0)


def sun_height(at: At, hours: Floats) -> Floats:
    """Sine of the solar elevation, clipped at the horizon (Cooper's declination)."""
    declination = np.radians(23.45) * np.sin(2 * np.pi * (284 + day_of_year(hours)) / 365.2425)
    angle = 2 * np.pi * (solar_hour(hours + 0.5, at[1]) - 12.0) / 24.0
    latitude = radians(at[0])
    height = sin(latitude) * np.sin(declination) + cos(latitude) * np.cos(declination) * np.cos(angle)
    above: Floats = np.maximum(height, 0.0)
    return above


def _noon_height(at: At, hours: Floats) -> Floats:
    declination = 23.45 * np.sin(2 * np.pi * (284 + day_of_year(hours)) / 365.2425)
    return np.maximum(np.cos(np.radians(at[0] - declination)), 0.05)


def _climate(at: At, hours: Floats) -> Floats:
    """Seasonal mean temperature: zonal mean by latitude, warmest 29 days after the solstice."""
    latitude = radians(at[0])
    mean = 30.0 * cos(latitude) ** 2 - 1.0
    amplitude = 11.0 * abs(sin(latitude)) ** 1.2
    peak = 201.0 if at[0] >= 0 else 18.0
    season: Floats = amplitude * np.cos(2 * np.pi * (day_of_year(hours) - peak) / 365.2425)
    return mean + season


def _vapour(temperature: Floats) -> Floats:
    return np.exp(17.625 * temperature / (243.04 + temperature))  # Magnus form, relative units


def weather(seed: int, at: At, start: int, stop: int) -> Weather:
    """Hours [start, stop) since 1970 at `at` = (latitude, longitude); equal for equal arguments."""
    hours = np.arange(start, stop, dtype=np.float64)
    lively = abs(sin(radians(at[0]))) ** 0.8
    front = drift(seed, "front", at, start, stop, tau=34, smooth=5, scale=6)
    regime = drift(seed, "regime", at, start, stop, tau=220, scale=15)
    local = drift(seed, "local", at, start, stop, tau=7, smooth=1.2, scale=0.5)
    cover = drift(seed, "cloud", at, start, stop, tau=11, smooth=1.5, scale=2)
    gust = drift(seed, "wind", at, start, stop, tau=20, smooth=2, scale=4)
    moist = drift(seed, "moisture", at, start, stop, tau=36, smooth=3, scale=4)
    turn = drift(seed, "direction", at, start, stop, tau=26, smooth=3, scale=4)

    height = sun_height(at, hours)
    hour = solar_hour(hours, at[1])
    showers = (1 - lively) * 0.9 * np.cos(2 * np.pi * (hour - 15.5) / 24)
    cloud = np.clip(62 + 58 * (0.75 * cover + 0.35 * moist - 0.3 * front + 0.5 * showers), 0, 100)

    inland = 0.85 + 0.15 * np.tanh(unit(seed, "inland", round(at[0] / 3), round(at[1] / 3)))
    swing = inland * (1.6 + 5.4 * _noon_height(at, hours)) * (0.6 + 0.5 * lively) * (1 - 0.0055 * cloud)
    phase = 2 * np.pi * (hour - 15.0) / 24
    daily = swing * (np.cos(phase) + 0.22 * np.cos(2 * phase))
    synoptic = (0.5 + 2.7 * lively) * front + (0.4 + 1.7 * lively) * regime
    temperature = _climate(at, hours) + synoptic + daily + (0.45 + 0.7 * lively) * local

    dew = _climate(at, hours) + 0.85 * synoptic - 4.2 + 2.4 * moist - 2.0 * lively + 0.03 * (cloud - 60)
    dew = np.minimum(dew, temperature - 0.1)
    humidity = np.clip(100 * _vapour(dew) / _vapour(temperature), 4, 100)

    breeze = 1 + 0.28 * np.cos(2 * np.pi * (hour - 14.5) / 24)
    calm = (10.0 + 4.0 * lively) * np.exp(0.18 * unit(seed, "exposure", round(at[0] / 0.5), round(at[1] / 0.5)))
    wind = np.maximum(calm * breeze * np.exp(0.46 * gust - 0.12 * front + 0.12 * local - 0.1), 0.4)
    rain = np.maximum(0.0, (cloud - 88) / 12) * np.maximum(0.0, moist + 0.4) ** 2 * (1 + 2 * (1 - lively))
    return Weather(
        temperature_c=temperature,
        dew_point_c=dew,
        humidity_pct=humidity,
        cloud_pct=cloud,
        wind_kmh=wind,
        wind_from_deg=np.mod(235 + 75 * turn + 20 * front, 360),
        pressure_hpa=1014 + (2 + 8 * lively) * (0.4 * regime - 0.7 * gust),
        rain_mm=rain,
        sun_wm2=1050 * height**1.15 * (1 - 0.72 * (cloud / 100) ** 2.5),
        sun_height=height,
    )
