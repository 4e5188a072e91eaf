"""The published copy on MotherDuck: put there whole by the run, fetched whole by every other machine that serves it.

Readers ask a file of their own, so an answer takes no trip through the network and none is mixed of two publications.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path

import duckdb

from warehouse import motherduck
from warehouse.errors import DataTestFailed, NotBuilt, SkyduckError
from warehouse.published import COPY_NAME, POINTER, publication, published_copy
from warehouse.settings import Settings
from warehouse.swap import LEFT_SECONDS, point, remove, remove_left, sync, tidy

ASK_SECONDS = 30.0  # replicas of MotherDuck lag by about a minute anyhow
_TABLES = """
    select table_name from information_schema.tables
    where table_catalog = $1 and table_schema = 'marts' order by table_name
"""


def share(settings: Settings, copy: Path) -> list[str]:
    """Puts a checked copy into the database of publications: all of its tables at once, or nothing is changed.

    Returns what could not be announced of it, and why: it is published nevertheless.
    """
    return motherduck.retried(lambda: _share(settings, copy))


def _share(settings: Settings, copy: Path) -> list[str]:
    database = settings.published_database
    with (
        motherduck.losses_told(settings, database),
        closing(motherduck.open_database(settings, database)) as con,
    ):
        motherduck.attach(con, copy, "checked_copy", read_only=True)
        _replace(con, database)
        return _announce(con, settings) if motherduck.is_real(settings) else []


def _announce(con: duckdb.DuckDBPyConnection, settings: Settings) -> list[str]:
    failed = []
    for statement in announcements(settings):
        try:
            con.execute(statement)
        except duckdb.Error as error:
            reason = motherduck.without_tokens(settings, str(error).splitlines()[0])
            failed.append(
                f"published on MotherDuck, but `{statement}` failed: {reason}. The next publication repeats it"
            )
    return failed


def announcements(settings: Settings) -> list[str]:
    """What tells MotherDuck's replicas and the readers' share of the new publication."""
    database = settings.published_database
    said = [f'create snapshot of "{database}"']
    if settings.motherduck_reader_names:
        readers = ", ".join(f'"{name}"' for name in settings.motherduck_reader_names)
        said += [
            f'create share if not exists "{database}" from "{database}" (access restricted, update automatic)',
            f'grant read on share "{database}" to {readers}',
        ]
    return said


def _replace(con: duckdb.DuckDBPyConnection, database: str) -> None:
    con.execute("begin transaction")
    try:
        con.execute(f'create schema if not exists "{database}".marts')
        new, old = _names(con, "checked_copy"), _names(con, database)
        for name in old:
            if name not in new:
                con.execute(f'drop table "{database}".marts."{name}"')
        for name in new:
            con.execute(f'create or replace table "{database}".marts."{name}" as from checked_copy.marts."{name}"')
        con.execute(f'create or replace table "{database}".main.publication as from checked_copy.main.publication')
        con.execute("commit")
    except BaseException:
        motherduck.roll_back(con)
        raise


def follow(settings: Settings) -> bool:
    """Fetches the publication of MotherDuck where the local one is another and older. Whether it did.

    Raises NotBuilt where none was shared yet, DataTestFailed for a copy that does not hold what was shared.
    """
    database = settings.published_database
    with motherduck.losses_told(settings, database), closing(motherduck.open_published(settings)) as con:
        shared = _shared(con)
        local = _local(settings)
        if local is not None and (local[0] == shared[0] or local[1] >= shared[1]):
            return False
        folder = settings.published_path
        folder.mkdir(parents=True, exist_ok=True)
        final = folder / f"gen-{shared[0]}.duckdb"
        if not COPY_NAME.match(final.name):
            raise DataTestFailed(f"MotherDuck's publication has the run id {shared[0]!r}, which is no file name")
        # of this fetch alone, in whichever container, and by a name that a run beside it leaves alone
        temporary = folder / f"fetched-{secrets.token_hex(8)}.tmp"
        try:
            _fetch(con, database, temporary)
            sync(temporary)
            os.replace(temporary, final)
        finally:
            remove(temporary)
    point(folder, final.name)
    tidy(folder, current=final.name)
    remove_left(folder, "fetched-*.tmp", older_than=LEFT_SECONDS)
    return True


def _shared(con: duckdb.DuckDBPyConnection) -> tuple[str, datetime]:
    try:
        row = con.execute("select run_id, published_at from main.publication").fetchone()
    except duckdb.CatalogException:
        row = None
    if row is None:
        raise NotBuilt("nothing is published on MotherDuck yet: `skyduck run` or `skyduck publish` does it")
    return str(row[0]), row[1]


def _local(settings: Settings) -> tuple[str, datetime] | None:
    if not (settings.published_path / POINTER).exists():
        return None
    try:
        return publication(published_copy(settings))[:2]
    except SkyduckError:
        return None  # damaged: what MotherDuck has takes its place


def _fetch(con: duckdb.DuckDBPyConnection, database: str, target: Path) -> None:
    """One transaction reads all tables, so a publication under way is seen whole or not at all."""
    remove(target)
    motherduck.attach(con, target, "fetched")
    try:
        con.execute("begin transaction")
        con.execute("create schema fetched.marts")
        for name in _names(con, database):
            con.execute(f'create table fetched.marts."{name}" as from "{database}".marts."{name}"')
        con.execute(f'create table fetched.main.publication as from "{database}".main.publication')
        expected = _one(con, "select tables from fetched.main.publication")
        con.execute("commit")
        rows = {name: _one(con, f'select count(*) from fetched.marts."{name}"') for name in _names(con, "fetched")}
        if rows != json.loads(str(expected)):
            raise DataTestFailed("the copy fetched from MotherDuck does not hold the rows that were published")
    finally:
        con.execute("detach fetched")


def _names(con: duckdb.DuckDBPyConnection, database: str) -> list[str]:
    return [name for (name,) in con.execute(_TABLES, [database]).fetchall()]


def _one(con: duckdb.DuckDBPyConnection, query: str) -> object:
    row = con.execute(query).fetchone()
    assert row is not None
    return row[0]


class Follower:
    """Keeps the local copy as new as MotherDuck's, beside those who read it. `problem`: why it could not."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._asked = -ASK_SECONDS
        self._thread: threading.Thread | None = None
        self.problem: str | None = None

    def look(self) -> None:
        """Asks when it is time to; waits for the answer only while there is nothing to read."""
        if time.monotonic() - self._asked < ASK_SECONDS or (self._thread and self._thread.is_alive()):
            return
        self._asked = time.monotonic()
        self._thread = threading.Thread(target=self._ask, name="skyduck-follow", daemon=True)
        self._thread.start()
        if not (self._settings.published_path / POINTER).exists():
            self.join()

    def join(self) -> None:
        """Waits for the question under way."""
        if self._thread:
            self._thread.join()

    def _ask(self) -> None:
        try:
            follow(self._settings)
            self.problem = None
        except (SkyduckError, duckdb.Error, OSError) as error:
            self.problem = f"the newest publication of MotherDuck could not be fetched: {str(error).splitlines()[0]}"
