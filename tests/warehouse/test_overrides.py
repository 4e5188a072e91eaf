"""Overrides and silences: what is refused and why, and a record that is only ever added to."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from warehouse import interventions, overrides, silences
from warehouse.catalog import Variable, load_catalog
from warehouse.connection import connect
from warehouse.decider import Decider
from warehouse.errors import BadInput, NotBuilt
from warehouse.overrides import Asked
from warehouse.settings import ROOT, Settings

NOW = datetime(2026, 3, 1, 6, 10)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WARM = "weather.ROM.temperature_c"
ASKED = Asked("air.ROM.pm2_5_ugm3", NOW, NOW + DAY, "set", 40.0)
HUSH = silences.Asked("heat_day", None, NOW, NOW + DAY)
ADA = Decider("ada", "fireworks tonight", NOW, "cli-1")
VARIABLES = {v.variable: v for v in load_catalog(ROOT / "dbt_project" / "seeds").variables}
MARTS = f"""
    create schema staging;
    create table staging.variables as from read_csv('{ROOT}/dbt_project/seeds/variables.csv');
    create schema marts;
    create table marts.dim_series as select * from (values
        ('{ASKED.series_id}', 'air', 'pm2_5_ugm3', true), ('{WARM}', 'weather', 'temperature_c', true),
        ('air.ROM.nitrogen_dioxide_ugm3', 'air', 'nitrogen_dioxide_ugm3', false)
    ) as t (series_id, dataset, variable, is_target);
    create table marts.dim_alert_rules as
        select 'heat_day' as rule_id, 'weather' as dataset, 'temperature_c' as variable;
