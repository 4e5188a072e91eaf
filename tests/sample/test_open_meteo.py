from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

ARCHIVE = "archive-api.open-meteo.com/v1/archive"
FORECAST = "api.open-meteo.com/v1/forecast"
PREVIOUS = "previous-runs-api.open-meteo.com/v1/forecast"
AIR = "air-quality-api.open-meteo.com/v1/air-quality"
LONDON = {"latitude": "51.5072", "longitude": "-0.1276"}
TWO = {"latitude": "51.5072,1.3521", "longitude": "-0.1276,103.8198"}
OCTOBER = {"start_date": "2026-10-01", "end_date": "2026-10-02"}


def test_one_location_is_an_object_with_one_array_per_variable(upstream):
    body = upstream.json(ARCHIVE, **LONDON, **OCTOBER, hourly="temperature_2m,cloud_cover")
    assert list(body)[:7] == [
        "latitude", "longitude", "generationtime_ms", "utc_offset_seconds", "timezone", "timezone_abbreviation",
        "elevation",
    ]  # fmt: skip
    assert body["hourly_units"] == {"time": "iso8601", "temperature_2m": "°C", "cloud_cover": "%"}
    assert body["hourly"]["time"][:2] == ["2026-10-01T00:00", "2026-10-01T01:00"]
    assert {len(column) for column in body["hourly"].values()} == {48}
    assert all(isinstance(value, int) for value in body["hourly"]["cloud_cover"])
    assert "location_id" not in body


def test_several_locations_are_a_list_whose_first_element_has_no_location_id(upstream):
    first, second = upstream.json(ARCHIVE, **TWO, **OCTOBER, hourly="temperature_2m")
    assert "location_id" not in first
    assert second["location_id"] == 1
    assert second["hourly"] != first["hourly"]


def test_coordinates_are_the_grid_cells_and_not_those_asked_for(upstream):
    for target in (ARCHIVE, AIR):
        body = upstream.json(target, **LONDON, **OCTOBER)
        assert 0 < abs(body["latitude"] - 51.5072) < 0.1
        assert 0 < abs(body["longitude"] + 0.1276) < 0.1
        assert "hourly" not in body


def test_the_zones_offset_is_the_one_at_the_time_of_the_request(upstream):
    summer = upstream.json(ARCHIVE, **LONDON, start_date="2026-07-01", end_date="2026-07-01", hourly="temperature_2m",
                           timezone="Europe/Berlin")  # fmt: skip
    assert summer["utc_offset_seconds"] == 3600  # it is November now
    plain = upstream.json(ARCHIVE, **LONDON, start_date="2026-06-30", end_date="2026-07-01", hourly="temperature_2m")
    assert summer["hourly"]["temperature_2m"] == plain["hourly"]["temperature_2m"][23:47]
    assert len(summer["hourly"]["time"]) == 24


def test_unixtime_gives_the_same_instants(upstream):
    body = upstream.json(ARCHIVE, **LONDON, **OCTOBER, hourly="temperature_2m", timeformat="unixtime")
    assert body["hourly_units"]["time"] == "unixtime"
    assert body["hourly"]["time"][0] == 1790812800


@pytest.mark.parametrize(
    ("target", "params", "words"),
    [
        (ARCHIVE, {}, "Both 'start_date' and 'end_date' must be set"),
        (ARCHIVE, {"start_date": "2026-10-01", "end_date": "2026-11-21"}, "'end_date' is out of allowed range from"),
        (ARCHIVE, {"start_date": "1939-12-31", "end_date": "2026-10-01"}, "'start_date' is out of allowed range"),
        (ARCHIVE, {"start_date": "2026-10-02", "end_date": "2026-10-01"}, "End-date must be larger"),
        (ARCHIVE, {"start_date": "1.10.2026", "end_date": "2026-10-01"}, "Invalid date format"),
        (ARCHIVE, OCTOBER | {"hourly": "temperature"}, "invalid String value temperature for key hourly"),
        (AIR, OCTOBER | {"hourly": "temperature_2m"}, "invalid String value temperature_2m"),
        (ARCHIVE, OCTOBER | {"timezone": "Mars/Olympus"}, "Invalid timezone"),
        (ARCHIVE, OCTOBER | {"latitude": "91"}, "Latitude must be in range of -90 to 90°. Given: 91.0."),
        (ARCHIVE, OCTOBER | {"latitude": "51.5,52"}, "must have the same number of elements"),
        (FORECAST, {"past_days": "93"}, "Past days is invalid. Allowed range 0 to 92. Given 93."),
        (FORECAST, {"forecast_days": "17"}, "Forecast days is invalid. Allowed range 0 to 16. Given 17."),
        (FORECAST, OCTOBER | {"past_days": "1"}, "mutually exclusive"),
        (ARCHIVE, OCTOBER | {"temperature_unit": "fahrenheit"}, "'temperature_unit' is not known"),
        (AIR, {"forecast_days": "8"}, "Allowed range 0 to 7"),
        (AIR, {"start_date": "2012-12-31", "end_date": "2013-01-01"}, "allowed range from 2013-01-01 to 2026-11-27"),
    ],
)  # fmt: skip
def test_a_bad_parameter_is_a_400_that_says_why(upstream, target: str, params: dict[str, str], words: str):
    answer = upstream.get(target, **(LONDON | params))
    assert answer.status_code == 400
    assert answer.json()["error"] is True
    assert words in answer.json()["reason"]


