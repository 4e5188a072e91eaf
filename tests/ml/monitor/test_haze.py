"""The haze of September 2019 in Singapore, as recorded."""

from __future__ import annotations

import gzip
import json
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from ml.monitor.watch import Column, Verdict, verdicts
from warehouse.settings import ROOT

RECORDINGS = ROOT.parent / "shared" / "recordings" / "data_gov_sg" / "pm25"
REGIONS = {"north", "south", "east", "west", "central"}
FIRST = datetime(2017, 1, 1)
BEGINS = datetime(2019, 9, 13)  # from here on the mean of a day is above 40 µg/m3 in every region for ten days


def recorded(folder: Path) -> dict[str, dict[int, float]]:
    """Readings by region and hour since FIRST, UTC."""
    found: dict[str, dict[int, float]] = {region: {} for region in REGIONS}
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for item in (item for line in lines for item in json.loads(line)["body"]["data"]["items"]):
                stamp = datetime.fromisoformat(item["timestamp"])
                hour = (stamp.replace(tzinfo=None) - (stamp.utcoffset() or timedelta()) - FIRST) // timedelta(hours=1)
                for region, value in item["readings"]["pm25_one_hourly"].items():
                    if value is not None:
                        found[region][hour] = float(value)
    return found


@pytest.fixture(scope="module")
def readings() -> dict[str, dict[int, float]]:
    if not RECORDINGS.is_dir():
        pytest.skip("the recordings are not beside the project")
    return recorded(RECORDINGS)


def drifts(readings: dict[str, dict[int, float]], now: datetime) -> list[Verdict]:
    last = (now - FIRST) // timedelta(hours=1)
    columns = []
    for region, hours in readings.items():
        values = np.full(last + 1, np.nan)
        for hour in range(max(0, min(hours)), last + 1):
            values[hour] = hours.get(hour, np.nan)
        columns.append(Column("sgpm", f"sgpm.{region}.pm2_5_ugm3", "target", FIRST, values))
    return [verdict for verdict in verdicts(columns, now) if verdict.is_drift]


def test_the_haze_is_told_in_every_region_within_two_days_and_not_before(
    readings: dict[str, dict[int, float]],
) -> None:
    for days in range(8, 4, -1):
        assert drifts(readings, BEGINS - timedelta(days=days)) == []
    found = drifts(readings, BEGINS + timedelta(days=2))
    levels = [verdict for verdict in found if verdict.aspect == "level"]
    assert {verdict.column.series_id for verdict in levels} == {f"sgpm.{region}.pm2_5_ugm3" for region in REGIONS}
    assert all("above the reference" in str(verdict.what) for verdict in levels)
    assert all(verdict.judged and verdict.judged.kind == "season" for verdict in levels), "of 2017 and 2018"
