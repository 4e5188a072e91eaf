"""What goes wrong with sensors: outages, stuck and impossible readings. Seeded, so that every call agrees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sample.noise import Floats, generator

SLOT = 512  # hours; a defect never crosses from one slot into the next


@dataclass(frozen=True)
class Defect:
    kind: str  # outage, stuck, absurd, negative
    start: int  # hour since 1970
    hours: int
    draw: float  # 0..1, free for the caller
    repaired_at: int | None  # hour from which an outage has been filled in; None = never


# Expected number in one slot of about three weeks.
RATES: Mapping[str, Mapping[str, float]] = {
    "weather": {"outage": 0.10, "stuck": 0.012, "absurd": 0.02},
    "air": {"outage": 0.35, "stuck": 0.025, "absurd": 0.03, "negative": 0.06},
    "region": {"outage": 0.28, "stuck": 0.02, "absurd": 0.025, "negative": 0.02},
    "item": {"outage": 0.3},
    "country": {"outage": 0.08},
    "plant": {"outage": 0.05},
}


@lru_cache(maxsize=8192)
def _slot(seed: int, series: str, family: str, number: int) -> tuple[Defect, ...]:
    dice = generator(seed, "defect", family, series, number)
    found = []
    for kind, rate in RATES[family].items():
        for _ in range(int(dice.poisson(rate))):
            longest = {"outage": int(1 + dice.geometric(0.12)), "stuck": int(dice.integers(26, 44))}.get(kind, 1)
            hours = min(longest, 48)
            start = number * SLOT + int(dice.integers(0, SLOT - hours))
            draw = float(dice.random())
            repaired = start + hours + 20 + int(dice.integers(0, 9)) if dice.random() < 0.6 else None
            found.append(Defect(kind, start, hours, draw, repaired))
    return tuple(found)


def defects(seed: int, series: str, family: str, start: int, stop: int) -> list[Defect]:
    """Defects of `series` that touch the hours [start, stop)."""
    slots = range(start // SLOT, (stop - 1) // SLOT + 1)
    found = (d for number in slots for d in _slot(seed, series, family, number))
    return [d for d in found if d.start < stop and d.start + d.hours > start]


def apply(
    values: Floats, start: int, found: list[Defect], *, hour: int, level: Mapping[int, float], top: float
) -> Floats:
    """`values` from hour `start` with the defects as seen at `hour`; `level` is the true value at each stuck start."""
    spoiled = values.copy()
    for defect in found:
        part = slice(max(defect.start - start, 0), max(defect.start + defect.hours - start, 0))
        if defect.kind == "stuck":
            spoiled[part] = level[defect.start]
        elif defect.kind == "absurd":
            spoiled[part] = top * (1.2 + defect.draw)
        elif defect.kind == "negative":
            spoiled[part] = -0.4 - 4 * defect.draw
        elif defect.repaired_at is None or hour < defect.repaired_at:
            spoiled[part] = np.nan
    return spoiled
