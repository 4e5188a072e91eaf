"""Rules and series edited in the seeds: a build goes on from what it holds, and leaves what a full refresh would."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from ml.alerts.predict import predict
from tests.dbt.alert_inputs import DAY, RULES, START, body
from tests.dbt.conftest import Scratch, scratch
from warehouse.settings import Settings

FIRST, SECOND = START + 40 * DAY, START + 42 * DAY
SELECT = "+fct_alert_features +fct_alert_scores +fct_alerts"
SERIES = "weather,A,open_meteo,A\nweather,B,open_meteo,B\nweather,C,open_meteo,C\n"
HEADER, WARM, COOL = RULES.splitlines()
HOT = WARM.replace("warm,", "hot,", 1).replace("above,14,", "above,15,")
DEAR = COOL.replace("cool_hours,", "dear_hours,", 1).replace("below,8,", "below,9,")
BEFORE = [HEADER, WARM, COOL, HOT, DEAR]
AFTER = [
    HEADER,
    WARM,
    WARM.replace("warm,", "warm_for_the_frail,", 1).replace(",1,5,", ",2,90,"),  # a twin: the same event, dearer
    COOL.replace("cool_hours,", "chilly_hours,", 1),  # renamed
    HOT.replace("above,15,", "above,12,"),  # another event
    DEAR.replace(",1,4,", ",3,40,"),  # the same event, dearer
]
TABLES = {
    "fct_origin_features": "* exclude (built_from_seq)",
    "fct_alert_outcomes": "* exclude (built_from_seq)",
    "fct_alert_frequencies": "*",
    "fct_alert_features": "*",
    "fct_alert_scores": "rule_id, series_id, cost_always, * exclude (rule_id, series_id, cost_always)",
    "fct_alerts": "*",
}
Rows = list[tuple[Any, ...]]


@dataclass
class Edited:
    wh: Scratch
    snapshots: dict[str, dict[str, Rows]] = field(default_factory=dict)

    def seeds(self, rules: list[str], series: str) -> None:
        (self.wh.seeds / "alert_rules.csv").write_text("\n".join(rules) + "\n", encoding="utf-8")
        (self.wh.seeds / "series.csv").write_text("dataset,place_id,source,subject\n" + series, encoding="utf-8")

    def built(self, name: str, as_of: datetime, *options: str) -> None:
        self.wh.build(*options, select=SELECT, tests=name == "edited", as_of=f"{as_of:%Y-%m-%d %H:%M:%S}")
        self.snapshots[name] = {
            table: self.wh.rows(f"select {columns} from marts.{table} order by all")
            for table, columns in TABLES.items()
        }


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Edited:
    """Two runs told and the first one scored; then every edit at once, built without and with --full-refresh."""
    root = tmp_path_factory.mktemp("edited")
    wh = scratch(root / "warehouse", places="".join(f"{p},Place {p},XX,45,2,UTC\n" for p in "ABC"), series=SERIES)
    wh.env = {"SKYDUCK_THREADS": "1"}
    made, settings = Edited(wh), Settings(data_dir=root)
    made.seeds(BEFORE, SERIES)
    wh.receive(*(body(place, FIRST, "backfill", START, 40 * 24) for place in "ABC"))
    made.built("first", FIRST)
    assert predict(settings, now=FIRST, run_id="r1").n_rows == 12
    wh.receive(*(body(place, SECOND, "live", FIRST - DAY, 72) for place in "ABC"))
    made.built("second", SECOND)
    assert predict(settings, now=SECOND, run_id="r2").n_rows == 12
    made.seeds(AFTER, SERIES.replace("weather,C,open_meteo,C\n", ""))
    made.built("edited", SECOND)
    made.built("rebuilt", SECOND, "--full-refresh")
    return made


@pytest.mark.parametrize("table", TABLES)
def test_after_edits_a_build_that_goes_on_leaves_the_rows_of_a_full_refresh(edited: Edited, table: str) -> None:
    assert edited.snapshots["rebuilt"][table]
    assert edited.snapshots["edited"][table] == edited.snapshots["rebuilt"][table]
    assert edited.snapshots["edited"][table] != edited.snapshots["second"][table]


def test_a_twin_and_a_renamed_rule_have_the_whole_history_of_their_event(edited: Edited) -> None:
    def outcomes(name: str, rule_id: str) -> Rows:
        return [row[1:] for row in edited.snapshots[name]["fct_alert_outcomes"] if row[0] == rule_id]

    def kept(name: str, rule_id: str) -> Rows:
        return [row for row in outcomes(name, rule_id) if row[1] != "weather.C.temperature_c"]

    assert len(outcomes("edited", "warm")) > 250
    assert outcomes("edited", "warm_for_the_frail") == outcomes("edited", "warm") == kept("second", "warm")
    assert outcomes("edited", "chilly_hours") == kept("second", "cool_hours")
    assert outcomes("edited", "cool_hours") == []


def test_scores_are_of_todays_event_series_and_costs(edited: Edited) -> None:
    def scored(name: str) -> set[tuple[Any, ...]]:
        return {row[:3] for row in edited.snapshots[name]["fct_alert_scores"]}

    places = [f"weather.{place}.temperature_c" for place in "ABC"]
    rules = ("warm", "cool_hours", "hot", "dear_hours")
    assert scored("second") == {(rule, place, 1.0) for rule in rules for place in places}
    assert scored("edited") == {
        (rule, place, cost) for rule, cost in (("warm", 1.0), ("dear_hours", 3.0)) for place in places[:2]
    }
