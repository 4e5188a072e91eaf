"""Seeded noise with random access: any hour can be asked for without playing a series from its start.

Every process here is a finite filter over blocks of white noise, and a block depends on nothing but
(seed, channel, key, block number). Two overlapping windows therefore agree to the last bit.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from math import ceil, exp, floor, log2, sqrt

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
BLOCK = 1024


def generator(*key: object) -> np.random.Generator:
    """A generator fixed by its key alone, on every machine."""
    digest = blake2b(repr(key).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "big")))


def unit(*key: object) -> float:
    """One standard normal draw fixed by its key."""
    return float(generator(*key).standard_normal())


@lru_cache(maxsize=4096)
def _block(seed: int, channel: str, key: tuple[int, ...], number: int) -> Floats:
    values = generator(seed, channel, key, number).standard_normal(BLOCK)
    values.flags.writeable = False
    return values


def white(seed: int, channel: str, key: tuple[int, ...], start: int, stop: int) -> Floats:
    """Independent standard normals for the steps [start, stop)."""
    first, last = start // BLOCK, (stop - 1) // BLOCK
    blocks = [_block(seed, channel, key, number) for number in range(first, last + 1)]
    return np.concatenate(blocks)[start - first * BLOCK : stop - first * BLOCK]


def spread(seed: int, channel: str, at: tuple[float, float], start: int, stop: int, scale: float) -> Floats:
    """White noise shared by neighbours: bilinear between lattice points `scale` degrees apart, unit variance."""
    y, x = at[0] / scale, at[1] / scale
    row, column = floor(y), floor(x)
    fy, fx = y - row, x - column
    total, power = np.zeros(stop - start), 0.0
    for dy, dx, weight in ((0, 0, (1 - fy) * (1 - fx)), (0, 1, (1 - fy) * fx), (1, 0, fy * (1 - fx)), (1, 1, fy * fx)):
        if weight > 0:
            total += weight * white(seed, channel, (row + dy, column + dx), start, stop)
            power += weight * weight
    return total / sqrt(power)


def span(tau: float) -> int:
    """Length of the filter that stands for an exponential memory of `tau` steps."""
    return int(2 ** ceil(log2(max(2.0, 8.0 * tau))))


def _remember(x: Floats, decay: float, length: int) -> Floats:
    """Geometric filter of `length` terms (a power of two) by doubling; the first `length` values are warm-up."""
    y, step = x.copy(), 1
    while step < length:
        y[step:] = y[step:] + decay**step * y[:-step]
        step *= 2
    return y


def drift(
    seed: int,
    channel: str,
    at: tuple[float, float],
    start: int,
    stop: int,
    *,
    tau: float,
    smooth: float = 0.0,
    scale: float = 2.0,
) -> Floats:
    """Mean-reverting process of unit variance with memory `tau` hours.

    `smooth` adds a second, shorter memory (an AR(2)): hour-to-hour changes then look like weather, not static.
    """
    warm = span(tau) + (span(smooth) if smooth else 0)
    x = spread(seed, channel, at, start - warm, stop, scale)
    a = exp(-1.0 / tau)
    y = _remember(x, a, span(tau))
    if not smooth:
        return y[warm:] * sqrt(1 - a * a)
    b = exp(-1.0 / smooth)
    variance = (1 + a * b) / ((1 - a * b) * (1 - a * a) * (1 - b * b))
    return _remember(y, b, span(smooth))[warm:] / sqrt(variance)
