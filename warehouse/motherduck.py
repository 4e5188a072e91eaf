"""MotherDuck: its databases opened and made, and writes that others' writes disturbed said again.

`SKYDUCK_MOTHERDUCK_ADDRESS` is `md:`, or a folder whose DuckDB files stand in for the databases of that name: attached
beside an empty database and used by name, as MotherDuck's are.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

import duckdb
import stamina

from warehouse.errors import BadInput, LockHeld, NotBuilt, WarehouseLost, WarehouseUnreachable
from warehouse.settings import Settings

MD = "md:"
# One process opens a path with one token only, and MotherDuck keeps it open for minutes after its last connection:
# readers of what is published have a path of their own, open no longer than they are.
MD_OF_READERS = f"{MD}?dbinstance_inactivity_ttl=0s"
AGENT = "skyduck"  # how MotherDuck's query history names the client
CONFLICT_ATTEMPTS, CONFLICT_SECONDS = 6, 60.0
REACH_ATTEMPTS, REACH_SECONDS = 3, 30.0
_OF_THE_NETWORK = (duckdb.IOException, duckdb.HTTPException, duckdb.ConnectionException)
_OWN_PLACE = re.compile(r'\b(?:file|directory|pattern) "([^"]+)"')  # how DuckDB names what lies on this machine
_OWN_CLOSING = "Connection already closed!"
Result = TypeVar("Result")


class Way(NamedTuple):
    """How MotherDuck is opened: the path, and the token."""

    path: str
    secret: str


class _Failed(Exception):
    """An opening that may succeed when it is asked for again; its words hold no secret."""


def is_real(settings: Settings) -> bool:
    """Whether MotherDuck itself is asked, and no stand-in."""
    return settings.motherduck_address == MD


def open_database(settings: Settings, database: str, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection whose default database is that one, made where it is missing unless `read_only`.

    Raises BadInput without a token, NotBuilt where there is no such database to read, WarehouseUnreachable.
    """
    way = way_of_runs(settings)
    return _reach(settings, database, way, lambda: _open(settings, database, way, read_only=read_only), read_only)


def open_published(settings: Settings) -> duckdb.DuckDBPyConnection:
    """As `open_database`, to read what is published and nothing else."""
    way, database = way_of_readers(settings), settings.published_database
    return _reach(settings, database, way, lambda: _open(settings, database, way, read_only=True), True)


def _reach(
    settings: Settings, database: str, way: Way, opened: Callable[[], duckdb.DuckDBPyConnection], read_only: bool
) -> duckdb.DuckDBPyConnection:
    """A connection, asked for again while the network fails; errors never show the token."""

    def ask() -> duckdb.DuckDBPyConnection:
        try:
            return opened()
        except _OF_THE_NETWORK as error:
            raise _Failed(without_tokens(settings, str(error))) from None  # what is retried is logged

    try:
        for attempt in stamina.retry_context(
            on=_Failed, attempts=REACH_ATTEMPTS if is_real(settings) else 1, timeout=REACH_SECONDS
        ):
            with attempt:
                return ask()
    except (duckdb.Error, _Failed) as error:
        raise _told(settings, database, without_tokens(settings, str(error)), read_only=read_only) from None
    raise AssertionError("a retry ends with a value or an error")


def open_any(*warehouses: Settings) -> duckdb.DuckDBPyConnection:
    """A connection on which databases of MotherDuck and local files can stand side by side; none is chosen yet."""
    remote = next((each for each in warehouses if each.is_motherduck and is_real(each)), None)
    if remote is None:
        return duckdb.connect(config=_local(warehouses[0]))
    way = way_of_runs(remote)
    return _reach(remote, remote.database, way, lambda: _connect(remote, way), False)


def attach_database(con: duckdb.DuckDBPyConnection, settings: Settings, database: str, *, read_only: bool) -> None:
    """Makes a database of MotherDuck known under its name, and makes it where it is missing unless `read_only`."""
    if not is_real(settings):
        attach(con, Path(settings.motherduck_address) / f"{database}.duckdb", database, read_only=read_only)
    elif not read_only:
        con.execute(f'create database if not exists "{database}"')


