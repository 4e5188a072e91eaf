"""The generator as a backend: chunks of weather and air, cached, sliced, and made as imperfect as the real thing."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from math import floor
from typing import Any

import numpy as np

from sample import generated_grid, generated_regions
from sample.air import Air, air
from sample.backend import Column, Endpoint, Located, Place, Power, available_until
from sample.clock import epoch
from sample.defects import apply, defects
from sample.issued import error
from sample.noise import Floats, drift, unit
from sample.variables import AIR, WEATHER, Quantity, as_list, issued
from sample.weather import At, Weather, weather

CHUNK = 2048  # hours computed at once; a multiple of the defect slot
CELL = {"archive": 0.0703, "forecast": 0.02, "air_quality": 0.1, "previous_runs": 0.02}
FINAL_AFTER_DAYS = 5  # the archive replaces its first values by then
_CARRIED = ("temperature_2m", "pm2_5", "nitrogen_dioxide")  # variables whose sensors fail now and then
_TOP = {"temperature_2m": 60.0, "pm2_5": 1000.0, "nitrogen_dioxide": 1000.0}


@lru_cache(maxsize=256)
def sky_chunk(seed: int, at: At, number: int) -> Weather:
    return weather(seed, at, number * CHUNK, (number + 1) * CHUNK)


@lru_cache(maxsize=256)
def air_chunk(seed: int, at: At, number: int) -> Air:
    return air(seed, at, number * CHUNK, (number + 1) * CHUNK, sky_chunk(seed, at, number))


def _chunk_column(seed: int, at: At, name: str, number: int) -> Floats:
    if name in AIR:
        values: Floats = getattr(air_chunk(seed, at, number), name)
        return values
    sky = sky_chunk(seed, at, number)
    vapour = sky.humidity_pct / 100 * 6.105 * np.exp(17.27 * sky.temperature_c / (237.7 + sky.temperature_c))
    return {
        "temperature_2m": sky.temperature_c,
        "relative_humidity_2m": sky.humidity_pct,
        "dew_point_2m": sky.dew_point_c,
        # Steadman's apparent temperature, as used by the Australian Bureau of Meteorology
        "apparent_temperature": sky.temperature_c + 0.33 * vapour - 0.7 * sky.wind_kmh / 3.6 - 4.0,
        "precipitation": sky.rain_mm,
        "rain": sky.rain_mm,
        "pressure_msl": sky.pressure_hpa,
        "cloud_cover": sky.cloud_pct,
        "wind_speed_10m": sky.wind_kmh,
        "wind_gusts_10m": 1.9 * sky.wind_kmh,
        "wind_direction_10m": sky.wind_from_deg,
        "shortwave_radiation": sky.sun_wm2,
    }[name]


def truth(seed: int, at: At, name: str, start: int, stop: int) -> Floats:
    """The final values of the hours [start, stop)."""
    first, last = start // CHUNK, (stop - 1) // CHUNK
    parts = [_chunk_column(seed, at, name, number) for number in range(first, last + 1)]
    return np.concatenate(parts)[start - first * CHUNK : stop - first * CHUNK]


def cell(at: At, size: float) -> At:
    """Centre of the grid cell around a point, with the odd digits of a single-precision grid."""
    middle = [round((floor(x / size) + 0.5) * size + 0.00037, 6) for x in at]
    return max(-90.0, min(90.0, middle[0])), middle[1]


class Generated:
    """Any place on earth, from one seed."""

    def __init__(self, seed: int = 1, archive_lag_days: int = 2) -> None:
        self.seed, self.lag_days = seed, archive_lag_days

    def places(self) -> list[Place]:
        return []

    def pm25(self, day: date, now: datetime) -> dict[str, Any] | None:
        return generated_regions.day_body(self.seed, day, epoch(now), truth)

    def power(self, country: str, start: int, stop: int, now: datetime) -> Power | None:
        return generated_grid.power(self.seed, country, start, stop, epoch(now), sky_chunk, CHUNK)

    def hourly(self, endpoint: Endpoint, at: At, start: int, stop: int, names: list[str], now: datetime) -> Located:
        spot = (round(at[0], 2), round(at[1], 2))
        now_hour = epoch(now) // 3600
        columns: dict[str, Column] = {}
        for name in names:
            base, days_before = issued(name)
            quantity = (AIR if endpoint == "air_quality" else WEATHER).get(base)
            if quantity is None:
                columns[name] = [None] * (stop - start)
                continue
            if days_before:
                values = self._issued(spot, base, quantity, start, stop, 24 * days_before, now_hour)
            else:
                values = self._seen(endpoint, spot, name, quantity, start, stop, now_hour)
            if endpoint == "archive":
                values[max(available_until(endpoint, now_hour, self.lag_days) - start, 0) :] = np.nan
            columns[name] = as_list(values, quantity.decimals)
        latitude, longitude = cell(at, CELL[endpoint])
        height = round(60 + 50 * abs(unit(self.seed, "height", *cell(at, 0.5))), 1)
        return Located(latitude, longitude, height, columns)

    def _issued(self, at: At, name: str, quantity: Quantity, start: int, stop: int, lead: int, now_hour: int) -> Floats:
        """What was forecast `lead` hours before each hour; an hour to come was forecast that long before now."""
        final = truth(self.seed, at, name, start, stop)
        leads = lead + np.maximum(np.arange(start, stop, dtype=np.float64) - now_hour, 0.0)
        off = (quantity.wobble or 0.04 * final) * error(self.seed, at, name, start, stop, leads)
        return np.clip(final + off, quantity.low, quantity.high)

    def _seen(
        self, endpoint: Endpoint, at: At, name: str, quantity: Quantity, start: int, stop: int, now_hour: int
    ) -> Floats:
        """True values as this endpoint shows them at this hour, sensor defects included; forecasts of hours to come."""
        final = truth(self.seed, at, name, start, stop)
        spread = self._doubt(endpoint, start, stop, now_hour)
        values = final.copy()
        if spread.any():
            past = drift(self.seed, f"{endpoint} {name}", at, start, stop, tau=4, scale=1)
            values = np.clip(final + spread * (quantity.wobble or 0.04 * final) * past, quantity.low, quantity.high)
        n_past = max(min(now_hour + 1, stop) - start, 0)
        if name in _CARRIED and n_past:
            values[:n_past] = self._spoiled(at, name, values[:n_past], start, now_hour)
        if stop - start > n_past:
            values[n_past:] = self._issued(at, name, quantity, start + n_past, stop, 0, now_hour)
        return values

    def _spoiled(self, at: At, name: str, values: Floats, start: int, now_hour: int) -> Floats:
        stop = start + len(values)
        found = defects(self.seed, f"{at} {name}", "air" if name in AIR else "weather", start, stop)
        frozen = [defect.start for defect in found if defect.kind == "stuck"]
        level = {hour: float(truth(self.seed, at, name, hour, hour + 1)[0]) for hour in frozen}
        return apply(values, start, found, hour=now_hour, level=level, top=_TOP[name])

    def _doubt(self, endpoint: Endpoint, start: int, stop: int, now_hour: int) -> Floats:
        """How far from final each past hour still is: 0 = final, 1 = preliminary."""
        if endpoint in ("forecast", "previous_runs"):
            return np.ones(stop - start)
        final_until = now_hour - 23 if endpoint == "air_quality" else (now_hour // 24 - FINAL_AFTER_DAYS) * 24
        return np.where(np.arange(start, stop) >= final_until, 1.0, 0.0)
