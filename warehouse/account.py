"""What a run needs of MotherDuck, asked one by one: client, account, databases, permissions, what readers see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Literal

import duckdb

from warehouse import motherduck
from warehouse.errors import SkyduckError
from warehouse.settings import Settings

OLDEST, NEWEST = (1, 4, 0), (1, 5)  # clients that MotherDuck accepts, by its version-lifecycle page
HOST = "api.motherduck.com"


@dataclass(frozen=True)
class Check:
    """`bad`: a run would fail; `warn`: it would run, with something missing."""

    name: str
    state: Literal["ok", "warn", "bad"]
    text: str


def examine(settings: Settings) -> Iterator[Check]:
    """Without a token only the client; where nothing opens, nothing that needs it open."""
    yield _client()
    if settings.motherduck_token is None:
        return
    try:
        con = motherduck.open_database(settings, settings.database)
    except SkyduckError as error:
        yield Check("MotherDuck", "bad", str(error))
        return
    with closing(con):
        yield _account(con, settings)
        yield Check("database", "ok", f"'{settings.database}' opens (made where it was missing)")
        yield _may_write(con, settings.database)
    yield _published(settings)


def _client() -> Check:
    version = duckdb.__version__
    numbers = tuple(int(part) for part in version.split(".")[:3])
    accepted = numbers >= OLDEST and numbers[:2] <= NEWEST
    if accepted:
        return Check("client", "ok", f"duckdb {version}")
    return Check(
        "client", "bad", f"duckdb {version}: MotherDuck accepts 1.4.0 to 1.5.x. `make install` has the right one"
    )


def _account(con: duckdb.DuckDBPyConnection, settings: Settings) -> Check:
    if not motherduck.is_real(settings):
        return Check("account", "warn", f"files below {settings.motherduck_address} stand in for MotherDuck")
    try:
        row = con.execute("select username, org_name, region from md_user_info()").fetchone()
    except duckdb.Error as error:
        return Check("account", "warn", f"does not say who it is: {_first_line(error)}")
    user, organisation, region = row or ("unknown",) * 3
    return Check("account", "ok", f"{user} of {organisation}, region {region}")


def _may_write(con: duckdb.DuckDBPyConnection, database: str) -> Check:
    """Tried for good, and taken back."""
    try:
        con.execute("begin transaction")
        con.execute("create schema skyduck_doctor")
        con.execute("create table skyduck_doctor.tried as select 1 as x")
        motherduck.roll_back(con)
    except duckdb.Error as error:
        motherduck.roll_back(con)
        return Check(
            "permissions", "bad",
            f"'{database}' cannot be written: {_first_line(error)}. It takes a read/write token of its owner",
        )  # fmt: skip
    return Check("permissions", "ok", f"schemas and tables can be made in '{database}'")


def _published(settings: Settings) -> Check:
    """As a reader sees it: a replica may be a minute behind."""
    whose = (
        "the read scaling token" if settings.motherduck_read_token else "MOTHERDUCK_TOKEN (no MOTHERDUCK_READ_TOKEN)"
    )
    try:
        with closing(motherduck.open_published(settings)) as con:
            row = con.execute("select run_id, published_at from main.publication").fetchone()
    except (SkyduckError, duckdb.Error) as error:
        return Check("publication", "warn", f"{_first_line(error)} (read with {whose})")
    run_id, at = row or ("none", "never")
    return Check("publication", "ok", f"run {run_id} of {at} UTC, read with {whose}")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
