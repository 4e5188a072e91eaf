"""Databases of MotherDuck, with files attached in their stead: made, used, read across, and written by two at once."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from warehouse import motherduck, results
from warehouse.account import examine
from warehouse.connection import connect
from warehouse.errors import BadInput, LockHeld, NotBuilt, WarehouseLost
from warehouse.replica import announcements
from warehouse.settings import Settings, load_settings


@pytest.fixture
def prod(tmp_path: Path) -> Settings:
    return stand_in(tmp_path)


def stand_in(folder: Path, **more: object) -> Settings:
    (folder / "md").mkdir(exist_ok=True)
    return load_settings(
        target="prod", MOTHERDUCK_TOKEN="canary-token", motherduck_address=str(folder / "md"), data_dir=folder, **more
    )


def test_a_database_is_made_where_it_is_missing_with_its_tables_in_place(prod: Settings):
    with connect(prod) as con:
        assert con.execute("select current_database(), current_setting('TimeZone')").fetchone() == ("skyduck", "UTC")
        assert con.execute("select count(*) from raw.payloads").fetchone() == (0,)
    assert [path.name for path in Path(prod.motherduck_address).iterdir()] == ["skyduck.duckdb"]


def test_looking_makes_no_database(prod: Settings):
    with (
        pytest.raises(NotBuilt, match="no database 'skyduck' on MotherDuck yet: `skyduck run`"),
        connect(prod, read_only=True),
    ):
        pass
    assert not list(Path(prod.motherduck_address).iterdir())


def test_staging_has_a_database_of_its_own(tmp_path: Path):
    staging = stand_in(tmp_path).model_copy(update={"target": "staging"})
    with connect(staging):
        pass
    assert (tmp_path / "md" / "skyduck_staging.duckdb").exists()
    assert staging.motherduck_path.endswith("skyduck_staging.duckdb")
    assert load_settings(target="staging").motherduck_path == "md:skyduck_staging"


def test_one_database_is_read_while_another_is_written(prod: Settings):
    with closing(motherduck.open_database(prod, "skyduck")) as con:
        con.execute("create schema marts; create table marts.one as select 42 as x")
        motherduck.attach_database(con, prod, "skyduck_published", read_only=False)
        con.execute("create table skyduck_published.main.two as from skyduck.marts.one")
        assert con.execute("select x from skyduck_published.main.two").fetchone() == (42,)


def test_a_file_that_another_process_has_open_is_named(prod: Settings):
    """The stand-in has one writer at a time, as a DuckDB file has."""
    path = Path(prod.motherduck_address) / "skyduck.duckdb"
    code = f"import duckdb; con = duckdb.connect({str(path)!r}); print('open', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(LockHeld, match=r"skyduck.duckdb open"), connect(prod):
            pass
        other.communicate(b"\n")


def test_a_transaction_that_another_writer_disturbed_is_begun_anew():
    """Both see the row as it was; the second to write it fails whole, and finds the other's value the next time."""
    with duckdb.connect() as con:
        con.execute("create table t as select 1 as x")
        other = con.cursor()
        other.execute("begin transaction")
        other.execute("update t set x = 10")
        attempts = []

        def add_one() -> int:
            con.execute("begin transaction")
            try:
                con.execute("update t set x = x + 1")
                con.execute("commit")
            except BaseException:
                motherduck.roll_back(con)
                attempts.append("failed")
                other.execute("commit")
                raise
            return 1

        assert motherduck.retried(add_one) == 1
        assert attempts == ["failed"]
        assert con.execute("select x from t").fetchone() == (11,)


def test_what_is_wrong_with_the_statement_itself_is_not_said_again():
    tried = []

    def wrong() -> None:
        tried.append(1)
        with duckdb.connect() as con:
            con.execute("select * from nowhere")

    with pytest.raises(duckdb.CatalogException):
        motherduck.retried(wrong)
    assert tried == [1]


def with_read_token(settings: Settings) -> Settings:
    return settings.model_copy(
        update={"motherduck_read_token": load_settings(MOTHERDUCK_READ_TOKEN="canary-read").motherduck_read_token}
    )


def test_the_read_scaling_token_opens_a_path_of_its_own_and_a_run_never_takes_it(prod: Settings):
    """One path with two tokens in one process: "a different configuration than existing connections"."""
    run, reader = motherduck.way_of_runs(with_read_token(prod)), motherduck.way_of_readers(with_read_token(prod))
    assert run == motherduck.way_of_runs(prod) == motherduck.way_of_readers(prod) == ("md:", "canary-token")
    assert reader == ("md:?dbinstance_inactivity_ttl=0s", "canary-read")


def test_with_the_read_scaling_token_alone_only_what_is_published_is_read(prod: Settings):
    for database in (prod.database, prod.published_database):
        motherduck.open_database(prod, database).close()
    reader = with_read_token(prod).model_copy(update={"motherduck_token": None})
    with closing(motherduck.open_published(reader)) as con:
        assert con.execute("select current_database()").fetchone() == ("skyduck_published",)
    for read_only in (True, False):
        with pytest.raises(BadInput, match="MOTHERDUCK_TOKEN"), connect(reader, read_only=read_only):
            pass


