"""What is too much to be parsed or put together at once is taken range by range, in one build, to the same rows."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.dbt.conftest import Body, scratch
from tests.dbt.test_issued import FIRST_RUN, MART, SECOND_RUN, first_bodies, second_bodies
from warehouse.settings import ROOT

STAGED = "stg_open_meteo__hourly stg_open_meteo__issued stg_energy_charts__generation"
TABLES = tuple(f"staging.{name}" for name in STAGED.split())
SMALLER = {
    "macros/watermarks.sql": ("bytes_at_once = 134217728", "bytes_at_once = 5000"),
    "macros/issued_places.sql": ("hours_at_once = 12000000", "hours_at_once = 1"),
}
PLACES = "".join(f"{place},{place},XX,1,2,Asia/Kolkata\n" for place in ("A", "B", "C", "IT"))
SERIES = "weather,A,open_meteo,A\ncarbon,IT,energy_charts,it\n"
POWER = {"unix_seconds": [3600 * h for h in range(24)], "production_types": [{"name": "Fossil gas", "data": [9] * 24}]}


def test_ranges_come_to_the_rows_of_all_at_once_on_the_first_day_and_the_next(tmp_path: Path) -> None:
    project = tmp_path / "dbt_project"
    shutil.copytree(ROOT / "dbt_project", project, ignore=shutil.ignore_patterns("target", "logs"))
    for name, (usual, smaller) in SMALLER.items():
        text = (project / name).read_text(encoding="utf-8")
        assert usual in text
        (project / name).write_text(text.replace(usual, smaller), encoding="utf-8")
    whole, ranges = (scratch(tmp_path / name, places=PLACES, series=SERIES) for name in ("whole", "ranges"))
    ranges.project = project
    for now, bodies in ((FIRST_RUN, first_bodies()), (SECOND_RUN, second_bodies())):
        power = Body("energy_charts", "public_power", "it", POWER, f"{now:%Y-%m-%d %H:%M:%S}")
        for one in (whole, ranges):
            one.receive(bodies[0], power, *bodies[1:])
            one.build(select=f"{STAGED} +fct_issued_forecasts", tests=False, as_of=f"{now:%Y-%m-%d %H:%M:%S}")
        assert ranges.hashes(*TABLES) == whole.hashes(*TABLES)
        assert ranges.rows(MART) == whole.rows(MART) != []
    logged = (ranges.root / "logs" / "dbt.log").read_text(encoding="utf-8")
    for table in ("stg_open_meteo__hourly", "stg_open_meteo__issued", "fct_issued_forecasts"):
        assert f'"{table}" by name ' in logged, f"{table} was made at once"
