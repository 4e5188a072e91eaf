"""A source that is down, and a network that is not there."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.fixtures import Day
from tests.e2e.inputs import DAY_2, write_seeds
from tests.e2e.world import World, sample_server, url

pytestmark = pytest.mark.timeout(600)
CARBON = "carbon.DE.carbon_intensity_gco2eq_kwh"
DOWN = {"match": "api.energy-charts.info", "fault": "status_503", "times": None}


def test_a_source_that_is_down_is_named_and_the_others_are_forecast_and_published(eve: World, day_2: Day) -> None:
    with sample_server(DAY_2, DOWN) as server:
        done = eve.run(DAY_2, SKYDUCK_SAMPLE_URL=url(server))
        (rule,) = server.get("/_admin/faults").json()
        assert rule["applied"] >= 1, "the source was not down"
        assert done.returncode == 3
        line = done.stderr.strip().splitlines()[-1]
        assert "energy_charts public_power: 1 failed" in line
        assert "503" in line
        assert "What the other sources gave is built, forecast and published" in line
        _others_went_on(eve, day_2)
        server.delete("/_admin/faults")
        mended = eve.skyduck("load", "--as-of", DAY_2, SKYDUCK_SAMPLE_URL=url(server))
    assert mended.returncode == 0, mended.stderr
    assert eve.content()["raw.payloads"] == day_2.content["raw.payloads"], "something is still missing"


def _others_went_on(world: World, day_2: Day) -> None:
    rows = world.rows("select source, status, count(*) from raw.loads where attempted_at = ?::timestamp group by all "
                      "order by all", DAY_2)  # fmt: skip
    assert {source for source, status, _ in rows if status == "ok"} == {"data_gov_sg", "files", "open_meteo"}
    assert [(source, n) for source, status, n in rows if status == "failed"] == [("energy_charts", 1)]
    forecast = dict(world.published("select series_id, count(*) from marts.fct_current_forecasts group by 1"))
    assert set(forecast.values()) == {48}
    assert set(forecast) == {row[0] for row in day_2.world.rows("select distinct series_id from ml.forecasts")}
    gaps = world.published(
        "select source, n_open_windows, failing_reason from marts.fct_loads where n_open_windows > 0"
    )
    assert [(source, n) for source, n, _ in gaps] == [("energy_charts", 1)]
    assert "503" in gaps[0][2]
    (last,) = world.published(f"select max(origin_at) from marts.fct_forecasts where series_id = '{CARBON}'")
    assert f"{last[0]:%Y-%m-%dT%H}" == DAY_2[:13]


def test_a_live_run_on_an_unreachable_network_never_falls_back_to_the_sample(tmp_path: Path) -> None:
    world = World(tmp_path)
    write_seeds(world.seeds, ("weather,SG,open_meteo,SG",))
    with dead_end() as (proxy, hosts):
        environment = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"), proxy)
        environment |= {"NO_PROXY": "", "no_proxy": "", "SKYDUCK_HTTP_ATTEMPTS": "1", "SKYDUCK_HISTORY_DAYS": "3"}
        done = world.run(DAY_2, "--upstream", "live", **environment)
    assert "archive-api.open-meteo.com:443" in hosts, "the run did not try the network"
    assert done.returncode == 3
    line = done.stderr.strip().splitlines()[-1]
    assert "archive-api.open-meteo.com cannot be reached" in line
    assert not (world.data / "logs" / "sample.log").exists(), "a sample server was started"
    assert world.rows("select distinct status from raw.loads") == [("failed",)]
    assert world.value("select count(*) from raw.payloads") == 0
    assert not (world.settings.published_path / "CURRENT").exists()


@contextmanager
def dead_end() -> Iterator[tuple[str, list[str]]]:
    """A proxy that hangs up on everyone, and the hosts it was asked for."""
    hosts: list[str] = []

    class HangUp(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            hosts.append(self.rfile.readline().decode().split()[1])

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), HangUp) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", hosts
        server.shutdown()
