"""Where the sun stands: the one known-future covariate that needs no forecast.

Declination and equation of time: NOAA Global Monitoring Laboratory, General Solar Position Calculations (Spencer 1971).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MINUTES_A_DAY = 1_440


def _declination_and_equation(hours: Ints) -> tuple[Floats, Floats]:
    """Radians and minutes for hours since 1970 (middle of the hour)."""
    year = 2 * np.pi * (((hours + 0.5) / 24 % 365.2425) / 365.2425)
    declination = (
        0.006918
        - 0.399912 * np.cos(year)
        + 0.070257 * np.sin(year)
        - 0.006758 * np.cos(2 * year)
        + 0.000907 * np.sin(2 * year)
    )
    equation = 229.18 * (
        0.000075
        + 0.001868 * np.cos(year)
        - 0.032077 * np.sin(year)
        - 0.014615 * np.cos(2 * year)
        - 0.040849 * np.sin(2 * year)
    )
    return declination, equation


def elevation(hours: Ints, latitude: Floats, longitude: Floats) -> Floats:
    """Degrees above the horizon in the middle of an hour (hours since 1970 UTC); negative at night."""
    at, back = np.unique(hours, return_inverse=True)
    declination, equation = (values[back] for values in _declination_and_equation(at))
    minutes = (hours % 24 + 0.5) * 60 + equation + 4 * longitude
    angle = np.radians(minutes % MINUTES_A_DAY / 4 - 180)
    lat = np.radians(latitude)
    height = np.sin(lat) * np.sin(declination) + np.cos(lat) * np.cos(declination) * np.cos(angle)
    return np.asarray(np.degrees(np.arcsin(np.clip(height, -1, 1))))


def noon_elevation(hours: Ints, latitude: Floats) -> Floats:
    """Degrees of the sun at that day's noon."""
    declination, _ = _declination_and_equation(hours)
    return 90 - np.abs(latitude - np.degrees(declination))