"""


def at(moment: datetime, run_id: str, reason: str = "why") -> Decider:
    return Decider("ada", reason, moment, run_id)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = Settings(data_dir=tmp_path)
    with connect(found) as con:
        con.execute(MARTS)
    return found


def rows_of(settings: Settings, table: str) -> list[tuple[Any, ...]]:
    with connect(settings, read_only=True) as con:
        return con.execute(f"select * from {table} order by event_seq").fetchall()


REFUSED = [
    ({"target_to": NOW}, "which is not after its begin"),
    ({"target_from": NOW - DAY, "target_to": NOW - HOUR}, "the past stays as it was told"),
    ({"target_from": NOW - DAY, "target_to": NOW + timedelta(minutes=50)}, "no full hour that still lies ahead"),
    ({"target_to": NOW + 14 * DAY + HOUR}, "more than 14 days after"),
    ({"value": math.nan}, "expected a finite number"),
    ({"value": math.inf, "method": "add"}, "expected a finite number"),
    ({"value": -1.0}, "is not plausible: pm2_5_ugm3 lies in 0 to 1000"),
    ({"value": 0.0, "method": "factor"}, "expected more than 0"),
]


@pytest.mark.parametrize(("changed", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_cannot_be_meant_is_refused(changed: dict[str, Any], said: str) -> None:
    variable: Variable = VARIABLES["pm2_5_ugm3"]
    with pytest.raises(BadInput, match=said):
        overrides.check(replace(ASKED, **changed), variable, NOW)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"target_from": NOW - DAY},
        {"target_to": NOW + timedelta(minutes=51)},
        {"target_to": NOW + 14 * DAY},
        {"method": "add", "value": -500.0},
    ],
)
def test_what_can_be_meant_is_not(changed: dict[str, Any]) -> None:
    overrides.check(replace(ASKED, **changed), VARIABLES["pm2_5_ugm3"], NOW)


def test_a_temperature_has_no_factor() -> None:
    with pytest.raises(BadInput, match="has no natural zero"):
        overrides.check(replace(ASKED, method="factor", value=1.1), VARIABLES["temperature_c"], NOW)


@pytest.mark.parametrize(
    ("series", "said"),
    [
        ("air.ROME.pm2_5_ugm3", r"did you mean air\.ROM\.pm2_5_ugm3"),
        ("air.ROM.nitrogen_dioxide_ugm3", "no forecast series"),
        ("x", "dim_series names them"),
    ],
)
def test_a_series_that_is_not_forecast_is_refused_with_what_was_meant(
    settings: Settings, series: str, said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        overrides.add(settings, replace(ASKED, series_id=series), ADA)


@pytest.mark.parametrize("reason", ["", "  ", "a\nb", "x" * 301])
def test_a_reason_is_wanted_in_one_line(settings: Settings, reason: str) -> None:
    for refused in (
        lambda: overrides.add(settings, ASKED, replace(ADA, reason=reason)),
        lambda: silences.add(settings, HUSH, replace(ADA, reason=reason)),
        lambda: overrides.cancel(settings, "x", replace(ADA, reason=reason)),
    ):
        with pytest.raises(BadInput, match="the reason is"):
            refused()


def test_the_same_id_again_adds_nothing_and_with_another_content_it_is_refused(settings: Settings) -> None:
    first = overrides.add(settings, ASKED, ADA, "override-mine")
    later = replace(ADA, now=NOW + HOUR)
    assert overrides.add(settings, ASKED, later, "override-mine") == first
    with pytest.raises(BadInput, match="with another value"):
        overrides.add(settings, replace(ASKED, value=41.0), later, "override-mine")
    hush = silences.add(settings, HUSH, ADA, "silence-mine")
    assert silences.add(settings, HUSH, later, "silence-mine") == hush
    assert len(rows_of(settings, overrides.TABLE)) == len(rows_of(settings, silences.TABLE)) == 1


def test_what_was_in_force_at_a_moment_is_a_question_to_the_record(settings: Settings) -> None:
    overrides.add(settings, ASKED, ADA)
    overrides.add(settings, replace(ASKED, target_from=NOW + HOUR), at(NOW + HOUR, "cli-2"))
    before = rows_of(settings, overrides.TABLE)
    overrides.cancel(settings, "1", at(NOW + 2 * HOUR, "cli-3", "rain"))
    assert rows_of(settings, overrides.TABLE)[:2] == before, "what was written stays"

    def states(moment: datetime) -> list[tuple[str, str]]:
        return [(row["override_id"], row["state"]) for row in overrides.listed(settings, moment)]

    assert states(NOW - HOUR) == []
    assert states(NOW) == [("override-cli-1", "in force")]
    assert states(NOW + 1.5 * HOUR) == [("override-cli-2", "in force"), ("override-cli-1", "in force")]
    assert states(NOW + 2 * HOUR) == [("override-cli-2", "in force"), ("override-cli-1", "cancelled")]
    assert states(NOW + 2 * DAY) == [("override-cli-2", "over"), ("override-cli-1", "cancelled")]
    (row,) = [row for row in overrides.listed(settings, NOW + 2 * DAY) if row["cancelled_at"]]
    assert (row["reason"], row["cancel_reason"], row["cancelled_by"]) == ("fireworks tonight", "rain", "ada")


def test_only_what_stands_can_be_cancelled(settings: Settings) -> None:
    overrides.add(settings, ASKED, ADA)
    with pytest.raises(BadInput, match="nothing on record"):
        overrides.cancel(settings, "cli-9", at(NOW, "c"))
    with pytest.raises(BadInput, match="there is nothing to cancel"):
        overrides.cancel(settings, "cli-1", at(NOW + 2 * DAY, "c"))
    overrides.cancel(settings, "cli-1", at(NOW, "c"))
    with pytest.raises(BadInput, match="by ada already"):
        overrides.cancel(settings, "cli-1", at(NOW, "d"))


def test_nobody_knows_better_with_hindsight(settings: Settings) -> None:
    """Neither an override nor its end is dated before what was forecast or decided since."""
    overrides.add(settings, ASKED, ADA)
    silences.add(settings, HUSH, ADA)
    with connect(settings) as con:
        con.execute(
            "insert into ml.alert_probabilities select 'r', 'heat_day', 'e', 's', $1, $1, $1, 1, 1, 1, true, 'm', 'v', "
            "null, $1",
            [NOW + 2 * HOUR],
        )
        con.execute(
            "insert into ml.forecasts select 'r', 'v', 'air', 's', $1, $1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 'champion', "
            "null, null, $1",
            [NOW + 2 * HOUR],
        )
    then = at(NOW + HOUR, "early")
    for refused in (
        lambda: overrides.add(settings, ASKED, then),
        lambda: overrides.cancel(settings, "cli-1", then),
        lambda: silences.add(settings, HUSH, then),
        lambda: silences.cancel(settings, "cli-1", then),
    ):
        with pytest.raises(BadInput, match="history is only ever added to"):
            refused()
    overrides.cancel(settings, "cli-1", at(NOW + 2 * HOUR, "c"))
    with pytest.raises(BadInput, match="history is only ever added to"):
        overrides.add(settings, ASKED, at(NOW + HOUR, "early"))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"rule_id": "heat_days"}, "did you mean heat_day"),
        ({"rule_id": "x"}, "alert_rules.csv has heat_day"),
        ({"series_id": ASKED.series_id}, "no series of heat_day"),
        ({"window_to": NOW - HOUR}, "which is not after"),
        ({"window_from": NOW - DAY, "window_to": NOW}, "the past stays"),
        ({"window_to": NOW + 15 * DAY}, "more than 14 days"),
    ],
)
def test_a_silence_that_cannot_be_meant_is_refused(settings: Settings, changed: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        silences.add(settings, replace(HUSH, **changed), ADA)


def test_an_alert_is_silenced_while_a_silence_stands_that_overlaps_its_window(settings: Settings) -> None:
    alert = {"rule_id": "heat_day", "series_id": WARM, "window_start": NOW + HOUR, "window_end": NOW + 25 * HOUR}

    def silenced(moment: datetime, **changed: Any) -> str | None:
        (row,) = silences.marked(settings, [alert | changed], moment)
        return str(row["silence_id"]) if row["silence_id"] else None

    silences.add(settings, HUSH, ADA)
    silences.add(settings, replace(HUSH, series_id=WARM, window_to=NOW + 2 * HOUR), at(NOW + HOUR, "cli-2"))
    assert silenced(NOW - HOUR) is None
    assert silenced(NOW) == "silence-cli-1"
    assert silenced(NOW, rule_id="frost_night") is None
    assert silenced(NOW + HOUR) == "silence-cli-2"
    assert silenced(NOW + HOUR, series_id="another") == "silence-cli-1"
    assert silenced(NOW + HOUR, window_start=NOW + 2 * HOUR) == "silence-cli-1", "that of the series ends before"
    assert silenced(NOW + HOUR, window_start=NOW + DAY) is None
    assert silenced(NOW + HOUR, window_start=NOW - DAY, window_end=NOW) is None
    silences.cancel(settings, "cli-2", at(NOW + HOUR, "c"))
    assert silenced(NOW + HOUR) == "silence-cli-1"


def test_a_warehouse_of_an_older_version_has_none_and_gets_the_tables_with_the_first(settings: Settings) -> None:
    with connect(settings) as con:
        con.execute("drop table ml.override_events; drop table ml.silence_events")
    assert overrides.listed(settings, NOW) == silences.listed(settings, NOW) == []
    assert silences.marked(settings, [{"rule_id": "heat_day"}], NOW)[0]["silence_id"] is None
    with pytest.raises(BadInput, match="nothing on record"):
        overrides.cancel(settings, "x", ADA)
    overrides.add(settings, ASKED, ADA)
    silences.add(settings, HUSH, ADA)
    assert len(overrides.listed(settings, NOW)) == len(silences.listed(settings, NOW)) == 1


def test_without_a_warehouse_nothing_is_made(tmp_path: Path) -> None:
    none = Settings(data_dir=tmp_path / "none")
    for refused in (
        lambda: overrides.add(none, ASKED, ADA),
        lambda: silences.add(none, HUSH, ADA),
        lambda: overrides.listed(none, NOW),
    ):
        with pytest.raises(NotBuilt):
            refused()
    assert not none.warehouse_path.exists()


def test_the_window_of_an_override_is_told_as_a_state() -> None:
    row = {"cancelled_at": None}
    told = [interventions.state(row, NOW, NOW + HOUR, NOW + n * HOUR / 2) for n in (-1, 0, 1, 2)]
    assert told == ["ahead", "in force", "in force", "over"]
