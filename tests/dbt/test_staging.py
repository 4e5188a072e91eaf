"""Bodies as the sources send them, parsed and carried to the marts by one real build."""

from __future__ import annotations

import gzip
import json
from datetime import datetime
from pathlib import Path

import pytest

from tests.dbt.conftest import Body, Scratch, scratch
from warehouse.settings import ROOT

PLACES = "".join(f"{p},{p},XX,1,2,UTC\n" for p in ("FRA", "north", "south", "east", "west", "central", "IT", "GB"))
SERIES = """weather,FRA,open_meteo,FRA
carbon,IT,energy_charts,it
carbon,GB,files,gb
""" + "".join(f"sgpm,{r},data_gov_sg,{r}\n" for r in ("north", "south", "east", "west", "central"))
QUARTERS = [1704067200 + 900 * n for n in range(7)]  # 2024-01-01 00:00 to 01:30 UTC
ENERGY = {
    "unix_seconds": QUARTERS,
    "production_types": [
        {"name": "Load", "data": [900] * 7},
        {"name": "Wind onshore", "data": [300, 300, 300, 300, None, None, None]},
        {"name": "Fossil gas", "data": [70, 90, 110, 130, 100, 100, None]},
        {"name": "Hydro pumped storage consumption", "data": [-40] * 7},
    ],
    "deprecated": False,
}
FILE = {
    "file": "gb.csv",
    "rows_from": 0,
    "time": ["2024-01-01 00:00:00", "2024-01-01T01:00:00+01:00", "2024-01-01 02:00", "2024-01-01 03:00"],
    "utc_offset_seconds": -3600,
    "columns": {
        "carbon_intensity_gco2eq_kwh": ["210.5", "199", "", "n/a"],
        "low_carbon_pct": ["60", "61", "62", "163"],
    },
}


def recorded(folder: Path) -> list[Body]:
    """An archive body that crosses a clock change, and January 2017 of Singapore."""
    archive = json.loads((folder / "fixtures/open_meteo/archive_frankfurt_over_dst_change.json").read_text())
    found = [Body("open_meteo", "archive", "FRA", archive, "2022-04-10 06:00:00", "backfill")]
    with gzip.open(folder / "data_gov_sg/pm25/2017-01.jsonl.gz", "rt") as lines:
        for line in lines:
            found.append(Body("data_gov_sg", "pm25", "sg", json.loads(line)["body"], "2017-02-03 06:00:00", "backfill"))
    return found


