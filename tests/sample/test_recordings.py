from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import Any

import pytest

from sample.recordings import Recordings, list_places, parse_place

ARCHIVE = "archive-api.open-meteo.com/v1/archive"
FORECAST = "api.open-meteo.com/v1/forecast"
PREVIOUS = "previous-runs-api.open-meteo.com/v1/forecast"
AIR = "air-quality-api.open-meteo.com/v1/air-quality"
PM25 = "api-open.data.gov.sg/v2/real-time/api/pm25"
POWER = "api.energy-charts.info/public_power"


@pytest.fixture(scope="module")
def recorded(start, recordings: Path):
    return start("--now", "2024-06-01T00:00", "--recordings", str(recordings))


def bodies(recordings: Path, folder: str) -> dict[str, Any]:
    return {
        path.name.removesuffix(".json.gz"): json.loads(gzip.decompress(path.read_bytes()))
        for path in sorted((recordings / "open_meteo" / folder).glob("*.json.gz"))
    }


def around(body: dict[str, Any]) -> dict[str, str]:
    return {"latitude": f"{body['latitude']:.4f}", "longitude": f"{body['longitude']:.4f}"}


@pytest.mark.parametrize(("folder", "target"), [("archive", ARCHIVE), ("air_quality", AIR)])
def test_a_slice_is_the_recording_and_the_nearest_place_is_chosen(recorded, recordings, folder: str, target: str):
    for name, body in bodies(recordings, folder).items():
        names = [key for key in body["hourly"] if key != "time"]
        span = {"start_date": "2022-03-01", "end_date": "2022-04-30"}
        got = recorded.json(target, **around(body), **span, hourly=",".join(names))
        first, last = (body["hourly"]["time"].index(stamp) for stamp in ("2022-03-01T00:00", "2022-04-30T23:00"))
        assert (got["latitude"], got["longitude"]) == (body["latitude"], body["longitude"]), name
        assert got["hourly"] == {key: values[first : last + 1] for key, values in body["hourly"].items()}, name


def test_several_years_of_all_cities_come_in_one_quick_call(recorded, recordings):
    cities = list(bodies(recordings, "archive").values())
    places = {key: ",".join(str(body[key]) for body in cities) for key in ("latitude", "longitude")}
    query = places | {"start_date": "2021-01-01", "end_date": "2023-12-31", "hourly": "temperature_2m,cloud_cover"}
    recorded.json(ARCHIVE, **query)
    began = time.monotonic()
    got = recorded.get(ARCHIVE, **query)
    assert time.monotonic() - began < 5  # a fraction of a second on an idle machine
    assert [len(one["hourly"]["time"]) for one in got.json()] == [3 * 365 * 24] * len(cities)


def test_hours_outside_the_recording_and_variables_it_lacks_are_null(recorded, recordings):
    body = bodies(recordings, "archive")["US-NY-NYIS"]  # starts at 04:00
    query = around(body) | {"start_date": "2020-12-31", "end_date": "2021-01-01", "hourly": "temperature_2m,rain"}
    hourly = recorded.json(ARCHIVE, **query)["hourly"]
    assert hourly["temperature_2m"][:28] == [None] * 28
    assert hourly["temperature_2m"][28:] == body["hourly"]["temperature_2m"][:20]
    assert set(hourly["rain"]) == {None}
    assert recorded.get(ARCHIVE, **(query | {"hourly": "nonsense"})).status_code == 400


def test_the_clock_hides_what_was_not_known_yet(recorded, recordings):
    body = bodies(recordings, "archive")["GB"]
    recorded.now("2022-03-10T06:10")
    try:
        query = around(body) | {"hourly": "temperature_2m"}
        archive = recorded.json(ARCHIVE, **query, start_date="2022-03-06", end_date="2022-03-10")["hourly"]
        assert archive["temperature_2m"].index(None) == 48
        recent = recorded.json(FORECAST, **query, past_days=2, forecast_days=1)["hourly"]
        start = body["hourly"]["time"].index("2022-03-08T00:00")
        assert recent["temperature_2m"][:55] == body["hourly"]["temperature_2m"][start : start + 55]
        assert set(recent["temperature_2m"][55:]) == {None}
    finally:
        recorded.now("2024-06-01T00:00")


