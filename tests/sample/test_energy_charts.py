from __future__ import annotations

import numpy as np
import pytest

POWER = "api.energy-charts.info/public_power"


def columns(body: dict) -> dict[str, list]:
    return {row["name"]: row["data"] for row in body["production_types"]}


def test_rows_that_are_not_generation_stand_among_those_that_are(upstream):
    body = upstream.json(POWER, country="it", start="2026-11-10", end="2026-11-12")
    rows = columns(body)
    assert {
        "Load", "Residual load", "Renewable share of load", "Renewable share of generation",
        "Cross border electricity trading", "Hydro pumped storage consumption", "Solar", "Fossil gas",
    } <= set(rows)  # fmt: skip
    assert {len(row) for row in rows.values()} == {len(body["unix_seconds"])}
    assert body["deprecated"] is False
    assert max(v for v in rows["Hydro pumped storage consumption"] if v is not None) <= 0


def test_a_date_is_a_local_day_and_an_instant_is_an_instant(upstream):
    local = upstream.json(POWER, country="de", start="2026-11-10", end="2026-11-10")["unix_seconds"]
    assert (local[0], len(local)) == (1794265200, 96)  # 2026-11-09T23:00Z
    exact = upstream.json(POWER, country="de", start="2026-11-10T00:00Z", end="2026-11-10T01:00Z")["unix_seconds"]
    assert exact == [1794268800 + 900 * n for n in range(5)]
    assert upstream.json(POWER, country="de", start="1794268800", end="1794272400")["unix_seconds"] == exact


def test_italy_is_hourly_before_march_2026_and_in_quarters_after(upstream):
    body = upstream.json(POWER, country="it", start="2026-02-28T12:00Z", end="2026-03-01T11:45Z")
    assert list(np.unique(np.diff(body["unix_seconds"]))) == [900, 3600]
    assert len(body["unix_seconds"]) == 12 + 48
    load = np.array(columns(body)["Load"], dtype=float)
    assert np.abs(np.diff(load)).max() < 0.2 * load.mean()  # no jump at the change


def test_generation_trade_and_pumping_balance_the_load(upstream):
    rows = columns(upstream.json(POWER, country="fr", start="2026-10-05T00:00Z", end="2026-10-06T23:45Z"))
    table = {name: np.array(values, dtype=float) for name, values in rows.items()}
    shares = ("Load", "Residual load", "Renewable share of load", "Renewable share of generation")
    made = sum(values for name, values in table.items() if name not in shares)
    gap = np.abs(made - table["Load"]) / table["Load"]
    assert np.nanmax(gap) < 0.06
    residual = table["Load"] - table["Solar"] - table["Wind onshore"] - table["Wind offshore"]
    assert np.nanmax(np.abs(residual - table["Residual load"])) < 0.5


def test_the_newest_hour_is_not_there_yet_and_recent_values_are_still_estimates(upstream):
    start = {"country": "de", "start": "2026-11-19T00:00Z", "end": "2026-11-20T23:45Z"}
    early = upstream.json(POWER, **start)
    now = 1795155000  # 2026-11-20T06:10Z
    assert now - 2 * 3600 < early["unix_seconds"][-1] < now - 1200
    upstream.now("2026-11-25T00:00")
    late = upstream.json(POWER, **start)
    assert len(late["unix_seconds"]) == 192
    then, later = (np.array(columns(body)["Solar"][40:60], dtype=float) for body in (early, late))
    assert 0 < np.nanmax(np.abs(then - later)) < 0.1 * np.nanmax(later)


def test_nulls_appear_inside_data(upstream):
    body = upstream.json(POWER, country="de", start="2025-11-01", end="2026-10-31")
    holes = {name: data.count(None) for name, data in columns(body).items()}
    assert any(holes.values())
    assert all(count < 0.02 * len(body["unix_seconds"]) for count in holes.values())


@pytest.mark.parametrize(
    "params",
    [{"country": "atlantis"}, {"country": "it", "start": "yesterday"}, {"start": "2026-11-10", "end": "2026-11-01"}],
)
def test_a_bad_parameter_is_a_422(upstream, params: dict[str, str]):
    answer = upstream.get(POWER, **params)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][0] == "query"


@pytest.mark.parametrize("params", [{"country": "it", "start": "2026-12-24"}, {"country": "mt", "start": "2026-11-01"}])
def test_nothing_to_tell_is_plain_text(upstream, params: dict[str, str]):
    answer = upstream.get(POWER, **params)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text == "no content available"