@pytest.fixture(scope="module")
def wh(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    made = scratch(tmp_path_factory.mktemp("staging"), places=PLACES, series=SERIES)
    folder = ROOT.parent / "shared" / "recordings"
    made.receive(
        Body("energy_charts", "public_power", "it", ENERGY, "2024-01-01 01:50:00"),
        Body("energy_charts", "public_power", "it", "no content available", "2024-01-02 06:00:00", status="rejected"),
        Body("files", "csv", "gb", FILE, "2024-01-02 06:00:00"),
        *(recorded(folder) if folder.is_dir() else ()),
    )
    made.build(as_of="2024-01-02 06:00:00")
    return made


def test_a_build_leaves_the_seeds_as_they_are_even_outside_the_project(wh: Scratch) -> None:
    assert (wh.seeds / "series.csv").read_text().endswith(SERIES)
    for seed in (ROOT / "dbt_project" / "seeds").glob("*.csv"):
        if seed.name not in ("places.csv", "series.csv"):
            assert (wh.seeds / seed.name).read_bytes() == seed.read_bytes()


def test_a_body_that_crosses_a_clock_change_has_every_hour_once(wh: Scratch, recordings: Path) -> None:
    stamps = wh.rows("select observed_at from staging.stg_open_meteo__hourly order by 1")
    sent = json.loads((recordings / "fixtures/open_meteo/archive_frankfurt_over_dst_change.json").read_text())
    assert stamps[0][0] == datetime(2022, 3, 19, 23), "the body is an hour ahead of UTC"
    assert len(stamps) == len(set(stamps)) == len(sent["hourly"]["time"])
    missing = "select count(*) from marts.fct_observations where series_id like 'weather%' and value is null"
    assert wh.rows(missing) == [(0,)]


def test_older_names_of_the_variables_are_read_too(wh: Scratch, recordings: Path) -> None:
    sent = json.loads((recordings / "fixtures/open_meteo/archive_frankfurt_over_dst_change.json").read_text())["hourly"]
    sql = "select sum(cloud_cover_pct), sum(wind_speed_kmh) from staging.stg_open_meteo__hourly"
    assert wh.rows(sql)[0] == pytest.approx((sum(sent["cloudcover"]), sum(sent["windspeed_10m"])))


def test_the_hours_singapore_never_reported_are_rows_without_a_value(wh: Scratch, recordings: Path) -> None:
    with gzip.open(recordings / "data_gov_sg/pm25/2017-01.jsonl.gz", "rt") as lines:
        items = [item for line in lines for item in json.loads(line)["body"]["data"]["items"]]
    sent = [v for item in items for v in item["readings"]["pm25_one_hourly"].values() if v is not None and v >= 0]
    sql = "select count(value), sum(value), count(*) from marts.fct_observations where series_id like 'sgpm%'"
    n_values, total, n_hours = wh.rows(sql)[0]
    assert (n_values, total) == (len(sent), sum(sent))
    assert n_hours > n_values, "January 2017 has missing hours"


def test_the_mean_of_singapore_counts_each_of_its_five_regions_once(wh: Scratch, recordings: Path) -> None:
    with gzip.open(recordings / "data_gov_sg/pm25/2017-01.jsonl.gz", "rt") as lines:
        newest = json.loads(lines.readline())["body"]["data"]["items"][0]
    readings = newest["readings"]["pm25_one_hourly"]
    sql = """select count(*), avg(value) from marts.fct_observations
             where series_id like 'sgpm%' and observed_at = timestamp '2017-01-01 15:00'"""
    assert newest["timestamp"] == "2017-01-01T23:00:00+08:00"
    assert wh.rows(sql) == [(5, pytest.approx(sum(readings.values()) / 5))]


def test_quarters_become_an_hour_and_half_a_generation_no_intensity(wh: Scratch) -> None:
    sql = """select observed_at, value, quality from marts.fct_observations
             where series_id = 'carbon.IT.carbon_intensity_gco2eq_kwh' order by 1"""
    assert wh.rows(sql) == [(datetime(2024, 1, 1), pytest.approx((300 * 11 + 100 * 490) / 400), "ok")]
    refused = "select distinct observed_at, reason from marts.fct_quarantine where series_id like 'carbon.IT%'"
    assert wh.rows(refused) == [(datetime(2024, 1, 1, 1), "only 25 % of the usual generation was reported")]


def test_a_file_keeps_what_cannot_be_read_as_a_refusal(wh: Scratch) -> None:
    sql = "select observed_at, value from marts.fct_observations where series_id = 'carbon.GB.{}' order by 1"
    assert wh.rows(sql.format("carbon_intensity_gco2eq_kwh")) == [
        (datetime(2024, 1, 1), 199.0),
        (datetime(2024, 1, 1, 1), 210.5),
    ]
    assert [row[1] for row in wh.rows(sql.format("low_carbon_pct"))] == [61.0, 60.0, None, 62.0]
    refused = "select observed_at, reason from marts.fct_quarantine where series_id like 'carbon.GB%' order by 2"
    assert wh.rows(refused) == [
        (datetime(2024, 1, 1, 4), "above the plausible maximum of 100.0 %"),
        (datetime(2024, 1, 1, 4), "not a number: n/a"),
    ]


def test_freshness_is_asked_of_every_source_on_the_clock_of_the_run(wh: Scratch) -> None:
    with pytest.raises(AssertionError, match=r"ERROR STALE freshness of raw.energy_charts"):
        wh.dbt("source", "freshness", "--select", "source:raw", as_of="2024-01-04 06:00:00")
    ages = json.loads((wh.root / "target" / "sources.json").read_text())["results"]
    status = {age["unique_id"].rsplit(".", 1)[1]: age["status"] for age in ages}
    asked = {"open_meteo", "open_meteo_issued", "data_gov_sg", "energy_charts"}
    assert set(status) == asked, "files have no freshness"
    assert status["energy_charts"] == "error"