def test_forecast_days_around_today_are_past_days_and_forecast_days(upstream):
    body = upstream.json(FORECAST, **LONDON, hourly="temperature_2m", past_days=3, forecast_days=1)
    assert body["hourly"]["time"][0] == "2026-11-17T00:00"
    assert body["hourly"]["time"][-1] == "2026-11-20T23:00"
    assert None not in body["hourly"]["temperature_2m"]


def temperatures(upstream, target: str, start: str, end: str) -> dict[str, Any]:
    hourly = upstream.json(target, **LONDON, start_date=start, end_date=end, hourly="temperature_2m")["hourly"]
    return dict(zip(hourly["time"], hourly["temperature_2m"], strict=True))


def test_the_newest_archive_days_are_null_then_arrive_then_are_revised_slightly(upstream):
    early = temperatures(upstream, ARCHIVE, "2026-11-10", "2026-11-20")
    assert early["2026-11-18T00:00"] is None
    assert early["2026-11-20T05:00"] is None
    upstream.now("2026-11-27T06:10")
    late = temperatures(upstream, ARCHIVE, "2026-11-10", "2026-11-20")
    assert None not in late.values()
    changed = {stamp for stamp, value in early.items() if value is not None and value != late[stamp]}
    assert changed
    assert min(changed) >= "2026-11-15T00:00"
    assert max(abs(early[stamp] - late[stamp]) for stamp in changed) < 2.5


def test_forecasts_past_hours_lie_close_to_the_archive(upstream):
    archive = temperatures(upstream, ARCHIVE, "2026-11-01", "2026-11-10")
    forecast = temperatures(upstream, FORECAST, "2026-11-01", "2026-11-10")
    gaps = [abs(archive[stamp] - forecast[stamp]) for stamp in archive]
    assert 0.05 < sum(gaps) / len(gaps) < 0.8


def test_a_forecast_of_an_hour_to_come_is_not_what_happens(upstream):
    ahead = temperatures(upstream, FORECAST, "2026-11-24", "2026-11-26")
    upstream.now("2026-12-10T00:00")
    happened = temperatures(upstream, ARCHIVE, "2026-11-24", "2026-11-26")
    gaps = [abs(ahead[stamp] - happened[stamp]) for stamp in ahead]
    assert 0.5 < sum(gaps) / len(gaps) < 8


def issued(upstream, names: list[str], start: str, end: str) -> dict[str, dict[str, Any]]:
    """Columns of the previous runs, and the same hours as they became, by variable and stamp."""
    columns = [name if not n else f"{name}_previous_day{n}" for name in names for n in (1, 2, 3)]
    told = upstream.json(PREVIOUS, **LONDON, start_date=start, end_date=end, hourly=",".join(columns))
    became = upstream.json(ARCHIVE, **LONDON, start_date=start, end_date=end, hourly=",".join(names))["hourly"]
    assert {told["hourly_units"][f"{name}_previous_day2"] for name in names} <= {"°C", "%", "km/h"}
    return {"told": told["hourly"], "became": became}


def error(told: list[Any], became: list[Any]) -> float:
    pairs = [(a, b) for a, b in zip(told, became, strict=True) if a is not None and b is not None]
    return sum(abs(a - b) for a, b in pairs) / len(pairs)


