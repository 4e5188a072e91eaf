from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from warehouse.catalog import load_catalog
from warehouse.errors import BadInput
from warehouse.settings import ROOT

SEEDS = ROOT / "dbt_project" / "seeds"


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SEEDS, tmp_path / "seeds"))


def add(seeds: Path, name: str, line: str) -> int:
    """Appends a line; returns its number."""
    file = seeds / f"{name}.csv"
    file.write_text(file.read_text() + line + "\n")
    return len(file.read_text().splitlines())


def test_the_seeds_of_the_repository_are_sound():
    catalog = load_catalog(SEEDS)
    assert catalog.datasets == ("weather", "sgpm", "air", "carbon")
    assert {d: catalog.target_of(d).variable for d in catalog.datasets} == {
        "weather": "temperature_c", "sgpm": "pm2_5_ugm3", "air": "pm2_5_ugm3",
        "carbon": "carbon_intensity_gco2eq_kwh",
    }  # fmt: skip
    assert len(catalog.series) == 23
    assert catalog.series[0].series_id("temperature_c") == "weather.SG.temperature_c"
    assert {s.source for s in catalog.sources} == {"open_meteo", "data_gov_sg", "energy_charts", "files"}
    assert {p.source for p in catalog.prices if p.item == "calls"} == {s.source for s in catalog.sources}
    assert all(f.citation and (f.gco2eq_kwh is not None) == f.is_generation for f in catalog.emission_factors)


def test_adding_a_series_is_a_line_in_a_seed(seeds: Path):
    add(seeds, "places", "OSL,Oslo,NO,59.9139,10.7522,Europe/Oslo,false")
    add(seeds, "series", "weather,OSL,open_meteo,OSL")
    catalog = load_catalog(seeds)
    assert catalog.places["OSL"].latitude == 59.9139
    assert [s.place_id for s in catalog.series_of("open_meteo", "weather")][-1] == "OSL"


def test_places_may_go_without_the_column_that_makes_them_private(seeds: Path):
    file = seeds / "places.csv"
    before = load_catalog(seeds).places
    file.write_text("".join(line.rpartition(",")[0] + "\n" for line in file.read_text().splitlines()))
    assert load_catalog(seeds).places == before
    add(seeds, "places", "OSL,Oslo,NO,59.9,10.7,Europe/Oslo,true")
    with pytest.raises(BadInput, match="7 fields; expected 6"):
        load_catalog(seeds)


