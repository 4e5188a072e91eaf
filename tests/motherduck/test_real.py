"""MotherDuck itself, where a token is set: databases of this test's own, made and dropped by it."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from tests.warehouse.test_raw import line, payload
from warehouse import motherduck, raw, replica
from warehouse.account import examine
from warehouse.connection import connect
from warehouse.errors import NotBuilt
from warehouse.migrate import migrate
from warehouse.publish import publish
from warehouse.published import open_copy, published_copy
from warehouse.raw import Answer
from warehouse.settings import Settings, load_settings

pytestmark = [
    pytest.mark.motherduck,
    pytest.mark.skipif(
        not os.environ.get("MOTHERDUCK_TOKEN"), reason="MOTHERDUCK_TOKEN is not set: MotherDuck is not asked"
    ),
]
NOW = datetime(2026, 11, 20, 6, 10)


@pytest.fixture
def prod(tmp_path: Path) -> Iterator[Settings]:
    settings = load_settings(
        target="prod", data_dir=tmp_path, motherduck_database=f"skyduck_test_{uuid.uuid4().hex[:12]}"
    )
    yield settings
    with closing(motherduck.open_any(settings)) as con:
        for name in (settings.database, settings.published_database):
            con.execute(f'drop database if exists "{name}"')


def test_it_is_well(prod: Settings) -> None:
    told = {answer.name: answer for answer in examine(prod)}
    assert {name: answer.state for name, answer in told.items() if name != "publication"} == {
        "client": "ok", "account": "ok", "database": "ok", "permissions": "ok",
    }, told  # fmt: skip
    assert "region" in told["account"].text


def test_bodies_arrive_once_and_a_publication_is_fetched_whole(prod: Settings, tmp_path: Path) -> None:
    with connect(prod) as con:
        for _ in range(2):
            raw.append(con, [Answer(payload(subject=s), (line(subject=s),)) for s in ("SG", "LON")])
        assert con.execute("select count(*) from raw.payloads").fetchone() == (2,)
        assert con.execute("select count(*) from raw.loads").fetchone() == (2,)
        con.execute("create schema marts")
        con.execute("create table marts.dim_series as select 42 as x")
    publish(prod, run_id="run-1", now=NOW)
    there = prod.model_copy(update={"data_dir": tmp_path / "there", "motherduck_read_token": None})
    assert replica.follow(there)
    with open_copy(published_copy(there)) as con:
        assert con.execute("from marts.dim_series").fetchall() == [(42,)]


@pytest.mark.skipif(
    not os.environ.get("MOTHERDUCK_READ_TOKEN"), reason="MOTHERDUCK_READ_TOKEN is not set: no replica is asked"
)
def test_one_process_reads_a_replica_while_it_reads_what_it_writes(prod: Settings, tmp_path: Path) -> None:
    assert motherduck.way_of_readers(prod).secret != motherduck.way_of_runs(prod).secret
    with connect(prod) as con:
        raw.append(con, [Answer(payload(), (line(),))])
        con.execute("create schema marts")
        con.execute("create table marts.dim_series as select 42 as x")
    publish(prod, run_id="run-1", now=NOW)
    there = prod.model_copy(update={"data_dir": tmp_path / "there"})
    with connect(prod) as con:
        wait_for(there)
        with connect(prod, read_only=True) as beside:
            assert beside.execute("select count(*) from raw.payloads").fetchone() == (1,)
        con.execute("create or replace table marts.dim_series as select 43 as x")
        with connect(prod, read_only=True) as beside:
            assert beside.execute("from marts.dim_series").fetchall() == [(43,)], "a run sees its own writes at once"
    with open_copy(published_copy(there)) as copy:
        assert copy.execute("from marts.dim_series").fetchall() == [(42,)]


def wait_for(there: Settings) -> None:
    """A replica hears of a new database after a minute or so."""
    for _ in range(20):
        with contextlib.suppress(NotBuilt):
            assert replica.follow(there)
            return
        time.sleep(15)
    raise AssertionError("no replica has the publication after five minutes")


def test_a_warehouse_moves_there_and_back(prod: Settings, tmp_path: Path) -> None:
    dev, home = (load_settings(target="dev", data_dir=tmp_path / name) for name in ("dev", "home"))
    with connect(dev) as con:
        raw.append(con, [Answer(payload(), (line(),))])
    there, back = migrate(dev, prod), migrate(prod, home)
    assert [(each.table, each.digest) for each in there] == [(each.table, each.digest) for each in back]
