"""Who was in production on day D: one view, without holes or overlaps, whatever was decided."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from ml.versions import statuses
from tests.dbt.conftest import Scratch, scratch
from warehouse.settings import Settings

SELECT = "fct_champion_history dim_champions dim_model_versions source:ml.champion_events"
ON = "select model_version, reason from marts.fct_champion_history where dataset = 'air' and {day} >= valid_from and "
ON += "({day} < valid_to or valid_to is null)"


# dataset, run, versions by role, what was decided about which of them
TRAININGS = (
    ("sgpm", "t1", ("champion", "challenger", "statistical", "naive"),
     (("2026-10-01 06:00:00", "promote", "champion"),)),
    ("sgpm", "t2", ("champion", "challenger", "naive"), (("2026-10-08 06:00:00", "keep", "champion"),)),
    ("sgpm", "t3", ("champion",), (("2026-10-09 06:00:00", "candidate", "champion"),)),
    ("sgpm", "t4", ("champion", "naive"), (("2026-10-15 06:00:00", "candidate", "champion"),
                                           ("2026-10-16 06:00:00", "reject", "champion"))),
    ("sgpm", "t5", ("champion", "challenger"), (("2026-10-20 06:00:00", "candidate", "champion"),)),
    ("carbon", "t6", ("champion", "challenger", "statistical", "naive"),
     (("2026-10-01 06:00:00", "promote", "champion"), ("2026-10-03 06:00:00", "promote", "challenger"))),
    ("carbon", "t7", ("champion", "naive"), (("2026-10-02 06:00:00", "candidate", "champion"),)),
    ("weather", "t8", ("champion", "naive"), ()),
)  # fmt: skip


def train(path: Path) -> None:
    with duckdb.connect(str(path)) as con:
        number = 100
        for dataset, run, roles, events in TRAININGS:
            for role in roles:
                con.execute(
                    "insert into ml.model_versions by name select $1 as model_version, $2 as dataset, "
                    "'theta' as model, $3 as run_id, timestamp '2026-09-30' as trained_at, "
                    "timestamp '2026-09-30' as data_as_of, 'h' as data_hash, '{}' as params, $4::json as metrics",
                    [f"{run}-{role}", dataset, run, f'{{"role": "{role}", "report": {{"mae": 1.5}}}}'],
                )
            for moment, action, role in events:
                number += 1
                con.execute(
                    "insert into ml.champion_events by name select $1 as event_id, $2 as run_id, "
                    "$3::timestamp as event_at, $4 as dataset, $5 as model_version, $6 as action, 'so' as reason, "
                    "'ada' as actor, $7 as event_seq",
                    [f"e{number}", run, moment, dataset, f"{run}-{role}", action, number],
                )


def decide(path: Path, *events: tuple[str, str, str]) -> None:
    """(moment, action, version) as they were appended."""
    with duckdb.connect(str(path)) as con:
        for number, (moment, action, version) in enumerate(events):
            con.execute(
                "insert into ml.champion_events by name select $1 as event_id, 'r' as run_id, "
                "$2::timestamp as event_at, 'air' as dataset, $3 as model_version, $4 as action, $5 as reason, "
                "'ada' as actor, $6 as event_seq",
                [f"e{number}", moment, version, action, f"because {number}", number],
            )
        for version in sorted({version for _, _, version in events}):
            con.execute(
                "insert into ml.model_versions by name select $1 as model_version, 'air' as dataset, 'theta' as model, "
                "'r' as run_id, timestamp '2026-09-30' as trained_at, timestamp '2026-09-30' as data_as_of, "
                "'h' as data_hash, '{}' as params, '{}' as metrics",
                [version],
            )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scratch, str]:
    wh = scratch(
        tmp_path_factory.mktemp("champions"), places="A,Place A,XX,1,2,UTC\n", series="weather,A,open_meteo,A\n"
    )
    decide(
        wh.path,
        ("2026-10-01 06:00:00", "promote", "v1"),
        ("2026-10-08 06:00:00", "keep", "v2"),
        ("2026-10-15 06:00:00", "promote", "v3"),
        ("2026-10-15 06:00:00", "rollback", "v1"),
        ("2026-10-22 06:00:00", "candidate", "v4"),
        ("2026-10-23 06:00:00", "approve", "v4"),
        ("2026-10-24 06:00:00", "reject", "v2"),
    )
    train(wh.path)
    return wh, wh.dbt("build", "--select", *SELECT.split(), as_of="2026-10-25 06:00:00")


def test_it_builds_with_all_its_tests(built: tuple[Scratch, str]) -> None:
    assert "ERROR=0" in built[1]
    assert "no_overlap_fct_champion_history" in built[1]
    assert built[1].count("unit_test") >= 2


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-09-30", []),
        ("2026-10-10", [("v1", "because 0")]),
        ("2026-10-16", [("v1", "because 3")]),
        ("2026-10-24", [("v4", "because 5")]),
    ],
)
def test_one_version_or_none_was_in_production_on_a_day(
    built: tuple[Scratch, str], day: str, expected: list[tuple[str, str]]
) -> None:
    assert built[0].rows(ON.format(day=f"timestamp '{day}'")) == expected


def test_the_present_champion_is_the_end_of_the_history(built: tuple[Scratch, str]) -> None:
    query = "select model_version, champion_since::varchar, actor from marts.dim_champions where dataset = 'air'"
    assert built[0].rows(query) == [("v4", "2026-10-23 06:00:00", "ada")]


@pytest.mark.parametrize("dataset", ["air", "sgpm", "carbon", "weather"])
def test_every_version_stands_as_the_registry_says(built: tuple[Scratch, str], tmp_path: Path, dataset: str) -> None:
    settings = Settings(data_dir=tmp_path)
    settings.warehouse_path.parent.mkdir(parents=True)
    shutil.copy(built[0].path, settings.warehouse_path)
    told = dict(
        built[0].rows(f"select model_version, status from marts.dim_model_versions where dataset = '{dataset}'")
    )
    assert told == statuses(settings, dataset, datetime(2026, 10, 25, 6))
    expected = {"air": {"champion", "retired", "rejected"}, "weather": {"spare"}, "carbon": {"champion", "fallback",
                "superseded", "spare"}, "sgpm": {"champion", "fallback", "kept out", "superseded", "rejected",
                "candidate", "spare"}}  # fmt: skip
    assert expected[dataset] <= set(told.values())


def test_two_versions_at_one_time_break_the_test(built: tuple[Scratch, str]) -> None:
    """The view cannot overlap; the test that guards it must still be able to fail."""
    sql = next((built[0].root / "target" / "compiled").rglob("no_overlap_fct_champion_history*.sql")).read_text()
    rows = (
        "(select * from (values ('air', timestamp '2026-10-01', timestamp '2026-10-03'), "
        "('air', timestamp '2026-10-02', null)) as t(dataset, valid_from, valid_to))"
    )
    for name in ('"skyduck"."marts"."fct_champion_history"', "skyduck.marts.fct_champion_history"):
        sql = sql.replace(name, rows)
    with duckdb.connect() as con:
        assert len(con.execute(sql).fetchall()) == 1
