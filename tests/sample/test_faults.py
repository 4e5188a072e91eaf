from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from sample.faults import NAMES

ARCHIVE = "archive-api.open-meteo.com/v1/archive"
PM25 = "api-open.data.gov.sg/v2/real-time/api/pm25"
POWER = "api.energy-charts.info/public_power"
QUERY = {
    "latitude": "50.1",
    "longitude": "8.7",
    "hourly": "temperature_2m,cloud_cover",
    "start_date": "2026-10-01",
    "end_date": "2026-10-03",
}


def temperatures(body: Any) -> list[Any]:
    return body["hourly"]["temperature_2m"]


def rows_of(body: Any) -> set[Any]:
    return set(zip(*body["hourly"].values(), strict=True))


def changed_rows(a: httpx.Response, b: Any) -> list[int]:
    pairs = zip(temperatures(a.json()), temperatures(b), strict=True)
    return [row for row, (now, before) in enumerate(pairs) if now != before]


# fault → (args, what its answer to an archive call must look like, given the body without the fault)
Claim = Callable[[httpx.Response, dict[str, Any]], bool]
SHAPES: dict[str, tuple[dict[str, Any], Claim]] = {
    "html200": (
        {},
        lambda a, b: a.status_code == 200 and "text/html" in a.headers["content-type"] and "<html>" in a.text,
    ),
    "text200": ({"text": "hello"}, lambda a, b: a.status_code == 200 and a.text == "hello"),
    "truncated_json": ({}, lambda a, b: a.status_code == 200 and a.text.startswith("{") and not a.text.endswith("}")),
    "empty_body": ({}, lambda a, b: a.status_code == 200 and a.content == b""),
    "error_true": ({"reason": "no"}, lambda a, b: a.status_code == 200 and a.json() == {"error": True, "reason": "no"}),
    "data_null": ({}, lambda a, b: a.json()["hourly"] is None),
    "unequal_arrays": ({"count": 5}, lambda a, b: len(temperatures(a.json())) == len(a.json()["hourly"]["time"]) - 5),
    "missing_variable": ({}, lambda a, b: list(a.json()["hourly"]) == ["time", "cloud_cover"]),
    "renamed_variable": ({"to": "temp"}, lambda a, b: a.json()["hourly"]["temp"] == temperatures(b)),
    "extra_variable": ({"variable": "x"}, lambda a, b: len(a.json()["hourly"]["x"]) == 72),
    "changed_unit": (
        {},
        lambda a, b: (
            a.json()["hourly_units"]["temperature_2m"] == "°F"
            and abs(temperatures(a.json())[0] - (temperatures(b)[0] * 1.8 + 32)) < 1e-6
        ),
    ),
    "list_for_object": ({}, lambda a, b: isinstance(a.json(), list) and a.json()[0]["hourly"] == b["hourly"]),
    "duplicate_hours": (
        {"conflicting": True},
        lambda a, b: (
            len(set(a.json()["hourly"]["time"])) == 72
            and len(a.json()["hourly"]["time"]) == 75
            and len(rows_of(a.json())) == 75
        ),
    ),
    "unordered_hours": (
        {},
        lambda a, b: (
            a.json()["hourly"]["time"] != b["hourly"]["time"]
            and sorted(a.json()["hourly"]["time"]) == b["hourly"]["time"]
        ),
    ),
    "minus_one": ({"count": 2}, lambda a, b: temperatures(a.json()).count(-1) - temperatures(b).count(-1) == 2),
    "nulls": (
        {"at": ["2026-10-01T05:00"]},
        lambda a, b: changed_rows(a, b) == [5] and temperatures(a.json())[5] is None,
    ),
    "all_null_variable": (
        {"variable": "cloud_cover"},
        lambda a, b: set(a.json()["hourly"]["cloud_cover"]) == {None} and temperatures(a.json()) == temperatures(b),
    ),
    "wrong_place": ({}, lambda a, b: abs(a.json()["latitude"] - b["latitude"]) > 20),
    "nan_token": ({}, lambda a, b: len(re.findall(r"[,\[]NaN[,\]]", a.text)) == 3),
    "infinity_token": ({}, lambda a, b: len(re.findall(r"[,\[]Infinity[,\]]", a.text)) == 3),
    "huge_number": ({"count": 1}, lambda a, b: len(re.findall(r"[,\[]1e400[,\]]", a.text)) == 1),
    "numbers_as_strings": ({}, lambda a, b: temperatures(a.json()) == [str(v) for v in temperatures(b)]),
    "negative_value": (
        {"variable": "cloud_cover", "count": 1},
        lambda a, b: min(a.json()["hourly"]["cloud_cover"]) <= -3.5,
    ),
    "status_429": (
        {"reason": "hourly", "retry_after": 7},
        lambda a, b: (
            a.status_code == 429
            and a.headers["retry-after"] == "7"
            and a.json()["reason"].startswith("Hourly API request limit")
        ),
    ),
    "status_500": ({}, lambda a, b: a.status_code == 500 and a.json()["error"] is True),
    "status_502": ({}, lambda a, b: a.status_code == 502 and "Bad Gateway" in a.text),
    "status_503": ({}, lambda a, b: a.status_code == 503 and a.json()["reason"] == "The service is overloaded"),
    "status_504": ({}, lambda a, b: a.status_code == 504),
    "slow_drip": (
        {"pause": 0.005},
        lambda a, b: a.json()["hourly"] == b["hourly"] and a.elapsed.total_seconds() > 0.05,
    ),
    "midstream_error": ({}, lambda a, b: a.status_code == 200 and "Unexpected error while streaming data: " in a.text),
    "dst_offset": (
        {},
        lambda a, b: (
            a.json()["utc_offset_seconds"] == 7200
            and a.json()["hourly"]["time"][0] == "2026-10-01T02:00"
            and temperatures(a.json()) == temperatures(b)
        ),
    ),
    "late_revision": (
        {"delta": 2, "from": "2026-10-02T00:00", "to": "2026-10-02T03:00"},
        lambda a, b: changed_rows(a, b) == [24, 25, 26],
    ),
    "missing_day": (
        {"date": "2026-10-02"},
        lambda a, b: (
            set(temperatures(a.json())[24:48]) == {None} and temperatures(a.json())[:24] == temperatures(b)[:24]
        ),
    ),
    "huge_payload": ({"mib": 3}, lambda a, b: len(a.content) > 3 * 2**20 and a.json()["hourly"] == b["hourly"]),
    "moved_grid_point": ({}, lambda a, b: 0.05 < a.json()["latitude"] - b["latitude"] < 0.1),
}
BROKEN_WIRE = {"bad_gzip", "timeout", "reset"}  # the client raises: tested one by one below


