from __future__ import annotations

from datetime import date, datetime, timedelta

PM25 = "api-open.data.gov.sg/v2/real-time/api/pm25"


def days(upstream, first: date, count: int) -> list[dict]:
    return [upstream.json(PM25, date=(first + timedelta(days=n)).isoformat()) for n in range(count)]


def test_a_day_is_newest_first_with_five_regions(upstream):
    body = upstream.json(PM25, date="2026-11-10")
    assert body["code"] == 0
    assert body["errorMsg"] == ""
    regions = {region["name"] for region in body["data"]["regionMetadata"]}
    assert regions == {"north", "south", "east", "west", "central"}
    stamps = [item["timestamp"] for item in body["data"]["items"]]
    assert stamps[0] == "2026-11-10T23:00:00+08:00"
    assert stamps == sorted(stamps, reverse=True)
    assert set(body["data"]["items"][0]) == {"date", "updatedTimestamp", "timestamp", "readings"}


def test_the_order_of_regions_changes_from_item_to_item(upstream):
    items = upstream.json(PM25, date="2026-11-10")["data"]["items"]
    assert len({tuple(item["readings"]["pm25_one_hourly"]) for item in items}) > 5


def test_an_hour_is_published_about_half_an_hour_after_its_stamp(upstream):
    upstream.now("2026-11-10T03:05")  # 11:05 in Singapore
    newest = upstream.json(PM25, date="2026-11-10")["data"]["items"][0]
    assert newest["timestamp"] == "2026-11-10T10:00:00+08:00"
    upstream.now("2026-11-10T03:40")
    assert upstream.json(PM25)["data"]["items"][0]["timestamp"] == "2026-11-10T11:00:00+08:00"


def test_a_moment_asks_for_the_newest_item_up_to_it(upstream):
    items = upstream.json(PM25, date="2026-11-10T08:30:00")["data"]["items"]
    assert [item["timestamp"] for item in items] == ["2026-11-10T08:00:00+08:00"]


def test_errors_have_null_data_and_their_codes(upstream):
    bad = upstream.get(PM25, date="10-11-2026")
    assert (bad.status_code, bad.json()["code"], bad.json()["data"]) == (400, 4, None)
    token = upstream.get(PM25, date="2026-11-10", paginationToken="x")
    assert (token.status_code, token.json()["errorMsg"]) == (400, "Invalid pagination token.")
    tomorrow = upstream.get(PM25, date="2026-11-22")
    assert (tomorrow.status_code, tomorrow.json()["code"], tomorrow.json()["data"]) == (404, 17, None)
    assert tomorrow.json()["name"] == "REAL_TIME_API_DATA_NOT_FOUND"


def test_a_station_goes_offline_in_each_of_the_three_ways_and_hours_go_missing(upstream):
    bodies = days(upstream, date(2026, 3, 1), 200)
    readings = [item["readings"]["pm25_one_hourly"] for body in bodies for item in body["data"]["items"]]
    assert any(value == -1 for reading in readings for value in reading.values())
    assert any(value is None for reading in readings for value in reading.values())
    assert any(len(reading) < 5 for reading in readings)
    assert any(len(body["data"]["items"]) < 24 for body in bodies)
    present = [v for reading in readings for v in reading.values() if v is not None and v >= 0]
    assert len(present) > 0.96 * 200 * 24 * 5
    assert all(isinstance(value, int) for value in present)


def test_missing_hours_are_filled_in_later_and_their_update_time_says_when(upstream):
    filled = 0
    for n in range(150):
        day = date(2026, 4, 1) + timedelta(days=n)
        upstream.now(f"{day + timedelta(days=1)}T00:00")
        before = {i["timestamp"]: i for i in upstream.json(PM25, date=day.isoformat())["data"]["items"]}
        upstream.now("2026-11-20T06:10")
        after = {i["timestamp"]: i for i in upstream.json(PM25, date=day.isoformat())["data"]["items"]}
        for stamp, item in after.items():
            if stamp not in before or before[stamp]["readings"] != item["readings"]:
                filled += 1
                late = datetime.fromisoformat(item["updatedTimestamp"]) - datetime.fromisoformat(stamp)
                assert late > timedelta(hours=16)
    assert 3 <= filled <= 200
