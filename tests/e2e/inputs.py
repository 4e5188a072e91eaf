"""What the small world is made of: the seeds of its first day, and what its owner adds on the second."""

from __future__ import annotations

import csv
import math
import os
import random
from datetime import datetime, timedelta
from pathlib import Path

from tests.e2e.world import World
from warehouse.settings import ROOT

DAY_1, DAY_2 = "2025-11-10T06:10", "2025-11-11T06:10"  # behind them lies a change of clocks
SERIES = (
    "weather,SG,open_meteo,SG", "weather,LON,open_meteo,LON", "air,LON,open_meteo,LON",
    "sgpm,north,data_gov_sg,north", "sgpm,south,data_gov_sg,south", "carbon,DE,energy_charts,de",
)  # fmt: skip
TARGETS = {
    "weather.SG.temperature_c", "weather.LON.temperature_c", "air.LON.pm2_5_ugm3", "sgpm.north.pm2_5_ugm3",
    "sgpm.south.pm2_5_ugm3", "carbon.DE.carbon_intensity_gco2eq_kwh",
}  # fmt: skip
OSLO, MUSEUM = "weather.OSL.temperature_c", "footfall.museum.visitors_per_hour"
MUSEUM_DAYS = 100  # enough to learn from: 60 before the selection windows
MAPPING = """\
dataset: footfall
subject: museum
time: Hour
utc_offset: "+01:00"
columns: {Visitors: visitors_per_hour}
"""


def write_seeds(folder: Path, series: tuple[str, ...] = SERIES) -> None:
    """The product's own seeds, with only these series."""
    folder.mkdir(parents=True)
    for seed in (ROOT / "dbt_project" / "seeds").glob("*.csv"):
        (folder / seed.name).write_bytes(seed.read_bytes())
    header = (folder / "series.csv").read_text(encoding="utf-8").splitlines()[0]
    (folder / "series.csv").write_text("\n".join([header, *series]) + "\n", encoding="utf-8")


def add_lines(world: World, seed: str, *lines: str) -> None:
    with (world.seeds / seed).open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def add_location(world: World) -> None:
    """One line in places.csv and one in series.csv, as CONTRIBUTING.md says."""
    add_lines(world, "places.csv", "OSL,Oslo,NO,59.9139,10.7522,Europe/Oslo,false")
    add_lines(world, "series.csv", "weather,OSL,open_meteo,OSL")


def drop_own_series(world: World) -> None:
    """A CSV with its mapping in the drop folder, and the seeds' lines about it."""
    folder = world.data / "drop" / "counters"
    folder.mkdir(parents=True)
    (folder / "mapping.yml").write_text(MAPPING, encoding="utf-8")
    end = datetime.fromisoformat(DAY_2).replace(minute=0)
    with (folder / "visitors.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("Hour", "Visitors"), *_visitors(end)])
    os.utime(folder / "visitors.csv", (end.timestamp(), end.timestamp()))  # a file is known by its time, too
    add_lines(world, "places.csv", "museum,City Museum,DE,52.52,13.40,Europe/Berlin,false")
    add_lines(world, "series.csv", "footfall,museum,files,museum")
    add_lines(world, "variables.csv", "footfall,visitors_per_hour,true,1/h,0,5000,,Visitors counted at the door")


def _visitors(end: datetime) -> list[tuple[str, str]]:
    """A daily and a weekly wave under a slow wandering, which the last hours tell and last week does not."""
    chance, drift, rows = random.Random(7), 0.0, []
    for n in range(MUSEUM_DAYS * 24):
        hour = end - timedelta(hours=MUSEUM_DAYS * 24 - n)
        drift = 0.985 * drift + chance.gauss(0, 6)
        wave = 120 * (1 - math.cos(2 * math.pi * hour.hour / 24)) * (1.5 if hour.weekday() >= 5 else 1.0)
        local = hour + timedelta(hours=1)
        rows.append((f"{local:%Y-%m-%dT%H:%M}", f"{max(0.0, 150 + wave + drift + chance.gauss(0, 3)):.1f}"))
    return rows