def _open(settings: Settings, database: str, way: Way, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    con = _connect(settings, way)
    try:
        attach_database(con, settings, database, read_only=read_only)
        con.execute(f'use "{database}"')
    except BaseException:
        con.close()
        raise
    return con


def _connect(settings: Settings, way: Way) -> duckdb.DuckDBPyConnection:
    account = {"motherduck_token": way.secret, "custom_user_agent": AGENT} if is_real(settings) else {}
    return duckdb.connect(way.path if is_real(settings) else ":memory:", config={**_local(settings), **account})


def _local(settings: Settings) -> dict[str, str | bool | int | float | list[str]]:
    """Of the part of a query that runs on this machine. A missing table is no variable of Python's."""
    return {
        "threads": settings.threads, "memory_limit": settings.memory_limit, "python_enable_replacements": False,
    }  # fmt: skip


def attach(con: duckdb.DuckDBPyConnection, path: Path, name: str, *, read_only: bool = False) -> None:
    """A local file under a name of its own."""
    quoted = str(path).replace("'", "''")
    con.execute(f"attach '{quoted}' as \"{name}\"" + (" (read_only)" if read_only else ""))


def demand_token(settings: Settings) -> None:
    """Raises BadInput where MotherDuck is meant and no token is set."""
    if settings.is_motherduck and settings.motherduck_token is None:
        raise BadInput(
            f"target '{settings.target}' is MotherDuck and needs MOTHERDUCK_TOKEN (environment or .env); "
            "without it everything still runs on the embedded default: SKYDUCK_TARGET=dev"
        )


def way_of_runs(settings: Settings) -> Way:
    """For all that a run reads and writes: replicas lag behind its own writes. Raises BadInput without a token."""
    demand_token(settings)
    assert settings.motherduck_token is not None
    return Way(MD, settings.motherduck_token.get_secret_value())


def way_of_readers(settings: Settings) -> Way:
    """For what is published. With a read scaling token replicas answer, and nothing can be changed.

    Raises BadInput without any token.
    """
    if settings.motherduck_read_token is None:
        return way_of_runs(settings)
    return Way(MD_OF_READERS, settings.motherduck_read_token.get_secret_value())


def _told(settings: Settings, database: str, said: str, *, read_only: bool) -> BadInput | WarehouseUnreachable:
    reason = said.splitlines()[0]
    if read_only and ("does not exist" in reason or "No catalog" in reason):
        return NotBuilt(f"there is no database '{database}' on MotherDuck yet: `skyduck run` makes it")
    if not is_real(settings) and "lock" in reason.lower():
        return LockHeld(f"another process has {database}.duckdb open; end it or wait: {reason}")
    return WarehouseUnreachable(
        f"MotherDuck database '{database}' cannot be opened: {reason}. Check the token "
        f"(MOTHERDUCK_TOKEN), the client version (duckdb {duckdb.__version__}; MotherDuck accepts 1.5.x) "
        "and the network (the motherduck extension is downloaded once, then port 443). Nothing was written. "
        "`skyduck doctor` asks one by one"
    )


@contextlib.contextmanager
def losses_told(settings: Settings, database: str) -> Iterator[None]:
    """MotherDuck lost within the block is WarehouseLost. Errors of this machine's files stay what they are."""
    try:
        yield
    except _OF_THE_NETWORK as error:
        if not _is_lost(settings, str(error)):
            raise
        reason = without_tokens(settings, str(error).splitlines()[0])
        raise WarehouseLost(
            f"MotherDuck database '{database}' was lost on the way: {reason}. What was committed stays; what was under "
            "way is not half there. Run again when it is back: `skyduck doctor` asks"
        ) from None


def _is_lost(settings: Settings, said: str) -> bool:
    if not settings.is_motherduck or _OWN_CLOSING in said:
        return False
    own = _OWN_PLACE.search(said)
    if own is None or is_real(settings):
        return own is None
    return Path(settings.motherduck_address).resolve() in Path(own[1]).resolve().parents  # a file that stands in


def without_tokens(settings: Settings, said: str) -> str:
    """Words that may be shown."""
    for token in (settings.motherduck_token, settings.motherduck_read_token):
        said = said.replace(token.get_secret_value(), "***") if token else said
    return said


def retried(work: Callable[[], Result]) -> Result:
    """The result of one transaction, begun anew after a write of somebody else's to the same rows or table.

    DuckDB and MotherDuck do not let one writer wait for another: the second one's transaction fails whole. Work that
    opens a connection of its own is also begun anew where that was lost.
    """
    for attempt in stamina.retry_context(
        on=(duckdb.TransactionException, WarehouseLost),
        attempts=CONFLICT_ATTEMPTS,
        timeout=CONFLICT_SECONDS,
        wait_initial=0.05,
    ):
        with attempt:
            return work()
    raise AssertionError("a retry ends with a value or an error")


def roll_back(con: duckdb.DuckDBPyConnection) -> None:
    """Ends a transaction that failed, if it has not ended already. What led here is the error to report.

    And ends a statement that a signal cut off, which runs on in DuckDB's threads: to roll back would wait until it is
    through, and to open the file again after a close, for ever (duckdb/duckdb#25965).
    """
    with contextlib.suppress(duckdb.Error):
        con.interrupt()
        con.rollback()


@contextlib.contextmanager
def stops_heard(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """A signal within a statement ends it, and goes on as what its handler raised.

    DuckDB makes a RuntimeError of that, which `except Exception` would take for a failure like any other.
    """
    try:
        yield
    except BaseException as error:
        roll_back(con)
        if isinstance(error, RuntimeError) and str(error) == "Query interrupted" and error.__cause__ is not None:
            raise error.__cause__ from None
        raise