NOBODY = "http://127.0.0.1:9"


def test_a_network_that_fails_within_the_block_is_told_without_the_tokens_and_is_not_our_fault(prod: Settings):
    for token in ("canary-token", "canary-read"):
        words = pytest.raises(WarehouseLost, match=r"'skyduck' was lost on the way: .*/\*\*\*/")
        with words as told, connect(with_read_token(prod)) as con:
            con.execute(f"install httpfs from '{NOBODY}/{token}'")
        assert token not in str(told.value)
        assert told.value.exit_code == 3
        assert told.value.__suppress_context__, "a traceback would show the token"


def test_a_database_that_goes_away_while_it_is_read_is_lost(prod: Settings):
    with connect(prod) as con:
        con.execute("create table main.many as select hash(i) as h from range(500000) as s(i)")

    def read_while_it_goes() -> None:
        with connect(prod, read_only=True) as con:
            os.truncate(Path(prod.motherduck_address) / "skyduck.duckdb", 3 * 4096)
            con.execute("select sum(h) from main.many")

    with pytest.raises(WarehouseLost, match="lost on the way"):
        read_while_it_goes()


def test_this_machines_files_and_a_file_warehouse_are_never_motherduck_lost(prod: Settings, tmp_path: Path):
    with pytest.raises(duckdb.IOException, match="No such file"), connect(prod) as con:
        con.execute(f"copy (select 1) to '{tmp_path}/nowhere/x.csv'")
    with pytest.raises(duckdb.IOException), connect(load_settings(data_dir=tmp_path / "dev")) as con:
        con.execute(f"install httpfs from '{NOBODY}'")
    with duckdb.connect() as closed:
        pass
    with pytest.raises(duckdb.ConnectionException, match="already closed"), connect(prod):
        closed.execute("select 1")


def test_a_write_whose_connection_is_lost_is_said_again_on_another(prod: Settings):
    rows = pa.table({"model_version": ["m-1"], "x": [1]})
    with connect(prod) as con:
        con.execute("create table ml.some (model_version text, x integer)")
    tried = []

    def lose_it_once() -> None:
        tried.append(1)
        if len(tried) == 1:
            duckdb.execute(f"install httpfs from '{NOBODY}'")

    results.replace(prod, "ml.some", rows, where="model_version = $m", values={"m": "m-1"}, before_commit=lose_it_once)
    assert len(tried) == 2
    with connect(prod, read_only=True) as con:
        assert con.execute("from ml.some").fetchall() == [("m-1", 1)]


def test_an_unreachable_motherduck_is_asked_again_and_never_shows_the_token(tmp_path: Path, capfd):
    real = load_settings(target="prod", MOTHERDUCK_TOKEN="canary-token", data_dir=tmp_path)
    told = {answer.name: answer for answer in examine(real)}
    assert told["client"].state == "ok"
    assert told["MotherDuck"].state == "bad"
    assert "canary-token" not in "".join(capfd.readouterr()) + told["MotherDuck"].text


def test_the_stand_in_is_well_and_says_that_it_stands_in(prod: Settings):
    told = {answer.name: answer for answer in examine(prod)}
    assert {name: answer.state for name, answer in told.items()} == {
        "client": "ok", "account": "warn", "database": "ok", "permissions": "ok", "publication": "warn",
    }  # fmt: skip
    with connect(prod) as con:
        schemas = con.execute("select schema_name from duckdb_schemas() where database_name = 'skyduck'").fetchall()
    assert ("skyduck_doctor",) not in schemas, "what was tried is taken back"


@pytest.mark.parametrize(("version", "state"), [("1.3.9", "bad"), ("1.4.0", "ok"), ("1.5.6", "ok"), ("2.0.0", "bad")])
def test_a_client_that_motherduck_refuses_is_bad(tmp_path: Path, monkeypatch, version: str, state: str):
    monkeypatch.setattr(duckdb, "__version__", version)
    assert next(iter(examine(load_settings(data_dir=tmp_path)))).state == state


def test_replicas_and_the_readers_share_hear_of_a_publication_in_motherducks_own_words(tmp_path: Path):
    """The grammar of its pages on CREATE SNAPSHOT, CREATE SHARE and GRANT READ ON SHARE."""
    name = '"skyduck_published"'
    assert announcements(stand_in(tmp_path)) == [f"create snapshot of {name}"]
    snapshot, share, grant = announcements(stand_in(tmp_path, motherduck_readers="duck, someone@city.example"))
    assert snapshot == f"create snapshot of {name}"
    assert share == f"create share if not exists {name} from {name} (access restricted, update automatic)"
    assert grant == f'grant read on share {name} to "duck", "someone@city.example"'


def test_a_readers_name_that_would_end_its_quotes_is_refused(tmp_path: Path):
    with pytest.raises(BadInput, match="motherduck_readers"):
        stand_in(tmp_path, motherduck_readers='duck"; drop database skyduck; --')
