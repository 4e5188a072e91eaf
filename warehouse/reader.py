"""The published copy as a server reads it: opened once, asked by many at a time, swapped when a new one is published.

A question begun on one publication ends on it; its file stays open until the last such question is over.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from warehouse.errors import BadInput, NotBuilt
from warehouse.published import COPY_NAME, POINTER, connect_copy, daily_at, published_copy
from warehouse.replica import Follower
from warehouse.settings import Settings

Row = dict[str, Any]


class Publication:
    """One published copy, open. `tables`: rows by mart."""

    def __init__(self, con: duckdb.DuckDBPyConnection, name: str) -> None:
        self._con = con
        self.name = name
        row = con.execute("select run_id, published_at, fingerprint, tables from main.publication").fetchone()
        if row is None:
            raise BadInput(f"the published copy {name} does not say what it is: `skyduck publish` writes a new one")
        self.run_id = str(row[0])
        self.published_at: datetime = row[1]
        self.fingerprint = str(row[2])
        self.daily_at = daily_at(con)
        self.tables: dict[str, int] = json.loads(row[3])
        self._users = 0
        self._is_old = False

    def table(self, sql: str, values: dict[str, Any] | None = None) -> pa.Table:
        """The answer to a question, values bound. Any thread may ask.

        Raises NotBuilt for a mart or column that an older version did not publish, BadInput for a value of another
        type.
        """
        with self._con.cursor() as cursor:
            try:
                return cursor.execute(sql, values or {}).to_arrow_table()
            except (duckdb.CatalogException, duckdb.BinderException) as error:
                seen = str(error).splitlines()[0].partition(" Error: ")[2]
                raise NotBuilt(f"the published copy {self.name} is of an older version ({seen}): run again") from None
            except duckdb.ConversionException as error:
                raise BadInput(str(error).splitlines()[0].removeprefix("Conversion Error: ")) from None

    def rows(self, sql: str, values: dict[str, Any] | None = None) -> list[Row]:
        found: list[Row] = self.table(sql, values).to_pylist()
        return found

    def has(self, table: str) -> bool:
        """Whether the copy holds the mart: one that was published by an older version may not."""
        return table in self.tables


class Reader:
    """Whatever is published, newest first. Raises BadInput while nothing is published."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._current: Publication | None = None
        self._seen: tuple[int, int] | None = None
        self._unread: str | None = None
        self.follower = Follower(settings) if settings.follows_motherduck else None

    @property
    def problem(self) -> str | None:
        """Why the newest cannot be read or fetched, while an older one is served."""
        return self._unread or (self.follower.problem if self.follower else None)

    def catch_up(self) -> None:
        """Waits until what MotherDuck has is here, where it is followed; a `problem` where it could not be fetched."""
        if self.follower:
            self.follower.look()
            self.follower.join()

    @contextmanager
    def publication(self) -> Iterator[Publication]:
        """The newest publication for the length of the block."""
        with self._lock:
            found = self._newest()
            found._users += 1
        try:
            yield found
        finally:
            self._give_back(found)

    @contextmanager
    def earlier(self, run_id: str) -> Iterator[Publication | None]:
        """The publication of that run while its file is kept; None when it is gone."""
        with self.publication() as newest:
            if newest.run_id == run_id:
                yield newest
                return
        path = self._settings.published_path / f"gen-{run_id}.duckdb"
        if not COPY_NAME.match(path.name) or not path.is_file():
            yield None
            return
        con = connect_copy(path)
        try:
            yield Publication(con, path.name)
        finally:
            con.close()

    def close(self) -> None:
        with self._lock:
            if self._current is not None:
                self._retire(self._current)
            self._current = self._seen = None

    def _newest(self) -> Publication:
        if self.follower:
            self.follower.look()
        pointer = self._settings.published_path / POINTER
        try:
            stat = pointer.stat()
            seen = (stat.st_mtime_ns, stat.st_ino)
        except OSError:
            seen = None
        if self._current is None or seen != self._seen:
            self._swap()
            self._seen = seen
        assert self._current is not None
        return self._current

    def _swap(self) -> None:
        try:
            path = published_copy(self._settings)
            if self._current is None or path.name != self._current.name:
                found = Publication(connect_copy(path), path.name)
                if self._current is not None:
                    self._retire(self._current)
                self._current = found
            self._unread = None
        except (BadInput, duckdb.Error) as error:
            if self._current is None:
                raise error if isinstance(error, BadInput) else BadInput(_unreadable(error)) from None
            self._unread = str(error) if isinstance(error, BadInput) else _unreadable(error)

    def _retire(self, old: Publication) -> None:
        old._is_old = True
        if old._users == 0:
            old._con.close()

    def _give_back(self, used: Publication) -> None:
        with self._lock:
            used._users -= 1
            if used._is_old and used._users == 0:
                used._con.close()


def _unreadable(error: duckdb.Error) -> str:
    return f"the published copy cannot be read: {str(error).splitlines()[0]}. `skyduck publish` writes a new one"
