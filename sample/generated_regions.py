"""Singapore's five PM2.5 stations as the generator sees them: late, patchy, filled in afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np

from sample.defects import Defect, apply, defects
from sample.noise import Floats, generator

SINGAPORE = timezone(timedelta(hours=8))
REGIONS: dict[str, tuple[float, float]] = {
    "north": (1.41803, 103.82),
    "south": (1.29587, 103.82),
    "east": (1.35735, 103.94),
    "west": (1.35735, 103.7),
    "central": (1.35735, 103.82),
}
CITY = 1.3  # a station among streets reads more than its grid cell
FIRST_DAY = date(2016, 2, 1)
Truth = Callable[[int, tuple[float, float], str, int, int], Floats]


def metadata() -> list[dict[str, Any]]:
    return [{"name": n, "labelLocation": {"latitude": at[0], "longitude": at[1]}} for n, at in REGIONS.items()]


def stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).astimezone(SINGAPORE).isoformat(timespec="seconds")


def day_body(seed: int, day: date, now: int, truth: Truth) -> dict[str, Any] | None:
    """The v2 body for one day as it stands at `now` (seconds), or None where nothing is published yet."""
    if day < FIRST_DAY:
        return None
    start = int(datetime(day.year, day.month, day.day, tzinfo=SINGAPORE).timestamp()) // 3600
    if start * 3600 > now:
        return None
    readings, outages = _regions(seed, start, now // 3600, truth)
    lost = defects(seed, "sg items", "item", start, start + 24)
    absent = {hour: defect for defect in lost for hour in range(defect.start, defect.start + defect.hours)}
    items = []
    for hour in range(start + 23, start - 1, -1):
        item = _item(seed, hour, now, {region: values[hour - start] for region, values in readings.items()}, outages)
        missing = absent.get(hour)
        if item is None or (missing and (missing.repaired_at is None or missing.repaired_at * 3600 > now)):
            continue
        if missing and missing.repaired_at:
            item["updatedTimestamp"] = stamp(missing.repaired_at * 3600 + 47)
        items.append(item)
    return {"regionMetadata": metadata(), "items": items} if items else None


def _regions(seed: int, start: int, now_hour: int, truth: Truth) -> tuple[dict[str, Floats], dict[str, list[Defect]]]:
    readings, outages = {}, {}
    for region, at in REGIONS.items():
        found = defects(seed, f"sg {region}", "region", start, start + 24)
        outages[region] = [d for d in found if d.kind == "outage"]
        frozen = [d.start for d in found if d.kind == "stuck"]
        level = {hour: CITY * float(truth(seed, at, "pm2_5", hour, hour + 1)[0]) for hour in frozen}
        values = CITY * truth(seed, at, "pm2_5", start, start + 24)
        readings[region] = apply(values, start, found, hour=now_hour, level=level, top=1000.0)
    return readings, outages


def _item(
    seed: int, hour: int, now: int, readings: dict[str, Floats], outages: dict[str, list[Defect]]
) -> dict[str, Any] | None:
    dice = generator(seed, "sg item", hour)
    updated = hour * 3600 + 1500 + int(dice.integers(0, 600))  # about half an hour after the stamp
    if updated > now:
        return None
    cells: dict[str, int | None] = {}
    for region in dice.permutation(sorted(readings)).tolist():
        value = float(readings[region])
        down = next((d for d in outages[region] if d.start <= hour < d.start + d.hours), None)
        if down and down.repaired_at and down.repaired_at * 3600 <= now:
            updated = max(updated, down.repaired_at * 3600 + 33)
        if not np.isnan(value):
            cells[region] = round(value)
        elif down and down.draw < 0.4:
            cells[region] = -1
        elif down and down.draw < 0.7:
            cells[region] = None
    local = stamp(hour * 3600)
    return {
        "date": local[:10],
        "updatedTimestamp": stamp(updated),
        "timestamp": local,
        "readings": {"pm25_one_hourly": cells},
    }