def test_every_fault_has_a_claim():
    assert set(NAMES) == set(SHAPES) | BROKEN_WIRE


@pytest.mark.parametrize("fault", sorted(SHAPES))
def test_the_fault_happens_once_is_counted_and_then_is_over(upstream, fault: str):
    args, claim = SHAPES[fault]
    plain = upstream.json(ARCHIVE, **QUERY)
    upstream.faults({"match": "archive", "fault": fault, "times": 1, "args": args})
    assert claim(upstream.get(ARCHIVE, **QUERY), plain)
    assert upstream.counts() == [1]
    assert upstream.client.get("/_admin/requests").json()[-1]["fault"] == fault
    assert upstream.json(ARCHIVE, **QUERY)["hourly"] == plain["hourly"]
    assert upstream.client.get("/_admin/requests").json()[-1]["fault"] is None


def test_a_reset_ends_the_connection_inside_the_body(upstream):
    upstream.faults({"match": "archive", "fault": "reset"})
    with pytest.raises(httpx.TransportError):
        upstream.get(ARCHIVE, **QUERY)
    assert upstream.counts() == [1]


def test_bad_gzip_cannot_be_unpacked(upstream):
    upstream.faults({"match": "archive", "fault": "bad_gzip"})
    with pytest.raises(httpx.DecodingError):
        upstream.get(ARCHIVE, **QUERY)
    assert upstream.counts() == [1]


def test_a_timeout_keeps_silent_for_its_seconds(upstream):
    upstream.faults({"match": "archive", "fault": "timeout", "args": {"seconds": 4}})
    with pytest.raises(httpx.ReadTimeout):
        upstream.client.get(f"/{ARCHIVE}", params=QUERY, timeout=0.2)
    began = time.monotonic()
    upstream.get(ARCHIVE, **QUERY)
    assert time.monotonic() - began < 3  # the server was not blocked meanwhile
    assert upstream.counts() == [1]


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        ("status_429", 429, '"code":24'),
        ("missing_day", 404, '"code":17'),
        ("data_null", 200, '"data":null'),
        ("minus_one", 200, ":-1"),
        ("missing_variable", 200, '"timestamp"'),
        ("huge_number", 200, ":1e400"),
    ],
)
def test_faults_take_the_shape_of_data_gov_sg(upstream, fault: str, status: int, words: str):
    upstream.faults({"match": "pm25?date=2026-11-10", "fault": fault, "args": {"variable": "north"}})
    answer = upstream.get(PM25, date="2026-11-10")
    assert answer.status_code == status
    assert words in answer.text
    assert upstream.counts() == [1]
    if fault == "missing_variable":
        assert '"north":' not in answer.text.split('"items"')[1]


def test_faults_take_the_shape_of_energy_charts(upstream):
    upstream.faults(
        {"match": "public_power", "fault": "late_revision", "args": {"variable": "Solar", "delta": 100}, "times": 1},
        {"match": "public_power", "fault": "unequal_arrays", "args": {"variable": "Solar"}, "times": 1},
    )
    query = {"country": "de", "start": "2026-11-10", "end": "2026-11-10"}
    revised, short, plain = (upstream.json(POWER, **query) for _ in range(3))
    rows = [{row["name"]: row["data"] for row in body["production_types"]} for body in (revised, short, plain)]
    assert rows[0]["Solar"] == [round(value + 100, 6) for value in rows[2]["Solar"]]
    assert len(rows[1]["Solar"]) == len(rows[2]["Solar"]) - 2
    assert rows[0]["Load"] == rows[1]["Load"] == rows[2]["Load"]
