"""Killed while loading or while dbt builds what models learn from: the rerun converges, the old copy stays served."""

from __future__ import annotations

import pytest

from tests.e2e.fixtures import Day
from tests.e2e.inputs import DAY_2
from tests.e2e.world import World, sample_server, url
from tests.faults.kills import killed_at, killed_in_dbt, rerun_converges

pytestmark = pytest.mark.timeout(600)
RAW = ("raw.payloads", "raw.loads")


def raw(world: World) -> dict[str, object]:
    content = world.content()
    return {table: content[table] for table in RAW}


def test_a_kill_around_the_commit_of_what_was_fetched_converges(eve: World, day_1: Day, day_2: Day) -> None:
    """First before the commit, then, in the rerun, after it and before anyone was told."""
    before, after = raw(day_1.world), raw(day_2.world)
    with sample_server(DAY_2) as server:
        killed_at("load.after_fetch", eve, SKYDUCK_SAMPLE_URL=url(server))
        asked = server.get("/_admin/requests").json()
    assert {request["status"] for request in asked} == {200}
    assert len(asked) >= 5, "nothing had been fetched when the kill came"
    assert raw(eve) == before, "something was committed before the kill"
    killed_at("load.after_commit", eve)
    assert raw(eve) == after, "the kill came before the commit"
    assert eve.steps(DAY_2) == [], "the load was acknowledged"
    rerun_converges(eve, day_2)


@pytest.mark.parametrize("node", ["stg_data_gov_sg__pm25", "fct_observations", "fct_origin_features"])
def test_a_kill_in_the_first_half_of_dbt_converges(node: str, eve: World, day_2: Day) -> None:
    killed_in_dbt(node, eve)
    assert eve.steps(DAY_2) == ["load", "freshness"]
    rerun_converges(eve, day_2)
