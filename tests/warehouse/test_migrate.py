"""Moving house: everything arrives once, in order, comparable, and a move that was cut off goes on."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.warehouse.test_motherduck import stand_in
from tests.warehouse.test_raw import line, payload
from warehouse import migrate as room
from warehouse import raw
from warehouse.connection import connect
from warehouse.errors import BadInput, NotBuilt
from warehouse.migrate import migrate
from warehouse.raw import Answer
from warehouse.runs import StepRow, record
from warehouse.settings import Settings, load_settings

NOW = datetime(2026, 11, 20, 6, 10)


@pytest.fixture
def dev(tmp_path: Path) -> Settings:
    found = load_settings(data_dir=tmp_path)
    fill(found, 7)
    return found


@pytest.fixture
def prod(tmp_path: Path) -> Settings:
    return stand_in(tmp_path)


def fill(settings: Settings, n: int, first: int = 0) -> None:
    with connect(settings) as con:
        for k in range(first, first + n):
            start = NOW + timedelta(days=k)
            raw.append(con, [Answer(payload(f"sha-{k}", window_start=start), (line(start),))])
        con.execute(
            "insert into ml.champion_events by name select 'e' || k as event_id, 'r' as run_id, $1 as event_at, "
            "'weather' as dataset, 'v' as model_version, 'promote' as action, 'it''s better' as reason, "
            "'skyduck' as actor from range($2, $3) as ks(k)",
            [NOW, first, first + n],
        )


def bodies(settings: Settings) -> list[tuple[int, str, str]]:
    with connect(settings, read_only=True) as con:
        return con.execute(
            "select payload_seq, sha256, body::varchar from raw.payloads order by payload_seq"
        ).fetchall()


def test_everything_arrives_as_it_was(dev: Settings, prod: Settings):
    moved = {each.table: each for each in migrate(dev, prod)}
    assert bodies(prod) == bodies(dev)
    assert [moved[name].n_rows for name in ("raw.payloads", "raw.loads", "ml.champion_events")] == [7, 7, 7]
    assert moved["raw.payloads"].n_new == 7
    assert moved["ml.forecasts"].n_rows == 0


def test_again_it_moves_nothing_and_later_only_what_is_new(dev: Settings, prod: Settings):
    first = migrate(dev, prod)
    again = migrate(dev, prod)
    assert [each.n_new for each in again] == [0] * len(first)
    assert [(each.table, each.digest) for each in again] == [(each.table, each.digest) for each in first]
    fill(dev, 2, first=7)
    later = {each.table: each.n_new for each in migrate(dev, prod)}
    assert {name: n for name, n in later.items() if n} == {"raw.payloads": 2, "raw.loads": 2, "ml.champion_events": 2}


def test_a_move_that_was_cut_off_goes_on_after_its_last_block(dev: Settings, prod: Settings, monkeypatch):
    monkeypatch.setattr(room, "BLOCK_BYTES", 14)  # two bodies of seven bytes

    def stop_after_two(told: str) -> None:
        if "block 2" in told:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        migrate(dev, prod, stop_after_two)
    assert 0 < len(bodies(prod)) < 7
    told: list[str] = []
    migrate(dev, prod, told.append)
    assert bodies(prod) == bodies(dev)
    assert sum("block" in each for each in told) < 4, "what was there was not moved again"


def test_it_goes_back_the_same_way(dev: Settings, prod: Settings, tmp_path: Path):
    migrate(dev, prod)
    home = load_settings(data_dir=tmp_path / "home")
    migrate(prod, home)
    assert bodies(home) == bodies(dev)


def test_a_destination_with_rows_of_its_own_is_refused_and_left_as_it_is(dev: Settings, prod: Settings):
    fill(prod, 1, first=100)
    before = bodies(prod)
    with pytest.raises(BadInput, match=r"ml.champion_events of the destination has 1 rows|raw.payloads .* has 1 rows"):
        migrate(dev, prod)
    assert bodies(prod) == before


def test_what_building_and_publishing_left_there_is_nothing_of_its_own(dev: Settings, prod: Settings):
    record(dev, ran("daily", "load"))
    note_private_place(dev, NOW)
    migrate(dev, prod)
    record(prod, ran("migrate", "publish"))
    note_private_place(prod, NOW + timedelta(hours=1))
    record(dev, ran("load", "load"))
    moved = {each.table: each for each in migrate(dev, prod)}
    assert (moved["ml.runs"].n_rows, moved["ml.runs"].n_new) == (2, 1)
    assert (moved["raw.private_places"].n_rows, moved["raw.private_places"].n_new) == (1, 0)
    with connect(prod, read_only=True) as con:
        flows = con.execute("select flow from ml.runs order by 1").fetchall()
    assert flows == [("daily",), ("load",), ("migrate",)]
    record(prod, ran("daily", "load", "20261121T061000-aaaaaa"))
    with pytest.raises(BadInput, match=r"ml.runs of the destination has 1 rows"):
        migrate(dev, prod)


def ran(flow: str, step: str, run_id: str = "") -> StepRow:
    return StepRow(run_id or f"run-of-{flow}", flow, step, NOW, NOW, NOW, "ok", 1.0, 1.0, 1.0)


def note_private_place(settings: Settings, at: datetime) -> None:
    with connect(settings) as con:
        con.execute("delete from raw.private_places")
        con.execute("insert into raw.private_places values ('home', 'p-0', ['home'], 'home', $1)", [at])


def test_a_warehouse_of_an_older_version_is_moved_too(dev: Settings, prod: Settings):
    with connect(dev) as con:
        con.execute("alter table ml.champion_events drop column event_seq")
        con.execute("drop table ml.silence_events")
    # a writer's connection would mend it: what migrates opens it to read only
    moved = {each.table: each.n_rows for each in migrate(dev, prod)}
    assert moved["ml.champion_events"] == 7
    assert "ml.silence_events" not in moved


def test_nothing_to_move_and_nowhere_to_move_it_are_said(dev: Settings, prod: Settings, tmp_path: Path):
    with pytest.raises(BadInput, match="the same warehouse"):
        migrate(dev, dev)
    with pytest.raises(NotBuilt, match="nothing to migrate"):
        migrate(load_settings(data_dir=tmp_path / "empty"), prod)
