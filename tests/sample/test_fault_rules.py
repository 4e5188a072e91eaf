from __future__ import annotations

import json

ARCHIVE = "archive-api.open-meteo.com/v1/archive"
PM25 = "api-open.data.gov.sg/v2/real-time/api/pm25"
QUERY = {
    "latitude": "50.1",
    "longitude": "8.7",
    "hourly": "temperature_2m,cloud_cover",
    "start_date": "2026-10-01",
    "end_date": "2026-10-03",
}


def test_a_fault_can_fall_on_one_location_of_a_list(upstream):
    query = QUERY | {"latitude": "50.1,51.5", "longitude": "8.7,-0.1"}
    plain = upstream.json(ARCHIVE, **query)
    upstream.faults({"fault": "all_null_variable", "args": {"locations": [1]}})
    first, second = upstream.json(ARCHIVE, **query)
    assert first["hourly"] == plain[0]["hourly"]
    assert set(second["hourly"]["temperature_2m"]) == {None}


def test_a_fault_that_finds_no_place_is_not_counted(upstream):
    upstream.faults(
        {"match": "pm25", "fault": "unequal_arrays"}, {"match": "archive", "fault": "nulls", "args": {"variable": "x"}}
    )
    upstream.json(PM25, date="2026-11-10")
    upstream.json(ARCHIVE, **QUERY)
    assert upstream.counts() == [0, 0]
    assert [rule["seen"] for rule in upstream.client.get("/_admin/faults").json()] == [1, 1]


def test_a_rule_can_let_requests_through_first_and_last_for_ever(upstream):
    upstream.faults({"match": "2026-11-1", "fault": "status_503", "skip": 2, "times": None})
    statuses = [upstream.get(PM25, date=f"2026-11-1{n}").status_code for n in range(5)]
    assert statuses == [200, 200, 503, 503, 503]
    assert upstream.get(PM25, date="2026-11-02").status_code == 200


def test_an_unknown_fault_is_refused_with_the_known_ones(upstream):
    answer = upstream.client.post("/_admin/faults", json=[{"fault": "gremlins"}])
    assert answer.status_code == 422
    assert "html200" in json.dumps(answer.json())


def test_faults_and_requests_can_be_forgotten(upstream):
    upstream.faults({"fault": "html200", "match": "nowhere"})
    assert upstream.client.delete("/_admin/faults").json() == []
    assert upstream.client.delete("/_admin/requests").json() == []
    upstream.json(PM25, date="2026-11-10")
    assert upstream.client.get("/_admin/requests").json() == [
        {"host": "api-open.data.gov.sg", "path": "/v2/real-time/api/pm25", "query": "date=2026-11-10", "status": 200,
         "fault": None}
    ]  # fmt: skip
