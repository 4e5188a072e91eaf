"""`skyduck doctor` on a well and on an unwell machine."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from flows import doctor
from flows.doctor import Check
from loader.source import Context, Planned, Window, discover
from warehouse.catalog import load_catalog
from warehouse.connection import connect
from warehouse.privacy import KEY
from warehouse.publish import publish
from warehouse.settings import Settings, load_settings


def examined(settings: Settings) -> dict[str, Check]:
    return {check.name: check for check in doctor.examine(settings)}


def test_a_fresh_machine_is_well_and_told_what_to_do_first(settings: Settings) -> None:
    checks = examined(settings)
    assert not doctor.unwell(list(checks.values()))
    assert checks["warehouse"].state == "warn"
    assert "`skyduck run`" in checks["published copy"].text
    assert "duckdb 1.5" in checks["packages"].text
    assert not settings.data_dir.exists(), "looking creates nothing"


def test_a_warehouse_and_a_copy_that_open_are_ok(settings: Settings) -> None:
    with connect(settings) as con:
        con.execute("create schema marts")
        con.execute("create table marts.dim_series as select 1 as x")
    publish(settings, run_id="r1", now=datetime(2026, 11, 20))
    checks = examined(settings)
    assert checks["warehouse"].text == "opens; 0 bodies received"
    assert checks["published copy"].text == "gen-r1.duckdb: 1 tables"


def test_a_corrupt_warehouse_and_a_bad_pointer_are_bad(settings: Settings) -> None:
    settings.warehouse_path.parent.mkdir(parents=True)
    settings.warehouse_path.write_bytes(b"no database " * 4096)
    settings.published_path.mkdir(parents=True)
    (settings.published_path / "CURRENT").write_text("gen-gone.duckdb")
    checks = examined(settings)
    assert checks["warehouse"].state == "bad"
    assert checks["published copy"].state == "bad"
    assert doctor.unwell(list(checks.values()))


def test_a_missing_token_is_bad_only_where_it_is_demanded(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOTHERDUCK_TOKEN", raising=False)
    assert "MOTHERDUCK_TOKEN" not in examined(settings)
    prod = load_settings(data_dir=settings.data_dir, target="prod")
    assert examined(prod)["MOTHERDUCK_TOKEN"].state == "bad"


def test_a_private_place_without_a_key_is_bad(settings: Settings, tmp_path: Path) -> None:
    assert KEY not in examined(settings), "nobody is private here"
    seeds = Path(shutil.copytree(settings.seeds_dir, tmp_path / "seeds"))
    with (seeds / "places.csv").open("a", encoding="utf-8") as file:
        file.write("home-7,Ada's Cottage,GB,51.50743,-0.12784,Europe/London,true\n")
    private = settings.model_copy(update={"seeds_dir": seeds})
    assert examined(private)[KEY].state == "bad"
    assert "home-7" not in examined(private)[KEY].text
    assert examined(private.model_copy(update={"pseudonym_key": SecretStr("k" * 32)}))[KEY].state == "ok"


def test_an_unreachable_host_is_bad_and_nothing_is_asked_for_the_sample(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert examined(settings)["upstream"].state == "ok"
    monkeypatch.setattr(doctor, "hosts", lambda _: ["host.invalid"])
    live = load_settings(data_dir=settings.data_dir, upstream="live")
    assert examined(live)["host.invalid"].state == "bad"


@pytest.mark.parametrize("key", [None, "a-key"])
def test_the_hosts_asked_for_are_exactly_those_that_the_sources_ask(settings: Settings, key: str | None) -> None:
    live = load_settings(data_dir=settings.data_dir, upstream="live", open_meteo_api_key=key)
    context = Context(live, load_catalog(live.seeds_dir), datetime(2026, 11, 20, 6))
    day = Window(datetime(2026, 11, 18), datetime(2026, 11, 19))
    asked = set()
    for source in discover().values():
        for endpoint in source.endpoints(context.catalog):
            start = Window(day.start - endpoint.day_offset, day.end - endpoint.day_offset)
            planned = [Planned(subject, start, "live") for subject in endpoint.subjects]
            asked |= {request.host.name for request in source.requests(endpoint, planned, context) if request.host}
    assert len(asked) == 6
    assert set(doctor.hosts(live)) == asked