@pytest.mark.parametrize("name", ["temperature_2m", "relative_humidity_2m", "cloud_cover", "wind_speed_10m"])
def test_a_forecast_errs_the_more_the_longer_ahead_it_was_issued(upstream, name: str):
    found = issued(upstream, [name], "2026-03-01", "2026-10-31")
    day_1, day_2, day_3 = (error(found["told"][f"{name}_previous_day{n}"], found["became"][name]) for n in (1, 2, 3))
    assert 0 < 1.15 * day_1 < day_2 < day_3 / 1.1
    if name == "temperature_2m":
        assert 0.6 < day_1 < 1.5


def test_errors_of_forecasts_last_for_hours_and_are_the_same_in_every_call(upstream):
    long = issued(upstream, ["temperature_2m"], "2026-06-01", "2026-08-31")
    short = issued(upstream, ["temperature_2m"], "2026-07-10", "2026-07-11")
    at = long["told"]["time"].index("2026-07-10T00:00")
    column = "temperature_2m_previous_day1"
    assert short["told"][column] == long["told"][column][at : at + 48]
    off = [a - b for a, b in zip(long["told"][column], long["became"]["temperature_2m"], strict=True) if b is not None]
    alike = sum(a * b for a, b in zip(off, off[3:], strict=False)) / sum(a * a for a in off)
    assert alike > 0.5, "three hours later the error is another one"


def test_the_forecast_of_now_comes_back_as_a_previous_run(upstream):
    """What was said of tomorrow's hour is what previous_day1 says of it once it is past."""
    ahead = temperatures(upstream, FORECAST, "2026-11-21", "2026-11-21")["2026-11-21T06:00"]
    upstream.now("2026-11-22T06:10")
    hourly = upstream.json(
        PREVIOUS, **LONDON, start_date="2026-11-21", end_date="2026-11-21", hourly="temperature_2m_previous_day1"
    )["hourly"]
    assert hourly["temperature_2m_previous_day1"][6] == ahead


def test_previous_runs_know_seven_days_and_only_there(upstream):
    query = LONDON | OCTOBER
    assert upstream.get(PREVIOUS, **query, hourly="temperature_2m_previous_day7").status_code == 200
    assert upstream.get(PREVIOUS, **query, hourly="temperature_2m_previous_day8").status_code == 400
    assert upstream.get(FORECAST, **query, hourly="temperature_2m_previous_day1").status_code == 400


def test_air_quality_reaches_to_the_present_hour(upstream):
    body = upstream.json(AIR, **LONDON, hourly="pm2_5,nitrogen_dioxide", start_date="2026-11-19", end_date="2026-11-20")
    assert body["hourly_units"]["pm2_5"] == "μg/m³"
    at = body["hourly"]["time"].index("2026-11-20T06:00")
    assert body["hourly"]["pm2_5"][at] is not None


def test_known_variables_that_are_not_generated_come_as_nulls(upstream):
    body = upstream.json(ARCHIVE, **LONDON, **OCTOBER, hourly="soil_temperature_0_to_7cm,windspeed_10m")
    assert set(body["hourly"]["soil_temperature_0_to_7cm"]) == {None}
    assert None not in body["hourly"]["windspeed_10m"]


def test_the_same_hour_has_the_same_value_in_every_call(upstream, start):
    long = temperatures(upstream, ARCHIVE, "2025-09-01", "2026-10-31")
    short = temperatures(upstream, ARCHIVE, "2026-10-05", "2026-10-06")
    assert short.items() <= long.items()
    other = start("--now", "2026-11-20T06:10", "--seed", "2")
    assert temperatures(other, ARCHIVE, "2026-10-05", "2026-10-06") != short
    same = start("--now", "2026-12-20T06:10", "--seed", "1")
    assert temperatures(same, ARCHIVE, "2026-10-05", "2026-10-06") == short


def test_without_a_set_time_the_clock_is_the_real_one_and_moves(upstream):
    upstream.now(None)
    first = datetime.fromisoformat(upstream.client.get("/_admin/now").json()["now"])
    assert abs(first - datetime.now(UTC).replace(tzinfo=None)) < timedelta(seconds=5)
    assert upstream.client.post("/_admin/now", json={"now": "tomorrow"}).status_code == 422
