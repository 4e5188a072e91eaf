"""Names, units and rounding of Open-Meteo's hourly variables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sample.noise import Floats


@dataclass(frozen=True)
class Quantity:
    unit: str
    decimals: int
    wobble: float  # spread of a preliminary or forecast value around the final one; 0 = 4 % of the value
    low: float = -1e9
    high: float = 1e9


_DEGREES = Quantity("°C", 1, 0.35)
_PERCENT = Quantity("%", 0, 3.0, 0, 100)
_SPEED = Quantity("km/h", 1, 1.1, 0)
_AIR = Quantity("μg/m³", 1, 0.0, 0)
_UNTOLD = Quantity("undefined", 1, 0.0)

# What the generator can tell; everything else that the hosts know comes as nulls.
WEATHER: dict[str, Quantity] = {
    "temperature_2m": _DEGREES,
    "relative_humidity_2m": _PERCENT,
    "dew_point_2m": _DEGREES,
    "apparent_temperature": _DEGREES,
    "precipitation": Quantity("mm", 1, 0.0, 0),
    "rain": Quantity("mm", 1, 0.0, 0),
    "pressure_msl": Quantity("hPa", 1, 0.3),
    "cloud_cover": _PERCENT,
    "wind_speed_10m": _SPEED,
    "wind_gusts_10m": _SPEED,
    "wind_direction_10m": Quantity("°", 0, 4.0, 0, 360),
    "shortwave_radiation": Quantity("W/m²", 1, 0.0, 0),
}
AIR: dict[str, Quantity] = {"pm2_5": _AIR, "pm10": _AIR, "nitrogen_dioxide": _AIR, "ozone": _AIR}

_WEATHER_NULL = """
snowfall snow_depth weather_code surface_pressure cloud_cover_low cloud_cover_mid cloud_cover_high visibility
evapotranspiration et0_fao_evapotranspiration vapour_pressure_deficit wind_speed_80m wind_speed_100m
wind_speed_120m wind_direction_80m wind_direction_100m soil_temperature_0_to_7cm soil_temperature_7_to_28cm
soil_moisture_0_to_7cm soil_moisture_7_to_28cm direct_radiation diffuse_radiation direct_normal_irradiance
terrestrial_radiation sunshine_duration is_day cape precipitation_probability uv_index showers
"""
_AIR_NULL = """
carbon_monoxide carbon_dioxide sulphur_dioxide methane aerosol_optical_depth dust uv_index uv_index_clear_sky
ammonia alder_pollen birch_pollen grass_pollen mugwort_pollen olive_pollen ragweed_pollen european_aqi
european_aqi_pm2_5 us_aqi us_aqi_pm2_5 nitrogen_monoxide
"""
LEGACY = {
    "relativehumidity_2m": "relative_humidity_2m",
    "dewpoint_2m": "dew_point_2m",
    "cloudcover": "cloud_cover",
    "windspeed_10m": "wind_speed_10m",
    "windgusts_10m": "wind_gusts_10m",
    "winddirection_10m": "wind_direction_10m",
}


def catalogue(*, air: bool) -> dict[str, Quantity]:
    """Every variable the endpoint accepts, spelled as today."""
    others = (_AIR_NULL if air else _WEATHER_NULL).split()
    return dict.fromkeys(others, _UNTOLD) | (AIR if air else WEATHER)


def canonical(name: str) -> str:
    return LEGACY.get(name, name)


def issued(name: str) -> tuple[str, int]:
    """The variable of `temperature_2m_previous_day2`, and how many days before its hour the forecast was made."""
    base, mark, days = name.partition("_previous_day")
    return (base, int(days)) if mark and days.isdecimal() else (name, 0)


def as_list(values: Floats, decimals: int) -> list[float | int | None]:
    """Rounded as the host rounds: whole numbers without a point, gaps as None."""
    rounded = np.round(values, decimals) + 0.0  # no minus zero
    gaps = np.isnan(rounded)
    if decimals > 0:
        cells = rounded.astype(object)
    else:
        cells = np.where(gaps, 0, rounded).astype(np.int64).astype(object)
    cells[gaps] = None
    result: list[float | int | None] = cells.tolist()
    return result
