from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import orjson
import pytest

from loader.source import Checked, Context, Planned, Request, Window
from loader.sources import data_gov_sg
from tests.loader.conftest import NOW
from tests.loader.upstream import DAY, HOUR, pm25_body
from warehouse.errors import BadInput

WINDOW = Window(datetime(2026, 11, 17, 16), datetime(2026, 11, 18, 16))  # 18 November in Singapore


def request(context: Context, window: Window = WINDOW) -> Request:
    [endpoint] = data_gov_sg.endpoints(context.catalog)
    [made] = data_gov_sg.requests(endpoint, [Planned("sg", window, "live")], context)
    return made


def good(day: date = date(2026, 11, 18)) -> dict[str, Any]:
    body = pm25_body(day, NOW)
    assert body is not None
    return body


def check(context: Context, document: Any, window: Window = WINDOW) -> Checked:
    content = document if isinstance(document, bytes) else orjson.dumps(document)
    [found] = data_gov_sg.check(request(context, window), content, context)
    return found


def readings(body: dict[str, Any], n: int) -> dict[str, Any]:
    found: dict[str, Any] = body["data"]["items"][n]["readings"]["pm25_one_hourly"]
    return found


def test_a_day_is_asked_for_by_its_singapore_date(context: Context):
    assert request(context).params == (("date", "2026-11-18"),)


def test_a_whole_day_newest_first_is_nothing_to_remark_on(context: Context):
    found = check(context, good())
    assert (found.status, len(found.present), found.n_values, found.reason) == ("ok", 24, 120, None)
    assert (min(found.present), max(found.present)) == (WINDOW.start, WINDOW.end - HOUR)


Change = Callable[[dict[str, Any]], Any]
BAD: dict[str, tuple[Change, str]] = {
    "data is null": (
        lambda b: b.update(code=24, data=None, errorMsg="Rate limit exceeded"),
        "'data' is null (code 24, 'Rate limit exceeded'); expected items",
    ),
    "data is a list": (lambda b: b.update(data=[1]), "'data' of the body is a list; expected an object"),
    "items missing": (lambda b: b["data"].pop("items"), "'data' has no 'items'"),
    "the shape of v1": (lambda b: b.update(items=b.pop("data")["items"]), "the body has no 'data'"),
    "a reading as a string": (lambda b: readings(b, 2).update(west="17"), "value 2 of 'west' is a string ('17')"),
    "a reading as an object": (lambda b: readings(b, 2).update(west={}), "value 2 of 'west' is an object"),
    "no readings": (lambda b: b["data"]["items"][4].pop("readings"), "item 4 has no 'readings'"),
    "a renamed variable": (
        lambda b: b["data"]["items"][0].update(readings={"pm25": {}}), "'readings' of item 0 has no 'pm25_one_hourly'",
    ),
    "a stamp without offset": (
        lambda b: b["data"]["items"][0].update(timestamp="2026-11-18T23:00:00"), "expected a full hour with its offset",
    ),
    "a stamp that is none": (lambda b: b["data"]["items"][0].update(timestamp="now"), "the stamp 'now'"),
    "an hour twice with different values": (
        lambda b: b["data"]["items"].append(b["data"]["items"][3] | {"readings": {"pm25_one_hourly": {"north": 1}}}),
        "2026-11-18 12:00 twice, with",
    ),
    "another date": (
        lambda b: b.update(good(date(2026, 11, 10))), "expected the Singapore day 2026-11-18",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_body_that_cannot_be_trusted_is_rejected_with_what_was_seen(context: Context, name: str):
    change, expected = BAD[name]
    body = good()
    change(body)
    found = check(context, body)
    assert found.status == "rejected"
    assert expected in (found.reason or "")
    assert found.document == body


@pytest.mark.parametrize("content", [b"[]", b"<html>", b"", b'{"code":0,"data":{"items":[', b"17"])
def test_what_is_no_body_at_all_is_rejected_and_kept(context: Context, content: bytes):
    found = check(context, content)
    assert found.status == "rejected"
    assert found.text == content.decode()


def test_offline_stations_are_missing_however_they_are_written(context: Context):
    body = good()
    for region, value in {"north": -1, "south": None}.items():
        readings(body, 0)[region] = value
    del readings(body, 0)["east"]
    found = check(context, body)
    assert (found.status, found.n_values, len(found.present)) == ("ok", 117, 24)


def test_an_hour_with_every_station_offline_is_not_present(context: Context):
    body = good()
    readings(body, 0).update(dict.fromkeys(data_gov_sg.REGIONS, -1))
    assert len(check(context, body).present) == 23


def test_other_negatives_are_readings_for_staging_to_judge(context: Context):
    body = good()
    readings(body, 0)["west"] = -3.5
    assert check(context, body).n_values == 120


def test_a_region_offline_all_day_is_noted(context: Context):
    body = good()
    for n in range(24):
        readings(body, n)["west"] = -1
    assert check(context, body).reason == "region west has no value"


def test_absent_hours_unknown_regions_and_identical_duplicates_are_accepted(context: Context):
    body = good()
    del body["data"]["items"][5:8]
    body["data"]["items"].append(copy.deepcopy(body["data"]["items"][0]))
    readings(body, 1)["offshore"] = 3
    found = check(context, body)
    assert (found.status, len(found.present)) == ("ok", 21)
    assert found.reason == "region offshore was not asked for; 1 duplicate stamps with the same values"


def test_order_of_keys_and_the_update_stamp_do_not_change_the_hash(context: Context):
    body = good()
    other = copy.deepcopy(body)
    for item in other["data"]["items"]:
        item["updatedTimestamp"] = "2026-11-20T00:00:00+08:00"
        shuffled = list(item["readings"]["pm25_one_hourly"].items())
        random.Random(1).shuffle(shuffled)
        item["readings"]["pm25_one_hourly"] = dict(shuffled)

    def digest(document: Any) -> bytes:
        return orjson.dumps(check(context, document).digest, option=orjson.OPT_SORT_KEYS)

    assert digest(body) == digest(other)
    readings(other, 0)["west"] += 1
    assert digest(body) != digest(other)


def test_a_region_that_does_not_exist_is_named(context: Context):
    odd = replace(context.catalog.series_of("data_gov_sg")[0], subject="centre")
    with pytest.raises(BadInput, match="no region 'centre'; it has north"):
        data_gov_sg.endpoints(replace(context.catalog, series=(odd,)))


def test_recorded_bodies_pass_as_they_are(context: Context, recorded):
    lines = recorded("data_gov_sg/pm25/2017-01.jsonl.gz").splitlines()
    for line in lines:
        day = orjson.loads(line)
        start = datetime.fromisoformat(day["date"]) - data_gov_sg.OFFSET
        found = check(context, day["body"], Window(start, start + DAY))
        assert found.status == "ok", found.reason
        assert 0 < len(found.present) <= 24


def test_recorded_errors_are_rejected_with_their_own_words(context: Context, recorded):
    for error in orjson.loads(recorded("fixtures/data_gov_sg/v2_errors.json")):
        found = check(context, error["body"])
        assert found.status == "rejected"
        assert "'data' is null" in (found.reason or "")


def test_the_recorded_body_of_v1_is_rejected(context: Context, recorded):
    assert check(context, recorded("fixtures/data_gov_sg/v1_pm25_latest.json")).status == "rejected"
