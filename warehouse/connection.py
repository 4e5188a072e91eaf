"""One way into the warehouse: a DuckDB file, or MotherDuck by configuration alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from warehouse import motherduck
from warehouse.errors import BadInput, LockHeld, NotBuilt
from warehouse.schema import ensure_schema
from warehouse.settings import Settings

_ensured: set[tuple[str, str] | None] = set()


def _open(settings: Settings, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    if settings.is_motherduck:
        return motherduck.open_database(settings, settings.database, read_only=read_only)
    path = settings.warehouse_path
    if read_only and not path.exists():
        raise NotBuilt(f"there is no warehouse at {path} yet: `skyduck run` makes one")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return duckdb.connect(
            str(path),
            read_only=read_only,
            config={"threads": settings.threads, "memory_limit": settings.memory_limit},
        )
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise LockHeld(f"another process has {path.name} open; end it or wait: {error}") from None
        raise BadInput(
            f"the warehouse file {path} cannot be opened: {str(error).splitlines()[0]}. "
            "Move it away and run `skyduck backfill` to build it again"
        ) from None


@contextmanager
def connect(settings: Settings, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in UTC, closed at the end of the block. To write: with the raw and ml tables in place.

    A look makes nothing: where the warehouse, or a table of it, is not there yet it raises NotBuilt.
    Raises WarehouseLost where MotherDuck goes away within the block.
    """
    con = _open(settings, read_only=read_only)
    try:
        with motherduck.losses_told(settings, settings.database), motherduck.stops_heard(con):
            con.execute("set timezone = 'UTC'")
            con.execute("set python_enable_replacements = false")  # a missing table is no variable of Python's
            if not read_only:
                _ensure(con, settings)
            yield con
    except duckdb.CatalogException as error:
        if (found := _not_built(error, read_only=read_only)) is None:
            raise
        raise found from None
    finally:
        con.close()


def _ensure(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Tables in place: of MotherDuck asked once a process, each statement takes a trip there."""
    place = (settings.motherduck_address, settings.database) if settings.is_motherduck else None
    if place not in _ensured:
        motherduck.retried(lambda: ensure_schema(con))
    if place and motherduck.is_real(settings):
        _ensured.add(place)


def _not_built(error: duckdb.CatalogException, *, read_only: bool) -> NotBuilt | None:
    lines = [line for line in str(error).splitlines() if not line.startswith("Did you mean")]
    seen = lines[0].removeprefix("Catalog Error: ")
    if "marts" in str(error):
        return NotBuilt(f"the marts are not built yet ({seen}): `skyduck run` or `skyduck build` makes them")
    if read_only and seen.startswith("Table with name") and re.search(r"\b(raw|ml)\.", " ".join(lines)):
        return NotBuilt(f"nothing was loaded into this warehouse yet ({seen}): `skyduck run` does it")
    return None
