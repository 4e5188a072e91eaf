"""The tag `pii` is followed through the lineage: a mart that shows a private column unmasked fails the build."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.dbt.conftest import Scratch, scratch
from warehouse.settings import ROOT

TEST = "no_mart_shows_a_private_column"
CONFIG = "{{ config(contract={'enforced': false}, group=none) }}\n"
SHOWS = {
    "a name as it is": ("select name from {{ ref('places') }}", "name comes from places.name"),
    "another name": (
        "with p as (select upper(name) as label from {{ ref('places') }}) select label as title from p",
        "title comes from places.name",
    ),
    "all columns": ("select * from {{ ref('places') }}", "latitude comes from places.latitude"),
    "part of a longer text": (
        "select concat_ws('.', dataset, concat(subject, '!'), 1) as id from {{ ref('series') }}",
        "id comes from series.subject",
    ),
    "a subject through staging": (
        "select subject from {{ ref('stg_files__hourly') }}",
        "subject comes from files.subject",
    ),
    "behind what is masked": (
        "select series_id, subject from {{ ref('int_series_registered') }}",
        "subject comes from",
    ),
}
DOES_NOT = {
    "only what is public": "select place_id, name, latitude, subject from {{ ref('dim_series') }}",
    "counts by a private column": "select count(*) as n from {{ ref('series') }} group by dataset",
}


@pytest.fixture(scope="module")
def wh(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    """A warehouse, and a copy of the project to add marts to."""
    root = tmp_path_factory.mktemp("privacy")
    made = scratch(root / "wh", places="A,Place A,XX,1,2,UTC\n", series="weather,A,open_meteo,A\n")
    shutil.copytree(ROOT / "dbt_project", root / "dbt_project", ignore=shutil.ignore_patterns("target", "logs"))
    made.project = root / "dbt_project"
    return made


def marts_of(wh: Scratch, cases: dict[str, str]) -> dict[str, str]:
    """Name of the mart added for each case."""
    folder: Path = wh.project / "models" / "marts" / "core"
    made = {}
    for case, sql in cases.items():
        made[case] = f"fct_added_{case.replace(' ', '_')}"
        (folder / f"{made[case]}.sql").write_text(CONFIG + sql + "\n", encoding="utf-8")
    return made


def test_every_way_to_show_a_private_column_is_found_and_nothing_else(wh: Scratch) -> None:
    shows = marts_of(wh, {case: sql for case, (sql, _) in SHOWS.items()})
    hides = marts_of(wh, DOES_NOT)
    with pytest.raises(AssertionError, match="configured to fail if != 0") as failed:
        wh.dbt("test", "--select", TEST)
    said = str(failed.value)
    for case, (_, comes_from) in SHOWS.items():
        assert f"{shows[case]}.{comes_from}" in said, case
    for case, mart in hides.items():
        assert f"{mart}." not in said, case
    told = [line.split(" comes from ")[0].split()[-1] for line in said.splitlines() if " comes from " in line]
    assert {column.split(".")[0] for column in told} == set(shows.values()), "marts of the project itself show nothing"


def test_a_mart_that_says_how_it_masks_passes(wh: Scratch) -> None:
    for added in (wh.project / "models" / "marts" / "core").glob("fct_added_*"):
        added.unlink()
    mart = marts_of(wh, {"masked": "select md5(name) as name from {{ ref('places') }}"})["masked"]
    (wh.project / "models" / "marts" / "core" / f"{mart}.yml").write_text(
        f"version: 2\nmodels:\n  - name: {mart}\n    columns:\n"
        "      - {name: name, config: {meta: {masked: by its hash}}}\n",
        encoding="utf-8",
    )
    assert "PASS=1" in wh.dbt("test", "--select", TEST)
