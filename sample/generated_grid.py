"""A country's generation as published: hourly or in quarters, about an hour late, first provisional, with holes."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from sample.backend import Power
from sample.clock import epoch
from sample.countries import COUNTRIES
from sample.defects import defects
from sample.grid import Rows, generation
from sample.noise import Floats, drift, white
from sample.weather import At, Weather

SkyChunk = Callable[[int, At, int], Weather]
PROVISIONAL_HOURS = 36
_ESTIMATED = ("Solar", "Wind onshore", "Wind offshore", "Fossil gas")
_SLOW = {"Waste": 2, "Others": 3, "Geothermal": 1, "Fossil oil": 1}  # steps that arrive later than the rest


@lru_cache(maxsize=64)
def _chunk(seed: int, country: str, number: int, sky: SkyChunk, chunk: int) -> Rows:
    points = COUNTRIES[country].points
    skies = [sky(seed, at, number) for at in points]
    return generation(seed, country, COUNTRIES[country], number * chunk, (number + 1) * chunk, skies)


def _hourly(seed: int, country: str, start: int, stop: int, sky: SkyChunk, chunk: int) -> Rows:
    first, last = start // chunk, (stop - 1) // chunk
    parts = [_chunk(seed, country, number, sky, chunk) for number in range(first, last + 1)]
    cut = slice(start - first * chunk, stop - first * chunk)
    kinds = list(dict.fromkeys(kind for part in parts for kind in part))
    empty = np.zeros(chunk)
    return {kind: np.concatenate([part.get(kind, empty) for part in parts])[cut] for kind in kinds}


def stamps(country: str, start: int, stop: int, now: int) -> Floats:
    """Start-of-interval seconds in [start, stop) that are published at `now`: hourly first, quarters later."""
    change = epoch(COUNTRIES[country].quarters_since)
    hourly = np.arange(-(-start // 3600) * 3600, min(stop, change, now - 4100), 3600)
    quarters = np.arange(-(-max(start, change) // 900) * 900, min(stop, now - 1500), 900)
    return np.concatenate([hourly, quarters]).astype(np.float64)


def power(seed: int, country: str, start: int, stop: int, now: int, sky: SkyChunk, chunk: int) -> Power | None:
    """Rows over the published stamps; None for a country without a grid here, or where nothing is published yet."""
    if country not in COUNTRIES:
        return None
    seconds = stamps(country, start, stop, now)
    if not len(seconds):
        return None
    change = epoch(COUNTRIES[country].quarters_since)
    first, last = int(seconds[0]) // 3600 - 1, int(seconds[-1]) // 3600 + 2
    width = np.where(seconds >= change, 900.0, 3600.0)
    place = (seconds + width / 2) / 3600 - 0.5 - first  # centre of the interval on the axis of hourly means
    step = seconds.astype(np.int64) // 900
    rows: Rows = {}
    for kind, hourly in _hourly(seed, country, first, last, sky, chunk).items():
        fine = np.interp(place, np.arange(last - first), hourly)
        flicker = white(seed, f"{country} {kind}", (0,), int(step[0]), int(step[-1]) + 1)[step - step[0]]
        rows[kind] = fine * (1 + np.where(width < 3600, 0.006, 0.0) * flicker)
    _provisional(seed, country, rows, seconds, now)
    _holes(seed, country, rows, seconds, now)
    return Power(seconds, rows)


def _provisional(seed: int, country: str, rows: Rows, seconds: Floats, now: int) -> None:
    """The newest values are estimates that move by a per cent or two."""
    hours = (seconds // 3600).astype(np.int64)
    fresh = seconds > now - PROVISIONAL_HOURS * 3600
    if not fresh.any():
        return
    for kind in set(_ESTIMATED) & set(rows):
        error = drift(seed, f"{country} {kind} estimate", (0.0, 0.0), int(hours[0]), int(hours[-1]) + 1, tau=6)
        rows[kind] = rows[kind] * (1 + np.where(fresh, 0.015, 0.0) * error[hours - hours[0]])


def _holes(seed: int, country: str, rows: Rows, seconds: Floats, now: int) -> None:
    hours = seconds / 3600
    first, last = int(hours[0]), int(hours[-1]) + 1
    everywhere = defects(seed, country, "country", first, last)
    for kind, values in rows.items():
        found = everywhere + defects(seed, f"{country} {kind}", "plant", first, last)
        gaps = values.copy()
        for defect in found:
            if defect.repaired_at is None or defect.repaired_at * 3600 > now:
                gaps[(hours >= defect.start) & (hours < defect.start + defect.hours)] = np.nan
        late = _SLOW.get(kind, 0)
        if late and seconds[-1] > now - 3 * 3600:
            gaps[-late:] = np.nan
        rows[kind] = gaps
