"""The next day: only what is new is loaded, yesterday is scored, and what was added to the seeds is forecast."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.e2e.fixtures import Day
from tests.e2e.inputs import DAY_1, DAY_2, MUSEUM, MUSEUM_DAYS, OSLO, TARGETS
from tests.e2e.world import HISTORY_DAYS

pytestmark = pytest.mark.timeout(600)
REPULLED = timedelta(days=8)  # seven days that sources still revise, and the one in progress


def test_it_ends_with_0_and_publishes_a_second_copy(day_2: Day) -> None:
    assert day_2.done.returncode == 0, day_2.done.stderr
    assert day_2.world.published_run == day_2.said["run_id"]
    assert len(day_2.world.copies) == 3, "two copies and the pointer"


def test_only_new_days_and_those_still_revised_are_asked_for(day_2: Day) -> None:
    rows = day_2.world.rows(
        "select subject, min(window_start), count(*) from raw.loads where run_id = ? group by subject",
        day_2.said["run_id"],
    )
    asked = {subject: (since, n) for subject, since, n in rows}
    forecast = {"DE", "north", "south"}  # places that are asked for because of their weather to come
    assert set(asked) == {"SG", "LON", "OSL", "sg", "de", "museum"} | forecast
    for subject in {"SG", "LON", "sg", "de"} | forecast:
        assert asked[subject][0] >= datetime.fromisoformat(DAY_2) - REPULLED
    assert asked["sg"][1] <= 3, "one call a day"
    assert datetime.fromisoformat(DAY_2) - asked["OSL"][0] > timedelta(days=HISTORY_DAYS - 1)


def test_history_is_parsed_once(day_2: Day, day_1: Day) -> None:
    table = "staging.stg_data_gov_sg__pm25"
    added = day_2.world.value(f"select count(*) from {table}") - day_1.world.value(f"select count(*) from {table}")
    assert 0 < added <= 3 * 24 * 5


def test_an_hour_pulled_again_unchanged_is_no_revision(day_2: Day) -> None:
    """Carbon intensity is computed, and the same generation must give the same figure to the last bit."""
    found = day_2.world.rows(
        """
        with hours as (
            select payload_seq, date_trunc('hour', observed_at) as observed_at,
                bit_xor(hash(observed_at, production_type, power_mw)) as sent
            from staging.stg_energy_charts__generation group by all
        )
        select a.sent = b.sent as is_same, n_versions, count(*)
        from hours as a
        inner join hours as b on a.observed_at = b.observed_at and a.payload_seq < b.payload_seq
        inner join marts.fct_observations as truths on a.observed_at = truths.observed_at
        where series_id = 'carbon.DE.carbon_intensity_gco2eq_kwh' group by all
        """
    )
    versions = {(is_same, n_versions): n for is_same, n_versions, n in found}
    assert versions.keys() == {(True, 1), (False, 2)}
    assert versions[True, 1] > 50, "hardly an hour was pulled twice"


def test_the_night_of_the_changed_clocks_has_each_hour_once(day_2: Day) -> None:
    nights = day_2.world.rows(
        "select series_id, count(*), count(distinct observed_at), count(value) from marts.fct_observations "
        "where observed_at >= '2025-10-25' and observed_at < '2025-10-28' group by 1 order by 1"
    )
    assert len(nights) >= len(TARGETS) + 2
    assert {row[1:3] for row in nights} == {(72, 72)}
    assert sum(row[3] for row in nights) > 0.9 * 72 * len(nights)


def test_champions_stay_and_only_the_new_dataset_is_trained(day_2: Day) -> None:
    assert day_2.said["trained"] == ["footfall"]
    (row,) = day_2.world.published("select model, metrics from marts.dim_champions where dataset = 'footfall'")
    assert not row[0].startswith("naive"), "a hundred days of a wandering wave can be learnt"


def test_the_forecast_of_yesterday_is_scored_against_what_came(day_2: Day, day_1: Day) -> None:
    rows = day_2.world.published(
        f"""
        select scores.series_id, count(*), max(horizon_h), bool_and(scores.run_id = '{day_1.said["run_id"]}'),
            bool_and(abs(abs_error - abs(point - actual)) < 1e-9), bool_and(actual = value)
        from marts.fct_forecast_scores as scores
        inner join marts.fct_observations as truths
            on scores.series_id = truths.series_id and scores.target_at = truths.observed_at
        group by scores.series_id
        """
    )
    assert {row[0] for row in rows} == TARGETS
    for _, n, farthest, *claims in rows:
        assert 18 <= n <= 24
        assert farthest <= 24, "nothing later than a day ahead has come true yet"
        assert claims == [True, True, True]


def test_what_yesterday_cost_and_was_worth_is_told(day_2: Day, day_1: Day) -> None:
    whole = "select status, cost = (select cost from marts.fct_runs where run_id = $ and step = 'total') "
    found = day_2.world.published(
        (whole + "from marts.fct_run_costs where run_id = $").replace("$", f"'{day_1.said['run_id']}'")
    )
    assert found == [("ok", True)]
    worth = day_2.world.published(
        """
        select subject, round(fct_value.loss - scored.loss, 9), round(value - (1 - fct_value.loss / loss_reference), 9),
            is_enough
        from marts.fct_value
        inner join (
            select dataset as subject, count(*) as n, avg(abs_error) as loss
            from marts.fct_forecast_scores where abs_error_naive_day is not null group by 1
        ) as scored using (subject, n)
        where reference = 'naive_day' and period = 'all' order by subject
        """
    )
    assert worth == [(dataset, 0, 0, False) for dataset in ("air", "carbon", "sgpm", "weather")]


def test_both_vintages_are_kept_and_the_newest_is_the_current_one(day_2: Day) -> None:
    world = day_2.world
    kept = world.published("select origin_at, count(*) from marts.fct_forecasts group by 1 order by 1")
    days = [datetime.fromisoformat(day).replace(minute=0) for day in (DAY_1, DAY_2)]
    assert kept == [(days[0], 48 * len(TARGETS)), (days[1], 48 * (len(TARGETS) + 2))]
    assert world.published("select distinct origin_at from marts.fct_current_forecasts") == [(days[1],)]


def test_a_location_added_by_a_line_in_the_seeds_is_loaded_whole_and_forecast(day_2: Day) -> None:
    (row,) = day_2.world.published(
        f"select name, date_diff('day', first_observed_at, last_observed_at) from marts.dim_series"
        f" where series_id = '{OSLO}'"
    )
    assert row[0] == "Oslo"
    assert row[1] >= HISTORY_DAYS - 1
    forecast = day_2.world.published(
        f"select count(*), min(point), max(point), any_value(rung) from marts.fct_current_forecasts"
        f" where series_id = '{OSLO}'"
    )
    (n, low, high, rung) = forecast[0]
    assert (n, rung) == (48, "champion")
    assert -40 < low <= high < 40


def test_a_csv_with_a_mapping_in_the_drop_folder_is_forecast(day_2: Day) -> None:
    hours = day_2.world.published(
        f"select count(value), min(observed_at), max(observed_at) from marts.fct_observations"
        f" where series_id = '{MUSEUM}'"
    )
    end = datetime.fromisoformat(DAY_2).replace(minute=0)
    assert hours == [(MUSEUM_DAYS * 24, end - timedelta(days=MUSEUM_DAYS), end - timedelta(hours=1))]
    (n, low, high) = day_2.world.published(
        f"select count(*), min(point), max(point) from marts.fct_current_forecasts where series_id = '{MUSEUM}'"
    )[0]
    assert n == 48
    assert 50 < low < high < 900, "visitors come by day and not by night"
