"""Lists: what is asked for comes, whole, in any form, page by page."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx
import pyarrow as pa
import pytest
from pyarrow import parquet

from api import schemas
from api.lists import lists
from tests.api.serving import problem, rows

HAZE = "sgpm.region-0.pm2_5_ugm3"
WARM = "weather.city-0.temperature_c"
PARQUET, ARROW = "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream"
PATHS = {
    "/v1/datasets": 2, "/v1/series": 6, "/v1/predictions": 288, "/v1/observations": 5760, "/v1/alerts": 6,
    "/v1/monitoring/metrics": 72, "/v1/models": 4, "/v1/models/history": 2, "/v1/runs": 7,
    "/v1/runs/run-6/steps": 3,
}  # fmt: skip


@pytest.mark.parametrize(("path", "n_rows"), PATHS.items())
def test_every_list_is_whole_and_a_page_at_a_time_gives_the_same_rows_once(path: str, n_rows: int, api: httpx.Client):
    whole = rows(api.get(path, params={"limit": 50_000}))
    assert len(whole) == n_rows
    size = max(1, n_rows // 3)
    paged, cursor, n_pages = [], None, 0
    while n_pages == 0 or cursor:
        answer = api.get(path, params={"limit": size} | ({"cursor": cursor} if cursor else {}))
        paged += rows(answer)
        cursor = answer.json()["next_cursor"]
        n_pages += 1
        assert ("next" in answer.links) == (cursor is not None)
        if cursor:
            assert rows(api.get(answer.links["next"]["url"]))[0] not in paged
    assert paged == whole
    assert n_pages == -(-n_rows // size)


def test_the_contract_names_the_columns_that_come(api: httpx.Client):
    said = api.get("/openapi.json").json()
    for path in PATHS:
        template = path.replace("run-6", "{run_id}")
        page = said["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        row = said["components"]["schemas"][page.rsplit("/", 1)[-1]]["properties"]["data"]["items"]["$ref"]
        columns = said["components"]["schemas"][row.rsplit("/", 1)[-1]]["properties"]
        assert list(columns) == list(rows(api.get(path))[0]), path
    assert len(PATHS) == len(lists.routes)


@pytest.mark.parametrize(
    ("params", "n_rows"),
    [
        ({"series": HAZE}, 48),
        ({"series": [HAZE, WARM]}, 96),
        ({"dataset": "sgpm"}, 144),
        ({"dataset": "sgpm", "series": WARM}, 0),
        ({"horizon_to": 24}, 144),
        ({"horizon_from": 47}, 12),
        ({"vintage": "all"}, 2304),
        ({"vintage": "2026-11-20T06:00:00Z"}, 288),
        ({"vintage": "2026-11-20T07:00:00+01:00"}, 288),
        ({"vintage": "run-20261121"}, 288),
        ({"vintage": "run-20250101"}, 0),
        ({"bbox": "103.79,1.29,103.81,1.31"}, 48),
        ({"bbox": "103.81,1.29,103.79,1.31"}, 0),
        ({"bbox": "170,-90,-170,90"}, 0),
        ({"series": "nowhere"}, 0),
    ],
)  # fmt: skip
def test_predictions_by_series_dataset_box_horizon_and_vintage(params: Any, n_rows: int, api: httpx.Client):
    assert len(rows(api.get("/v1/predictions", params=params))) == n_rows


def test_a_prediction_says_what_when_how_sure_and_by_whom(api: httpx.Client):
    first = rows(api.get("/v1/predictions", params={"series": WARM, "horizon_to": 1}))[0]
    assert (first["series_id"], first["unit"], first["horizon_h"]) == (WARM, "°C", 1)
    assert first["origin_at"] == "2026-11-21T06:00:00Z"
    assert first["target_at"] == "2026-11-21T07:00:00Z"
    assert first["q05"] < first["q10"] < first["q50"] == first["point"] < first["q95"]
    assert first["q10"] == pytest.approx(first["q50"] - 3, abs=1e-4)
    assert first["rung"] == "champion"
    assert first["model_version"] == "weather-linear-20261114T0600-0a1b2c3d"


def test_observations_of_a_span_leave_gaps_null(api: httpx.Client):
    params = {"series": HAZE, "since": "2026-11-20T00:00:00Z", "until": "2026-11-20T01:00:00+01:00"}
    assert rows(api.get("/v1/observations", params=params)) == []
    params["until"] = "2026-11-21T00:00:00Z"
    found = rows(api.get("/v1/observations", params=params))
    assert len(found) == 24
    missing = rows(api.get("/v1/observations", params={"dataset": "sgpm", "quality": "missing"}))
    assert missing
    assert all(row["value"] is None for row in missing)


def test_alerts_models_history_metrics_and_runs_are_filtered(api: httpx.Client):
    assert all(row["is_alert"] for row in rows(api.get("/v1/alerts", params={"raised": True})))
    assert rows(api.get("/v1/alerts", params={"rule": "heat_day"})) == []
    (best,) = rows(api.get("/v1/models", params={"dataset": "sgpm", "status": "champion"}))
    assert best["report_skill"] == 0.28571
    assert rows(api.get("/v1/models/history", params={"at": "2026-11-14T05:00:00Z"})) == []
    assert len(rows(api.get("/v1/models/history", params={"at": "2026-11-14T07:00:00Z"}))) == 2
    names = {row["metric"] for row in rows(api.get("/v1/monitoring/metrics", params={"metric": "hours"}))}
    assert names == {"hours_missing", "hours_quarantined"}
    newest, before, *_ = rows(api.get("/v1/runs"))
    assert newest["started_at"] > before["started_at"]
    assert rows(api.get("/v1/runs", params={"status": "failed"})) == []


def test_csv_parquet_and_arrow_hold_what_json_holds(api: httpx.Client):
    params = {"dataset": "sgpm", "horizon_to": 3}
    told = rows(api.get("/v1/predictions", params=params))
    text = api.get("/v1/predictions", params=params, headers={"Accept": "text/csv"})
    assert text.headers["content-type"] == "text/csv; charset=utf-8"
    lines = list(csv.DictReader(io.StringIO(text.text)))
    assert [(line["series_id"], line["target_at"], float(line["q90"])) for line in lines] == [
        (row["series_id"], row["target_at"], row["q90"]) for row in told
    ]
    packed = api.get("/v1/predictions", params=params, headers={"Accept": PARQUET})
    streamed = api.get("/v1/predictions", params=params, headers={"Accept": ARROW})
    for table in (parquet.read_table(io.BytesIO(packed.content)), pa.ipc.open_stream(streamed.content).read_all()):
        assert table.num_rows == len(told)
        assert table.schema.field("target_at").type.tz == "UTC"
        assert table.column("q90").to_pylist() == pytest.approx([row["q90"] for row in told], abs=1e-5)


def test_every_list_comes_in_every_form(api: httpx.Client):
    for path in PATHS:
        for accept in ("text/csv", PARQUET, ARROW):
            assert api.get(path, headers={"Accept": accept}).status_code == 200, (path, accept)


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        ("*/*", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
        ("text/*", "text/csv; charset=utf-8"),
        (f"application/json;q=0.1, {PARQUET}", PARQUET),
        ("application/json;q=0, */*;q=0.5", "text/csv; charset=utf-8"),
    ],
)
def test_accept_chooses_the_form(accept: str, given: str, api: httpx.Client):
    assert api.get("/v1/datasets", headers={"Accept": accept}).headers["content-type"] == given


def test_a_form_that_is_not_served_is_refused_with_those_that_are(api: httpx.Client):
    assert "text/csv" in problem(api.get("/v1/datasets", headers={"Accept": "image/png"}), 406)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("limit=0", "limit"),
        ("limit=50001", "limit"),
        ("limti=5", "limti: Extra inputs are not permitted"),
        ("bbox=1,2,3", "bbox"),
        ("bbox=1,50,3,40", "south first"),
        ("bbox=999,1,3,2", "bbox"),
        ("series=" + quote("x' or 1=1 --"), "series"),
        ("horizon_from=10&horizon_to=5", "horizon_from is 10, after horizon_to (5)"),
        ("horizon_to=49", "horizon_to"),
        ("vintage=" + quote("latest; drop table"), "vintage"),
    ],
)
def test_a_wrong_parameter_is_named(query: str, said: str, api: httpx.Client):
    answer = api.get(f"/v1/predictions?{query}")
    assert said in problem(answer, 422)
    assert answer.json()["errors"]


@pytest.mark.parametrize("moment", ["yesterday", "0", "2026-13-01T00:00:00Z", "1795000000"])
def test_a_time_that_is_none_is_refused(moment: str, api: httpx.Client):
    assert "since" in problem(api.get("/v1/observations", params={"since": moment}), 422)


@pytest.mark.parametrize("cursor", ["nonsense", "!!", "W10", "WyJhIixbMSwyLDNdXQ", "AAAA"])
def test_a_cursor_of_nowhere_is_no_page(cursor: str, api: httpx.Client):
    assert "begin anew" in problem(api.get("/v1/predictions", params={"cursor": cursor}), 404)


def test_a_cursor_whose_key_is_of_another_type_is_refused(api: httpx.Client):
    cursor = schemas_cursor("run-1", ["a", "no time", "b", "c"])
    assert "timestamp" in problem(api.get("/v1/predictions", params={"cursor": cursor}), 422)


def schemas_cursor(run_id: str, after: list[str]) -> str:
    from api.cursors import Cursor

    return str(Cursor(run_id, tuple(after)))


def test_the_address_alone_says_where_to_go_on(api: httpx.Client):
    found = api.get("/").json()
    assert found["contract"] == "/openapi.json"
    assert "/v1/predictions" in found["lists"]


def test_unknown_paths_and_methods_are_problems(api: httpx.Client):
    problem(api.get("/v1/nothing"), 404)
    answer = api.delete("/v1/series")
    problem(answer, 405)
    assert answer.headers["allow"] == "GET"


def test_an_answer_is_asked_for_again_only_when_it_has_changed(api: httpx.Client):
    first = api.get("/v1/series")
    tag, modified = first.headers["etag"], first.headers["last-modified"]
    assert datetime.strptime(modified, "%a, %d %b %Y %H:%M:%S GMT") == datetime(2026, 11, 21, 6, 20)
    for headers in ({"If-None-Match": tag}, {"If-None-Match": f'"x", W/{tag}'}, {"If-Modified-Since": modified}):
        again = api.get("/v1/series", headers=headers)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    stale = {"If-None-Match": '"other"', "If-Modified-Since": modified}
    assert api.get("/v1/series", headers=stale).status_code == 200
    assert api.get("/v1/series", params={"dataset": "sgpm"}).headers["etag"] != tag
    assert api.get("/v1/series", headers={"Accept": "text/csv"}).headers["etag"] != tag


def test_answers_are_packed_for_who_takes_it_and_head_has_no_body(api: httpx.Client):
    plain = api.get("/v1/predictions", headers={"Accept-Encoding": "identity"})
    packed = api.get("/v1/predictions", headers={"Accept-Encoding": "br;q=1, gzip;q=0.5"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 4
    assert packed.json() == plain.json()
    assert "content-encoding" not in api.get("/v1/predictions", headers={"Accept-Encoding": "gzip;q=0"}).headers
    head = api.head("/v1/predictions", headers={"Accept-Encoding": "identity"})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == plain.headers["content-length"]


def test_a_name_may_be_asked_for_five_hundred_times_at_most(api: httpx.Client):
    assert schemas.MOST_ROWS == 50_000
    assert "series" in problem(api.get("/v1/predictions", params={"series": ["a.b"] * 501}), 422)