OK_PLACE = "OSL,Oslo,NO,59.9,10.7,Europe/Oslo,false"
WRONG = {
    "a bad id": ("places", "OSL;drop,Oslo,NO,59.9,10.7,Europe/Oslo,false", "place_id is 'OSL;drop'; expected to match"),
    "an id that is a path": ("places", "../etc,Oslo,NO,59.9,10.7,Europe/Oslo,false", "place_id is '../etc'"),
    "a latitude off the globe": (
        "places",
        "OSL,Oslo,NO,95,10.7,Europe/Oslo,false",
        "latitude is '95'; expected a number from -90 to 90",
    ),
    "a latitude that is no number": ("places", "OSL,Oslo,NO,nan,10.7,Europe/Oslo,false", "latitude is 'nan'"),
    "an unknown zone": (
        "places",
        "OSL,Oslo,NO,59.9,10.7,Europe/Olso,false",
        "timezone is 'Europe/Olso'; expected a time zone",
    ),
    "a zone that is a path": (
        "places",
        "OSL,Oslo,NO,59.9,10.7,../../etc/passwd,false",
        "timezone is '../../etc/passwd'",
    ),
    "an empty name": (
        "places",
        "OSL, ,NO,59.9,10.7,Europe/Oslo,false",
        "name is ' '; expected 1 to 120 printable characters",
    ),
    "a control character": ("places", "OSL,Os\x1b[31mlo,NO,59.9,10.7,Europe/Oslo,false", "printable"),
    "a place twice": ("places", "SG,Singapore,SG,1.3,103.8,Asia/Singapore,false", "unique, but line 2 has the same"),
    "a field too many": ("places", OK_PLACE + ",1", "8 fields; expected 7"),
    "a series of no place": (
        "series",
        "weather,XXX,open_meteo,XXX",
        "place_id is 'XXX'; expected a place_id of places.csv",
    ),
    "a series of no source": (
        "series",
        "air,ROM,satellite,ROM",
        "source is 'satellite'; expected a source of sources.csv",
    ),
    "a series of no dataset": (
        "series",
        "wether,ROM,open_meteo,ROM",
        "dataset is 'wether'; expected a dataset of variables.csv",
    ),
    "a series twice": ("series", "weather,SG,open_meteo,SG2", "to be unique, but line 2"),
    "a subject that feeds two places": (
        "series",
        "carbon,SG,energy_charts,it",
        "subject is 'it'; expected a subject of its own",
    ),
    "two targets": (
        "variables",
        "weather,dew_c,true,°C,-90,60,,Dew",
        "expected false: weather has the target temperature_c",
    ),
    "no target": ("variables", "x,y,yes,1,0,1,,Text", "is_target is 'yes'; expected true or false"),
    "a range upside down": (
        "variables",
        "weather,dew_c,false,°C,60,-90,,Dew",
        "expected more than plausible_min, which is 60",
    ),
    "half an hour": ("variables", "weather,dew_c,false,°C,-90,60,0.5,Dew", "stuck_after_hours is '0.5'"),
    "a lag below zero": ("sources", "open_meteo,extra,1,-2,Text", "known_lag_hours is '-2'"),
    "a factor of what is not generated": (
        "emission_factors",
        "Imports,5,false,false,Text",
        "expected nothing, because is_generation",
    ),
    "a price of nothing": (
        "prices",
        "power,,hour,1,USD,Text",
        "item is 'power'; expected machine or motherduck or calls",
    ),
    "a price per month": ("prices", "calls,files,month,1,USD,Text", "unit is 'month'; expected 'million' for calls"),
    "a price below zero": ("prices", "calls,extra,million,-1,USD,Text", "price is '-1'; expected a number from 0"),
    "a machine with a source": ("prices", "machine,files,hour,1,USD,Text", "expected nothing for machine"),
    "a price of calls to nobody": ("prices", "calls,extra,million,1,USD,Text", "expected a source of sources.csv"),
    "a second currency": (
        "prices",
        "calls,extra,million,1,EUR,Text",
        "currency is 'EUR'; expected USD, as in line 2: costs are added up",
    ),
    "a price twice": ("prices", "calls,files,million,1,USD,Text", "to be unique, but line 7"),
    "generation without a factor": (
        "emission_factors",
        "Fusion,,true,true,Text",
        "gco2eq_kwh is ''; expected a number",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_named_with_its_file_line_and_what_was_expected(seeds: Path, name: str):
    seed, line, expected = WRONG[name]
    number = add(seeds, seed, line)
    with pytest.raises(BadInput) as error:
        load_catalog(seeds)
    assert str(error.value).startswith(f"{seed}.csv line {number}: ")
    assert expected in str(error.value)


def test_a_dataset_without_a_target_cannot_have_series(seeds: Path):
    add(seeds, "variables", "indoor,pm_ugm3,false,µg/m³,0,1000,,Particles")
    add(seeds, "series", "indoor,ROM,files,kitchen")
    with pytest.raises(BadInput, match="with one line where is_target is true"):
        load_catalog(seeds)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"place,name\n", "line 1: the header is 'place,name'; expected 'place_id,name"),
        (b"", "line 1: the header is 'nothing'"),
        ("place_id,naïve\n".encode("latin-1"), "is not a UTF-8 CSV"),
        (b'"place_id', "is not a UTF-8 CSV"),
    ],
)
def test_a_file_that_is_no_such_csv_is_named(seeds: Path, content: bytes, expected: str):
    (seeds / "places.csv").write_bytes(content)
    with pytest.raises(BadInput, match=r"places\.csv") as error:
        load_catalog(seeds)
    assert expected in str(error.value)


def test_a_missing_seed_is_named(seeds: Path):
    (seeds / "sources.csv").unlink()
    with pytest.raises(BadInput, match=r"sources\.csv cannot be read .*every seed is needed"):
        load_catalog(seeds)


@pytest.mark.parametrize("gone", ["machine,", "motherduck,", "calls,open_meteo"])
def test_what_has_no_price_is_named(seeds: Path, gone: str):
    file = seeds / "prices.csv"
    file.write_text("".join(line for line in file.read_text().splitlines(True) if not line.startswith(gone)))
    with pytest.raises(BadInput, match=rf"prices\.csv has no line that begins with '{gone}'"):
        load_catalog(seeds)


def test_seeds_from_before_there_were_prices_are_told_what_to_add(seeds: Path):
    (seeds / "prices.csv").unlink()
    with pytest.raises(BadInput, match=r"prices\.csv cannot be read .* dbt_project/seeds has each to begin with"):
        load_catalog(seeds)


def test_a_file_of_a_spreadsheet_with_mark_and_carriage_returns_is_read(seeds: Path):
    text = (seeds / "series.csv").read_text()
    (seeds / "series.csv").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert load_catalog(seeds).series == load_catalog(SEEDS).series
