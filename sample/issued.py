"""How wrong a weather forecast is: an error that grows with lead time, the same whichever endpoint shows it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sample.noise import Floats, drift
from sample.weather import At

CHUNK = 2048  # hours computed at once
PART_HOURS = 24
HOURS_TO_DOUBLE = 2.4  # lead after which the variance is twice that of a forecast for this very hour
LONGEST = 7 * PART_HOURS  # no worse after a week


@lru_cache(maxsize=1024)
def _chunk(seed: int, at: At, name: str, part: int, number: int) -> Floats:
    return drift(
        seed, f"issued {name} {part}", at, number * CHUNK, (number + 1) * CHUNK, tau=14, smooth=2, scale=3
    )  # fmt: skip


def _part(seed: int, at: At, name: str, part: int, start: int, stop: int) -> Floats:
    first, last = start // CHUNK, (stop - 1) // CHUNK
    chunks = [_chunk(seed, at, name, part, number) for number in range(first, last + 1)]
    return np.concatenate(chunks)[start - first * CHUNK : stop - first * CHUNK]


def error(seed: int, at: At, name: str, start: int, stop: int, lead: Floats) -> Floats:
    """Error of the hours [start, stop), each forecast `lead` hours ahead, in units of the variable's own wobble.

    An older forecast has the error of a newer one and an independent part more, so that the variance grows with lead.
    """
    ahead = np.clip(lead, 0, LONGEST)
    total = _part(seed, at, name, 0, start, stop).copy()
    for part in range(1, int(np.ceil(ahead.max(initial=0) / PART_HOURS)) + 1):
        grown = np.clip(ahead - PART_HOURS * (part - 1), 0, PART_HOURS) / HOURS_TO_DOUBLE
        total += np.sqrt(grown) * _part(seed, at, name, part, start, stop)
    return total
