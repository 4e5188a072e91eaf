"""Alert marts: what an origin knows of past events, in batches as in one build; and the way to scored probabilities."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from ml.alerts.params import AlertParams
from ml.alerts.predict import predict
from ml.alerts.rules import find_rule, is_due, newest_models
from ml.alerts.train import train
from tests.dbt.alert_inputs import DAY, HOUR, RULES, START, body
from tests.dbt.conftest import Scratch, scratch
from warehouse import alerts
from warehouse.settings import Settings

FIRST, SECOND, THIRD = START + 80 * DAY, START + 82 * DAY, START + 85 * DAY
SELECT = "+fct_alert_features prices stg_ledger__loads"
COUNTS = "n_past, n_events_past, n_season, n_events_season, n_everywhere, n_events_everywhere, n_month, n_events_month"
KNOWN = f"rule_id, series_id, origin_at, history, persisted, last_value, mean_24, {COUNTS}"
PARAMS = AlertParams(min_events=10, min_event_days=5, n_trees=20, min_data_in_leaf=10, max_rows=1000)


@dataclass
class World:
    wh: Scratch
    settings: Settings
    snapshots: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)

    def built(self, name: str, as_of: datetime, *options: str) -> None:
        self.wh.build(*options, select=SELECT, tests=name == "first", as_of=f"{as_of:%Y-%m-%d %H:%M:%S}")
        self.snapshots[name] = self.wh.rows(f"select {KNOWN} from marts.fct_alert_features order by all")
        outcomes = "select * exclude (built_from_seq) from marts.fct_alert_outcomes order by all"
        self.snapshots[f"{name} outcomes"] = self.wh.rows(outcomes)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    root = tmp_path_factory.mktemp("alerts")
    wh = scratch(
        root / "warehouse",
        places="A,Place A,XX,45,2,UTC\nB,Place B,XX,46,2,UTC\n",
        series="weather,A,open_meteo,A\nweather,B,open_meteo,B\n",
    )
    (wh.seeds / "alert_rules.csv").write_text(RULES, encoding="utf-8")
    made = World(wh, Settings(data_dir=root))
    holes = frozenset(range(1000, 1040))
    wh.receive(
        *(body(place, FIRST, "backfill", START, 80 * 24, holes if place == "A" else frozenset()) for place in "AB")
    )
    made.built("first", FIRST)
    # two more days, live; the hole of A is filled, late
    wh.receive(*(body(place, SECOND, "live", FIRST - DAY, 72) for place in "AB"))
    wh.receive(body("A", SECOND, "live", START + 1000 * HOUR, 40))
    made.built("second", SECOND)
    return made


def test_features_of_an_origin_are_the_same_whatever_came_after_it(world: World) -> None:
    """A late revision aside: it takes an outcome back until it was known in full, and never adds one."""
    now = {row[:3]: row for row in world.snapshots["second"]}
    then = world.snapshots["first"]
    assert len(then) > 1000
    for row in then:
        new = now[row[:3]]
        assert new[:7] == row[:7]
        if row[1] == "weather.B.temperature_c":  # never revised
            assert new[7:11] + new[13:] == row[7:11] + row[13:]
        assert all(after <= before for after, before in zip(new[7:13], row[7:13], strict=True))


def test_outcomes_and_counts_in_batches_are_those_of_a_full_refresh(world: World) -> None:
    in_batches = dict(world.snapshots)
    world.built("rebuilt", SECOND, "--full-refresh")
    assert in_batches["second outcomes"] == world.snapshots["rebuilt outcomes"]
    assert in_batches["second"] == world.snapshots["rebuilt"]
    assert in_batches["second outcomes"] != in_batches["first outcomes"]


def test_a_hole_filled_late_gives_labels_that_count_from_when_they_were_known(world: World) -> None:
    sql = f"""
        select count(*), min(label_known_at), bool_and(is_event is not null) from marts.fct_alert_outcomes
        where series_id like 'weather.A.%' and window_start between timestamp '{START + 990 * HOUR}'
            and timestamp '{START + 1010 * HOUR}' and rule_id = 'warm'
    """
    n, known_at, known = world.wh.rows(sql)[0]
    assert n == 4
    assert (known_at, known) == (SECOND, True)


def test_counts_are_those_of_a_slow_replay(world: World) -> None:
    outcomes = world.wh.rows("select rule_id, series_id, label_known_at, is_event from marts.fct_alert_outcomes")
    for row in random.Random(2).sample(world.snapshots["second"], 60):
        rule_id, series_id, origin_at = row[:3]
        known = [o for o in outcomes if o[0] == rule_id and o[2] <= origin_at and o[3] is not None]
        mine = [o for o in known if o[1] == series_id]
        month = [o for o in mine if o[2] > origin_at - 30 * DAY]
        n_past, events_past, _, _, n_all, events_all, n_month, events_month = row[7:]
        assert (n_past, events_past) == (len(mine), sum(o[3] for o in mine))
        assert (n_all, events_all) == (len(known), sum(o[3] for o in known))
        assert (n_month, events_month) == (len(month), sum(o[3] for o in month))


def test_probabilities_are_written_scored_when_the_truth_arrives_and_shown_with_what_to_do(world: World) -> None:
    settings = world.settings
    rules = alerts.rules(settings)
    assert [rule["rule_id"] for rule in rules] == ["cool_hours", "warm"]
    trained, failed = train(settings, rules, now=SECOND, run_id="r1", params_of=lambda _: PARAMS)
    assert failed == []
    assert {model.rule_id for model in trained} == {"cool_hours", "warm"}
    told = predict(settings, now=SECOND, run_id="r1")
    predict(settings, now=SECOND, run_id="r1")
    assert (told.n_rows, told.notes) == (4, [])
    world.wh.build(select="source:ml+", as_of=f"{SECOND:%Y-%m-%d %H:%M:%S}")
    assert world.wh.rows("select count(*) from ml.alert_probabilities") == [(4,)]
    assert world.wh.rows("select count(*) from marts.fct_alert_scores") == [(0,)]
    shown = world.wh.rows("select place_name, is_alert = (what_to_do is not null) from marts.fct_alerts order by all")
    assert shown == [(name, True) for name in ("Place A", "Place A", "Place B", "Place B")]
    world.wh.receive(*(body(place, THIRD, "live", SECOND - DAY, 96) for place in "AB"))
    world.wh.build(select="+fct_alert_scores", as_of=f"{THIRD:%Y-%m-%d %H:%M:%S}")
    scored = world.wh.rows(
        "select is_event, is_event = (actual > 14), brier = (probability - is_event::integer) ** 2, cost_never "
        "from marts.fct_alert_scores where rule_id = 'warm'"
    )
    assert len(scored) == 2
    assert all(row[1] and row[2] and row[3] == (5 if row[0] else 0) for row in scored)
    assert alerts.track_record(settings)["warm"]["n_scored"] == 2


def test_a_model_is_due_at_first_when_old_and_when_its_rule_or_params_change(world: World) -> None:
    rule = find_rule(world.settings, "warm")
    row = newest_models(world.settings, SECOND)["warm"]
    assert is_due(None, rule, SECOND, PARAMS) == "no model yet"
    assert is_due(row, rule, SECOND + 6 * DAY, PARAMS) is None
    assert is_due(row, rule, SECOND + 7 * DAY, PARAMS) == "the model is 7 days old"
    assert is_due(row, {**rule, "event_hash": "other"}, SECOND, PARAMS) == "the rule has changed"
    assert is_due(row, rule, SECOND, PARAMS.model_copy(update={"seed": 1})) == "params.yaml has changed since"


def test_a_damaged_model_is_refused_and_climatology_answers_and_says_so(world: World) -> None:
    for path in world.settings.models_path.glob("alert-warm-*/alert.json"):
        path.write_text(path.read_text().replace("{", "{ ", 1), encoding="utf-8")
    told = predict(world.settings, now=SECOND, run_id="r2")
    assert any("warm" in note and "refused" in note for note in told.notes)
    rows = alerts.probabilities(world.settings, "r2")
    assert {(row["rule_id"], row["method"]) for row in rows} >= {("warm", "climatology")}
    assert all("refused" in str(row["reason"]) for row in rows if row["rule_id"] == "warm")


def test_another_threshold_is_another_event_and_its_outcomes_are_built_anew(world: World) -> None:
    (world.wh.seeds / "alert_rules.csv").write_text(RULES.replace("above,14", "above,11"), encoding="utf-8")
    before = world.wh.rows(
        "select count(*), count(*) filter (is_event) from marts.fct_alert_outcomes where rule_id = 'warm'"
    )
    world.wh.build(select=SELECT, tests=False, as_of=f"{THIRD:%Y-%m-%d %H:%M:%S}")
    after = world.wh.rows(
        "select count(*), count(*) filter (is_event) from marts.fct_alert_outcomes where rule_id = 'warm'"
    )
    assert after[0][1] > before[0][1]
    hashes = world.wh.rows("select count(distinct event_hash) from marts.fct_alert_outcomes where rule_id = 'warm'")
    assert hashes == [(1,)]
