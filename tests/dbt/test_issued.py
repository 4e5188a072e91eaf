"""Weather forecasts as they were issued, against a slow replay of what was available at each origin."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pytest

from tests.dbt.conftest import Body, Scratch, scratch

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = datetime(2024, 3, 1)
FIRST_RUN = datetime(2024, 3, 10, 7, 25)
SECOND_RUN = datetime(2024, 3, 11, 6, 10)
LAG_H = 6
VARIABLES = {"temperature_c": "temperature_2m", "wind_speed_kmh": "wind_speed_10m"}
SELECT = "+fct_forecast_features"
TESTED = ("stg_open_meteo__issued", "int_forecasts_issued", "fct_issued_forecasts")
MART = "select place_id, variable, origin_at, issued, lead from marts.fct_issued_forecasts order by all"
Known = dict[tuple[str, str], list[tuple[datetime, datetime, int, float]]]  # available, target, order, value


def value(name: str, place: str, hour: datetime, age: int) -> float | None:
    """A seeded forecast; now and then one is missing."""
    dice = random.Random(f"{name} {place} {hour} {age}")
    return None if dice.random() < 0.1 else round(dice.uniform(0, 20), 1)


def body(endpoint: str, place: str, first: datetime, days: int, fetched: datetime) -> Body:
    hours = [first + n * HOUR for n in range(24 * days)]
    hourly: dict[str, Any] = {"time": [f"{hour:%Y-%m-%dT%H:%M}" for hour in hours]}
    for name in VARIABLES.values():
        if endpoint == "previous_runs":
            for n in (1, 2, 3):
                hourly[f"{name}_previous_day{n}"] = [value(name, place, hour, n) for hour in hours]
        else:
            hourly[name] = [value(name, place, hour, int(fetched.timestamp())) for hour in hours]
    text = f"{fetched:%Y-%m-%d %H:%M:%S}"
    return Body("open_meteo", endpoint, place, {"utc_offset_seconds": 0, "hourly": hourly}, text, "backfill")


def first_bodies() -> list[Body]:
    today = datetime(2024, 3, 10)
    made = [body("previous_runs", place, START, 10, FIRST_RUN) for place in "AB"]
    made += [body("forecast", place, today - 2 * DAY, 5, FIRST_RUN) for place in "AB"]
    # A has temperatures of its own, and was fetched for before
    return [body("archive", "A", START, 10, FIRST_RUN), *made, body("forecast", "A", today, 3, FIRST_RUN - 5 * HOUR)]


def second_bodies() -> list[Body]:
    today = datetime(2024, 3, 11)
    made = [body("previous_runs", place, today - DAY, 2, SECOND_RUN) for place in "AB"]
    made += [body("previous_runs", "C", START, 11, SECOND_RUN), body("archive", "A", today - DAY, 2, SECOND_RUN)]
    return [*made, *(body("forecast", place, today, 3, SECOND_RUN) for place in "AC")]


def available(bodies: list[Body]) -> Known:
    found: Known = {}
    for order, received in enumerate(bodies):
        fetched, hourly = datetime.fromisoformat(received.fetched_at), received.body["hourly"]
        for variable, name in VARIABLES.items():
            held = found.setdefault((received.subject, variable), [])
            for age in range(4):
                column = hourly.get(f"{name}_previous_day{age}" if age else name, [])
                for stamp, told in zip(hourly["time"], column, strict=False):
                    target = datetime.fromisoformat(stamp)
                    if told is None or received.endpoint == "archive" or (target > fetched) != (age == 0):
                        continue
                    at = target - age * DAY + LAG_H * HOUR if age else fetched.replace(minute=0)
                    held.append((at, target, order + 1000 * (age == 0), told))  # what was fetched goes first
    return found


def replayed(known: Known, place: str, variable: str, origin: datetime) -> tuple[list[Any], list[Any]]:
    """Of each hour ahead the newest forecast available at the origin, and its lead."""
    issued: list[Any] = []
    lead: list[Any] = []
    for h in range(1, 49):
        target = origin + h * HOUR
        held = [
            (at, order, told) for at, hour, order, told in known[place, variable] if hour == target and at <= origin
        ]
        newest = max(held, default=None)
        issued.append(newest and newest[2])
        lead.append(newest and (target - newest[0]) / HOUR)
    return issued, lead


@dataclass
class Built:
    warehouse: Scratch
    first: list[tuple[Any, ...]]
    second: list[tuple[Any, ...]]
    rebuilt: list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    places = "".join(f"{p},Place {p},XX,1,2,Asia/Kolkata\n" for p in "ABC")
    wh = scratch(tmp_path_factory.mktemp("issued"), places=places, series="weather,A,open_meteo,A\n")
    wh.receive(*first_bodies())
    wh.build(select=SELECT, tests=False, as_of=f"{FIRST_RUN:%Y-%m-%d %H:%M:%S}")
    first = wh.rows(MART)
    wh.receive(*second_bodies())
    wh.build(select=SELECT, tests=False, as_of=f"{SECOND_RUN:%Y-%m-%d %H:%M:%S}")
    wh.dbt("test", "--select", *TESTED, "--exclude-resource-type", "unit_test")
    second = wh.rows(MART)
    wh.build("--full-refresh", select=SELECT, tests=False, as_of=f"{SECOND_RUN:%Y-%m-%d %H:%M:%S}")
    return Built(wh, first, second, wh.rows(MART))


def assert_replayed(rows: list[tuple[Any, ...]], known: Known) -> None:
    for place, variable, origin, issued, lead in rows:
        expected = replayed(known, place, variable, origin)
        assert issued == pytest.approx(expected[0], abs=1e-4), (place, variable, origin)
        assert list(lead) == expected[1], (place, variable, origin)


def test_every_hour_ahead_has_the_newest_forecast_available_at_the_origin(built: Built) -> None:
    known = available(first_bodies() + second_bodies())
    assert {row[0] for row in built.rebuilt} == set("ABC")
    assert len(built.rebuilt) > 400
    assert_replayed(built.rebuilt, known)
    assert {x for row in built.rebuilt for x in row[4] if x} > {18.0, 42.0, 66.0, 1.0, 30.0}


def test_no_forecast_became_available_after_its_origin(built: Built) -> None:
    assert all(x is None or x >= h for row in built.rebuilt for h, x in enumerate(row[4], 1))


def test_an_incremental_run_leaves_the_forecasts_of_a_full_refresh(built: Built) -> None:
    assert len(built.first) < len(built.second)
    assert built.second == built.rebuilt


def test_the_runs_own_origin_is_there_and_that_of_an_earlier_run_has_left(built: Built) -> None:
    own = FIRST_RUN.replace(minute=0)
    assert {row[0] for row in built.first if row[2] == own} == {"A", "B"}
    assert own not in {row[2] for row in built.second}
    assert_replayed([row for row in built.first if row[2] == own], available(first_bodies()))


def test_the_view_of_features_holds_them_by_hour_ahead(built: Built) -> None:
    rows = built.warehouse.rows(
        "select origin_at, horizon_h, issued_temperature_c, issued_wind_speed_kmh, issued_cloud_cover_pct,"
        " issued_lead_h from marts.fct_forecast_features where place_id = 'A' order by all"
    )
    known, checked = available(first_bodies() + second_bodies()), 0
    for origin, h, temperature, wind, cloud, lead in rows[::29]:
        warm, of_warm = replayed(known, "A", "temperature_c", origin)
        windy, of_windy = replayed(known, "A", "wind_speed_kmh", origin)
        assert (temperature, wind) == (pytest.approx(warm[h - 1]), pytest.approx(windy[h - 1]))
        assert cloud is None
        assert lead == (of_windy[h - 1] if of_warm[h - 1] is None else of_warm[h - 1])
        checked += temperature is not None
    assert checked > 50


def test_observed_weather_passed_off_as_issued_fails_a_data_test(built: Built) -> None:
    """The cheat: the truth at the target hour, with a lead as if it had been forecast."""
    test = "--select", "test_name:no_forecast_is_the_truth"
    built.warehouse.dbt("test", *test, as_of=f"{SECOND_RUN:%Y-%m-%d %H:%M:%S}")
    with duckdb.connect(str(built.warehouse.path)) as con:
        con.execute(
            """
            update marts.fct_issued_forecasts as f set issued = truths.observed, lead = truths.lead
            from (
                select i.place_id, i.origin_at,
                    list(o.value order by h)::float[48] as observed, list(18 + h order by h)::float[48] as lead
                from (select distinct place_id, origin_at from marts.fct_issued_forecasts) as i
                cross join (select unnest(range(1, 49)) as h)
                left join marts.fct_observations as o
                    on o.series_id = 'weather.A.temperature_c' and o.observed_at = i.origin_at + to_hours(h)
                where i.place_id = 'A'
                group by all
            ) as truths
            where f.place_id = truths.place_id and f.origin_at = truths.origin_at and f.variable = 'temperature_c'
            """
        )
    with pytest.raises(AssertionError, match="no_forecast_is_the_truth"):
        built.warehouse.dbt("test", *test, as_of=f"{SECOND_RUN:%Y-%m-%d %H:%M:%S}")
