"""Recorded series as columns that monitoring can judge, straight from the files."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from flows.recorded import read_text
from ml.monitor.watch import Column

LEAST_KNOWN = 0.4
CARBON = "Carbon Intensity gCO₂eq/kWh (LCA)"


def columns(recordings: Path) -> dict[str, list[Column]]:
    """Target columns by dataset, hourly in UTC, NaN where unknown; series with too little in them are left out."""
    found: dict[str, list[Column]] = {}
    for dataset, name, values in _series(recordings):
        hourly = values[~values.index.duplicated()].dropna().sort_index().asfreq("h")
        if hourly.notna().mean() > LEAST_KNOWN:
            column = Column(dataset, f"{dataset}.{name}", "target", hourly.index[0], hourly.to_numpy(float))
            found.setdefault(dataset, []).append(column)
    return found


def _series(recordings: Path) -> Iterator[tuple[str, str, pd.Series]]:
    for dataset, folder, variable in (("weather", "archive", "temperature_2m"), ("air", "air_quality", "pm2_5")):
        for path in sorted(recordings.glob(f"open_meteo/{folder}*/*.json*")):
            hourly = json.loads(read_text(path))["hourly"]
            values = pd.Series(hourly[variable], index=pd.to_datetime(hourly["time"]), dtype=float)
            yield dataset, path.name.split(".")[0], values.where(values >= 0) if dataset == "air" else values
    days = [json.loads(line) for path in sorted(recordings.glob("data_gov_sg/pm25*/*")) for line in _lines(path)]
    items = [item for day in days for item in day["body"]["data"]["items"]]
    if items:
        stamps = pd.to_datetime([item["timestamp"] for item in items], utc=True).tz_localize(None)
        regions = pd.DataFrame([item["readings"]["pm25_one_hourly"] for item in items], index=stamps, dtype=float)
        yield from (("sgpm", str(name), values.where(values >= 0)) for name, values in regions.items())
    zones: dict[str, list[pd.DataFrame]] = {}
    for path in sorted(recordings.glob("files/electricity_maps/*_hourly.csv*")):
        zones.setdefault(path.name.rsplit("_", 2)[0], []).append(pd.read_csv(io.StringIO(read_text(path))))
    for zone, parts in zones.items():
        table = pd.concat(parts)
        yield "carbon", zone, pd.Series(table[CARBON].to_numpy(float), index=pd.to_datetime(table.iloc[:, 0]))


def _lines(path: Path) -> list[str]:
    return read_text(path).splitlines()


def until(column: Column, end: int, hours: int = 0, wrong: np.ndarray | None = None) -> Column | None:
    """The column as it is known `end` hours after its beginning, its last `hours` told as `wrong`."""
    values = column.values[:end].copy()
    if wrong is not None:
        values[end - hours :] = wrong
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return None
    return Column(column.dataset, column.series_id, column.kind, column.first_at, values[: known[-1] + 1])
