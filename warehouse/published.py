"""The reading side of the published copy: where it is, and a connection that can do nothing but read it.

    published/gen-<run_id>.duckdb   the last three
    published/CURRENT               the name of the one to read

A reader that has the old file open goes on reading it; one that asks `published_copy()` gets the newest whole one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import duckdb

from warehouse.errors import BadInput, NotBuilt
from warehouse.motherduck import stops_heard
from warehouse.settings import Settings

POINTER = "CURRENT"
# Read-only alone is no sandbox: such a connection still reads and writes other files.
_SANDBOX: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "lock_configuration": True,
    "threads": 2,
}
COPY_NAME = re.compile(r"^gen-[A-Za-z0-9][A-Za-z0-9_-]{0,80}\.duckdb$")


def published_copy(settings: Settings) -> Path:
    """The file readers open. Raises BadInput where nothing was published, or the pointer is damaged."""
    folder = settings.published_path
    pointer = folder / POINTER
    if not pointer.exists():
        raise NotBuilt(f"nothing is published in {folder} yet: `skyduck run` builds and publishes a first copy")
    name = pointer.read_text(encoding="utf-8", errors="replace").strip()
    if not COPY_NAME.match(name) or not (folder / name).is_file():
        raise BadInput(
            f"{pointer} names {name[:80]!r}, which is no published copy in {folder}: `skyduck publish` writes both anew"
        )
    return folder / name


def connect_copy(path: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection that can neither reach other files nor be talked into it; for its caller to close."""
    try:
        return duckdb.connect(str(path), read_only=True, config=_SANDBOX)
    except duckdb.Error as error:
        raise BadInput(
            f"the published copy {path.name} cannot be opened: {str(error).splitlines()[0]}. "
            "`skyduck publish` writes a new one"
        ) from None


@contextmanager
def open_copy(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """As `connect_copy`, closed at the end of the block."""
    with closing(connect_copy(path)) as con, stops_heard(con):
        yield con


def daily_at(con: duckdb.DuckDBPyConnection) -> datetime | None:
    """When a daily run last published, as a copy says; when it was published itself, where an older version made it.

    None: no daily run ever did.
    """
    found = con.execute("select * from main.publication").to_arrow_table().to_pylist()[0]
    at: datetime | None = found.get("daily_at", found["published_at"])
    return at


def publication(path: Path) -> tuple[str, datetime, str]:
    """(run_id, published_at, fingerprint) of a copy, as its own `publication` table says."""
    with open_copy(path) as con:
        row = con.execute("select run_id, published_at, fingerprint from main.publication").fetchone()
    if row is None:
        raise BadInput(f"the published copy {path.name} does not say what it is: `skyduck publish` writes a new one")
    return str(row[0]), row[1], str(row[2])
