"""The publication on MotherDuck (a file in its stead): there whole or not at all, fetched whole by another machine."""

from __future__ import annotations

import os
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.test_motherduck import stand_in
from warehouse import motherduck, replica, swap
from warehouse.connection import connect
from warehouse.errors import DataTestFailed, NotBuilt, WarehouseLost
from warehouse.publish import publish
from warehouse.published import open_copy, publication, published_copy
from warehouse.reader import Reader
from warehouse.settings import Settings

NOW = datetime(2026, 11, 20, 6, 10)


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    """The machine that runs."""
    return stand_in(tmp_path)


@pytest.fixture
def there(here: Settings, tmp_path: Path) -> Settings:
    """One that serves."""
    return here.model_copy(update={"data_dir": tmp_path / "there"})


def run(settings: Settings, n: int, *tables: str) -> None:
    with connect(settings) as con:
        con.execute("drop schema if exists marts cascade; create schema marts")
        for table in ("dim_series", *tables):
            con.execute(f"create table marts.{table} as select {n} as x from range({n})")
    publish(settings, run_id=f"run-{n}", now=NOW + timedelta(days=n), fingerprint=f"f{n}")


def held(settings: Settings) -> dict[str, int]:
    with open_copy(published_copy(settings)) as con:
        names = [
            name
            for (name,) in con.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
        ]
        return {name: len(con.execute(f"from marts.{name}").fetchall()) for name in names}


def test_another_machine_serves_the_publication_with_its_run_and_moment(here: Settings, there: Settings):
    run(here, 3, "fct_alerts")
    assert replica.follow(there)
    assert held(there) == {"dim_series": 3, "fct_alerts": 3}
    assert publication(published_copy(there)) == ("run-3", NOW + timedelta(days=3), "f3")
    assert not replica.follow(there), "nothing is newer"


def test_the_machine_that_published_fetches_nothing(here: Settings):
    run(here, 1)
    before = published_copy(here).stat().st_mtime_ns
    assert not replica.follow(here)
    assert published_copy(here).stat().st_mtime_ns == before


def test_a_later_publication_leaves_none_of_the_earlier_ones_tables(here: Settings, there: Settings):
    run(here, 1, "fct_gone")
    replica.follow(there)
    run(here, 2)
    assert replica.follow(there)
    assert held(there) == {"dim_series": 2}


def test_a_publication_cut_off_leaves_the_earlier_one_whole(here: Settings, there: Settings, monkeypatch):
    run(here, 1, "fct_alerts")

    def names_then_a_table_that_is_not_there(con: duckdb.DuckDBPyConnection, database: str) -> list[str]:
        return ["dim_series", "nowhere"] if database == "checked_copy" else ["dim_series", "fct_alerts"]

    with monkeypatch.context() as patch:
        patch.setattr(replica, "_names", names_then_a_table_that_is_not_there)
        with pytest.raises(duckdb.CatalogException):
            run(here, 2)
    assert publication(published_copy(here))[0] == "run-1", "here, too: what others cannot see is not published"
    replica.follow(there)
    assert held(there) == {"dim_series": 1, "fct_alerts": 1}


def announce_as_to_the_real_one(patch: pytest.MonkeyPatch) -> None:
    """Once the stand-in has it all. DuckDB knows no snapshots and no shares: MotherDuck's statements fail for real."""
    is_real, replace, announce = motherduck.is_real, replica._replace, replica._announce

    def replace_here(con: duckdb.DuckDBPyConnection, database: str) -> None:
        replace(con, database)
        patch.setattr(motherduck, "is_real", lambda settings: True)

    def announce_there(con: duckdb.DuckDBPyConnection, settings: Settings) -> list[str]:
        patch.setattr(motherduck, "is_real", is_real)
        return announce(con, settings)

    patch.setattr(replica, "_replace", replace_here)
    patch.setattr(replica, "_announce", announce_there)


def test_what_cannot_be_announced_is_a_warning_of_a_publication_that_is_there(
    here: Settings, there: Settings, monkeypatch
):
    announce_as_to_the_real_one(monkeypatch)
    with connect(here) as con:
        con.execute("create schema marts; create table marts.dim_series as select 1 as x")
    done = publish(here.model_copy(update={"motherduck_readers": "anna"}), run_id="run-1", now=NOW)
    assert [line.split("`")[1].split(' "')[0] for line in done.not_announced] == [
        "create snapshot of", "create share if not exists", "grant read on share",
    ]  # fmt: skip
    assert publication(published_copy(here))[0] == "run-1"
    assert replica.follow(there)


