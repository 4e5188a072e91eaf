from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from sample.limits import SlidingWindow, WeightedWindows, weight

ARCHIVE = "archive-api.open-meteo.com/v1/archive"
AIR = "air-quality-api.open-meteo.com/v1/air-quality"
PM25 = "api-open.data.gov.sg/v2/real-time/api/pm25"
POWER = "api.energy-charts.info/public_power"
YEAR = {"latitude": "50.1", "longitude": "8.7", "start_date": "2025-10-01", "end_date": "2026-09-30"}


@pytest.fixture(scope="module")
def limited(start):
    return start("--now", "2026-11-20T06:10", "--limits", "documented")


def test_a_city_with_ten_variables_for_a_year_weighs_26():
    assert round(weight(10, [365])) == 26
    assert weight(4, [1]) == 1
    assert weight(4, [400, 400]) == pytest.approx(2 * 0.4 * 400 / 14)


def test_each_open_meteo_window_has_its_own_reason():
    clock = [86400.0 * 20000]
    windows = WeightedWindows(clock=lambda: clock[0])
    windows.add("a", 599)
    assert windows.exceeded("a") is None
    windows.add("a", 30)  # added after the call: the limit may be overrun once
    assert str(windows.exceeded("a")).startswith("Minutely")
    assert windows.exceeded("b") is None
    clock[0] += 60
    assert windows.exceeded("a") is None
    windows.add("a", 4500)
    clock[0] += 60
    assert str(windows.exceeded("a")).startswith("Hourly")
    clock[0] += 3600
    windows.add("a", 4900)
    clock[0] += 3600
    assert str(windows.exceeded("a")).startswith("Daily")


def test_a_sliding_window_says_how_long_to_wait():
    clock = [0.0]
    window = SlidingWindow(2, 10, clock=lambda: clock[0])
    assert window.wait() == 0
    clock[0] = 4
    assert window.wait() == 0
    assert window.wait() == 6
    clock[0] = 10
    assert window.wait() == 0


def test_a_call_that_weighs_more_than_5000_is_refused(limited):
    places = {"latitude": ",".join(["50"] * 400), "longitude": ",".join(["8"] * 400)}
    answer = limited.get(
        ARCHIVE, **(YEAR | places), hourly="temperature_2m,rain,cloud_cover,dew_point_2m,precipitation"
    )
    assert answer.status_code == 400
    assert "5000" in answer.json()["reason"]


def test_open_meteo_answers_429_once_the_minute_is_used_up(limited):
    places = {"latitude": ",".join(["50"] * 60), "longitude": ",".join(["8"] * 60)}
    calls = (limited.get(AIR, **(YEAR | places), hourly="pm2_5,ozone,pm10,dust") for _ in range(4))
    assert next(calls).status_code == 200
    last = next(answer for answer in calls if answer.status_code != 200)
    assert last.status_code == 429
    assert last.json() == {
        "error": True,
        "reason": "Minutely API request limit exceeded. Please try again in one minute.",
    }
    assert "retry-after" not in last.headers


def test_too_many_requests_at_once_are_turned_away(limited):
    query = YEAR | {"start_date": "2026-09-30", "hourly": "temperature_2m"}
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda _: limited.get(ARCHIVE, **query), range(24)))
    reasons = {answer.json().get("reason") for answer in answers if answer.status_code == 429}
    assert reasons == {"Too many concurrent requests"}
    assert any(answer.status_code == 200 for answer in answers)


def test_data_gov_sg_takes_6_calls_in_10_seconds_and_12_with_a_key(limited):
    plain = [limited.get(PM25, date="2026-11-10") for _ in range(7)]
    assert [answer.status_code for answer in plain] == [200] * 6 + [429]
    assert plain[-1].json()["code"] == 24
    assert plain[-1].json()["data"] is None
    keyed = [limited.get(PM25, {"x-api-key": "abc"}, date="2026-11-10").status_code for _ in range(13)]
    assert keyed == [200] * 12 + [429]


def test_energy_charts_says_how_long_to_wait(limited):
    answers = [limited.get(POWER, country="at", start="2026-11-10") for _ in range(31)]
    assert {answer.status_code for answer in answers[:30]} == {200}
    assert answers[30].status_code == 429
    assert 1 <= int(answers[30].headers["retry-after"]) <= 60


def test_without_limits_nothing_is_counted_and_every_answer_says_so(upstream, limited):
    answers = [upstream.get(PM25, date="2026-11-10") for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["x-sample-limits"] for answer in answers} == {"off"}
    assert limited.client.get("/nowhere").headers["x-sample-limits"] == "documented"