def test_a_singapore_day_is_the_recorded_body(recorded, recordings):
    lines = gzip.decompress((recordings / "data_gov_sg/pm25/2019-09.jsonl.gz").read_bytes()).splitlines()
    for record in map(json.loads, lines[:5]):
        assert recorded.json(PM25, date=record["date"]) == record["body"]
    assert recorded.get(PM25, date="2020-05-01").json()["code"] == 17
    recorded.now("2019-09-02T03:05")
    try:
        newest = recorded.json(PM25, date="2019-09-02")["data"]["items"][0]
        assert newest["timestamp"] == "2019-09-02T10:00:00+08:00"
    finally:
        recorded.now("2024-06-01T00:00")


def test_what_was_forecast_in_the_past_is_not_recorded_and_refused_in_a_word(recorded):
    query = {"latitude": "51.5", "longitude": "-0.1", "start_date": "2024-01-01", "end_date": "2024-01-02"}
    refused = recorded.get(PREVIOUS, **query, hourly="temperature_2m_previous_day1")
    assert refused.status_code == 400
    assert refused.json()["reason"] == "No data is available for this location"


def test_a_place_far_from_every_recording_has_no_recent_hours(recorded):
    body = recorded.json(FORECAST, latitude="-80", longitude="0", hourly="temperature_2m", past_days=1, forecast_days=1)
    assert (body["latitude"], set(body["hourly"]["temperature_2m"])) == (-80.0, {None})


def test_nothing_is_generated_beside_recordings(recorded):
    assert recorded.get(POWER, country="de", start="2023-01-01").text == "no content available"


def test_the_places_are_listed_in_python_and_over_http(recorded, recordings):
    places = list_places(recordings)
    assert recorded.client.get("/_admin/places").json() == [vars(place) for place in places]
    assert {place.endpoint for place in places} == {"archive", "air_quality"}
    assert "LAQN-BT4" in {place.name for place in places}


def test_faults_apply_to_recorded_bodies(recorded, recordings):
    body = bodies(recordings, "archive")["KR"]
    recorded.faults({"match": "archive", "fault": "numbers_as_strings"})
    query = around(body) | {"start_date": "2022-03-01", "end_date": "2022-03-01", "hourly": "temperature_2m"}
    assert all(isinstance(v, str) for v in recorded.json(ARCHIVE, **query)["hourly"]["temperature_2m"])
    assert recorded.counts() == [1]


def test_files_of_one_place_are_joined_on_one_grid_by_their_own_offset():
    first = {"latitude": 1.0, "longitude": 2.0, "utc_offset_seconds": 3600,
             "hourly": {"time": ["2022-01-01T02:00", "2022-01-01T01:00"], "windspeed_10m": [2, 1]}}  # fmt: skip
    second = {"latitude": 1.0, "longitude": 2.0, "utc_offset_seconds": 0,
              "hourly": {"time": ["2022-01-01T01:00", "2022-01-01T03:00"], "windspeed_10m": [9, 4]}}  # fmt: skip
    place = parse_place("x", [first, second])
    assert place.columns == {"wind_speed_10m": [1, 2, None, 4]}
    assert place.slice("windspeed_10m", place.start - 1, place.start + 6) == [None, 1, 2, None, 4, None, None]


def test_an_empty_folder_answers_with_nulls_and_not_found(tmp_path: Path, start):
    assert Recordings(tmp_path).places() == []
    server = start("--recordings", str(tmp_path), "--now", "2024-01-01")
    query = {"latitude": "1", "longitude": "2", "start_date": "2023-01-01", "end_date": "2023-01-01"}
    assert set(server.json(ARCHIVE, **query, hourly="rain")["hourly"]["rain"]) == {None}
    assert server.get(PM25, date="2023-01-01").status_code == 404
