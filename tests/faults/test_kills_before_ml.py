"""Killed while loading or while dbt builds what models learn from: the next run goes on, the old copy stays served.

One run is killed after the other on the same files and then one is let through: what a crash leaves behind is what the
next one starts from. `make soak` tries every point on files of its own.
"""

from __future__ import annotations

import pytest

from tests.e2e.fixtures import Day
from tests.e2e.inputs import DAY_2
from tests.e2e.world import Content, World, sample_server, url
from tests.faults.kills import killed_at, killed_in_dbt, rerun_converges

pytestmark = pytest.mark.timeout(600)
RAW = ("raw.payloads", "raw.loads")


def raw(content: Content) -> dict[str, object]:
    return {table: content[table] for table in RAW}


def test_kills_from_the_first_fetch_to_the_features_converge(eve: World, day_1: Day, day_2: Day) -> None:
    before, after = raw(day_1.content), raw(day_2.content)
    with sample_server(DAY_2) as server:
        killed_at("load.after_fetch", eve, SKYDUCK_SAMPLE_URL=url(server))
        asked = server.get("/_admin/requests").json()
    assert {request["status"] for request in asked} == {200}
    assert len(asked) >= 5, "nothing had been fetched when the kill came"
    assert raw(eve.content()) == before, "something was committed before the kill"
    killed_at("load.after_commit", eve)
    assert raw(eve.content()) == after, "the kill came before the commit"
    assert eve.steps(DAY_2) == [], "the load was acknowledged"
    killed_in_dbt("stg_data_gov_sg__pm25", eve, day_2, built="raw.payloads", waiting="marts.fct_observations")
    assert eve.steps(DAY_2) == ["freshness", "load"]
    killed_in_dbt("fct_observations", eve, day_2, built="staging.int_readings_judged", waiting="marts.dim_series")
    killed_in_dbt("fct_origin_features", eve, day_2, built="marts.dim_series", waiting="marts.fct_origin_features")
    assert eve.steps(DAY_2) == ["freshness"] * 3 + ["load"] * 3
    rerun_converges(eve, day_2)