def test_a_publication_that_is_lost_on_the_way_leaves_the_earlier_one_here_and_there(
    here: Settings, there: Settings, monkeypatch
):
    run(here, 1)
    monkeypatch.setattr(motherduck, "CONFLICT_ATTEMPTS", 2)
    monkeypatch.setattr(
        replica, "_names", lambda con, database: con.execute("install httpfs from 'http://127.0.0.1:9'")
    )
    with pytest.raises(WarehouseLost, match="'skyduck_published' was lost on the way"):
        run(here, 2)
    monkeypatch.undo()
    assert publication(published_copy(here))[0] == "run-1"
    replica.follow(there)
    assert held(there) == {"dim_series": 1}


def test_before_anything_is_published_it_says_so(there: Settings):
    with pytest.raises(NotBuilt, match="no database 'skyduck_published'"):
        replica.follow(there)
    with closing(motherduck.open_database(there, there.published_database)):
        pass
    with pytest.raises(NotBuilt, match="nothing is published on MotherDuck yet"):
        replica.follow(there)


def test_a_copy_that_does_not_hold_what_was_published_is_refused(here: Settings, there: Settings):
    run(here, 2)
    with closing(motherduck.open_database(here, here.published_database)) as con:
        con.execute("delete from marts.dim_series")
    with pytest.raises(DataTestFailed, match="does not hold the rows"):
        replica.follow(there)
    assert not list(there.published_path.iterdir())


def test_a_damaged_local_copy_is_fetched_anew(here: Settings, there: Settings):
    run(here, 2)
    replica.follow(there)
    (there.published_path / "CURRENT").write_text("gen-gone.duckdb\n")
    assert replica.follow(there)
    assert held(there) == {"dim_series": 2}


def test_a_reader_fetches_the_first_publication_and_every_later_one(here: Settings, there: Settings, monkeypatch):
    monkeypatch.setattr(replica, "ASK_SECONDS", 0.0)
    run(here, 1)
    reader = Reader(there)
    with reader.publication() as first:
        assert first.run_id == "run-1"
        run(here, 2)
        assert first.rows("select * from marts.dim_series") == [{"x": 1}], "a question begun on one ends on it"
    for _ in range(200):
        with reader.publication() as newest:
            if newest.run_id == "run-2":
                break
        reader.follower.join()
    assert newest.run_id == "run-2"
    reader.close()


def test_a_reader_goes_on_with_what_it_has_while_motherduck_is_away(here: Settings, there: Settings, monkeypatch):
    monkeypatch.setattr(replica, "ASK_SECONDS", 0.0)
    run(here, 1)
    reader = Reader(there)
    with reader.publication():
        pass
    path = Path(there.motherduck_address) / "skyduck_published.duckdb"
    path.rename(path.with_suffix(".away"))
    for _ in range(200):
        with reader.publication() as still:
            assert still.run_id == "run-1"
        reader.follower.join()
        if reader.problem:
            break
    assert "could not be fetched" in str(reader.problem)
    reader.close()


def test_two_containers_that_share_a_data_folder_and_a_process_number_fetch_at_once(
    here: Settings, there: Settings, monkeypatch
):
    run(here, 2)
    beside = []

    def sync_while_another_fetches(path: Path) -> None:
        if not beside:
            beside.append(path)
            replica.follow(there)
            assert held(there) == {"dim_series": 2}
        swap.sync(path)

    monkeypatch.setattr(replica, "sync", sync_while_another_fetches)
    replica.follow(there)
    assert held(there) == {"dim_series": 2}
    assert {path.name for path in there.published_path.iterdir()} == {"CURRENT", "gen-run-2.duckdb"}


def test_two_that_swap_at_once_both_end_on_a_whole_pointer(tmp_path: Path, monkeypatch):
    beside = []

    def sync_while_another_swaps(path: Path) -> None:
        if not beside:
            beside.append(path)
            swap.point(tmp_path, "gen-b.duckdb")
        os.stat(path)

    dead = tmp_path / "CURRENT.dead.tmp"
    dead.write_text("gen-x.duckdb\n")
    os.utime(dead, (0, 0))
    monkeypatch.setattr(swap, "sync", sync_while_another_swaps)
    swap.point(tmp_path, "gen-a.duckdb")
    assert (tmp_path / "CURRENT").read_text() == "gen-a.duckdb\n"
    assert [path.name for path in tmp_path.iterdir()] == ["CURRENT"]


def test_a_fetch_leaves_what_a_run_beside_it_writes_and_clears_what_a_dead_one_left(here: Settings, there: Settings):
    run(here, 1)
    there.published_path.mkdir(parents=True)
    half, fresh, dead = (there.published_path / name for name in ("gen-x.duckdb.tmp", "fetched-1.tmp", "fetched-2.tmp"))
    for path in (half, fresh, dead):
        path.write_text("half a copy")
    os.utime(dead, (0, 0))
    replica.follow(there)
    assert [path.exists() for path in (half, fresh, dead)] == [True, True, False]
