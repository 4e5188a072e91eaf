"""Private places: outside the schema raw they go by a keyed pseudonym, and by coordinates to a tenth of a degree.

dbt takes the pseudonym where a place becomes a series, so that whatever lies behind it (marts, models, logs, pages, the
published copy) never knew the true one. What is said of a place before that goes through a mask (warehouse/mask.py).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa
from pydantic import SecretStr

from warehouse.catalog import Catalog, Place, load_catalog
from warehouse.connection import connect
from warehouse.errors import BadInput, NotBuilt
from warehouse.motherduck import roll_back
from warehouse.settings import Settings

KEY = "SKYDUCK_PSEUDONYM_KEY"
DIGITS = 16  # 64 bits of the HMAC: two of a million places fall together once in 37 million keys
TEXT = ("VARCHAR", "JSON", "VARCHAR[]")
COORDINATE = re.compile(r"-?\d+\.\d+")


@dataclass(frozen=True)
class Hidden:
    """A place that is private, or was when it left the seeds. words: what must not be read of it, old names too."""

    shown_id: str
    words: list[str]

    @property
    def names(self) -> list[str]:
        return [word for word in self.words if not COORDINATE.fullmatch(word)]


def pseudonym(key: SecretStr, place_id: str) -> str:
    """HMAC-SHA256 of the id, shortened; without the key neither made again nor traced back."""
    digest = hmac.new(key.get_secret_value().encode(), f"place:{place_id}".encode(), hashlib.sha256)
    return f"p-{digest.hexdigest()[:DIGITS]}"


def pseudonyms(settings: Settings, catalog: Catalog) -> dict[str, str]:
    """place_id -> pseudonym of every private place. Raises BadInput without a key, or where it would hide nothing."""
    private = [place for place in catalog.places.values() if place.is_private]
    if not private:
        return {}
    if settings.pseudonym_key is None:
        raise BadInput(
            f"places.csv has {len(private)} private {'place' if len(private) == 1 else 'places'} and {KEY} is not set: "
            "put a key there and keep it (`openssl rand -hex 32`; environment or .env). Nothing was loaded or published"
        )
    for place in private:
        _check_hidden(place.place_id, names_of(place, catalog), catalog)
    return {place.place_id: pseudonym(settings.pseudonym_key, place.place_id) for place in private}


def _check_hidden(place_id: str, names: list[str], catalog: Catalog) -> None:
    """They stand in nothing else that is read: what is replaced there would tell whose pseudonym it is."""
    others = [other for other in catalog.places.values() if other.place_id != place_id]
    readable = [text for other in others for text in names_of(other, catalog)]
    readable += [p.country for p in catalog.places.values()]
    readable += [text for v in catalog.variables for text in (v.dataset, v.variable)]
    readable += [s.source for s in catalog.sources] + [r.rule_id for r in catalog.alert_rules]
    for word in names:
        if any(re.search(pattern_of([word]), text) for text in readable):
            raise BadInput(
                "places.csv: the id, name or subject of a private place, or of one that was, also stands in that of "
                "another place, or in a country, dataset, variable, source or rule; give it one of its own, or it "
                "hides nothing"
            )


def names_of(place: Place, catalog: Catalog) -> list[str]:
    subjects = [spec.subject for spec in catalog.series if spec.place_id == place.place_id]
    return list(dict.fromkeys([place.place_id, place.name, *subjects]))


def words_of(place: Place, catalog: Catalog) -> list[str]:
    """What must not be read of it: id, name, subjects, and coordinates finer than those shown."""
    return names_of(place, catalog) + coordinates_of(place.latitude, place.longitude)


def coordinates_of(*degrees: float) -> list[str]:
    fine = [value for value in degrees if value != round(value, 1)]
    return list(dict.fromkeys(text for value in fine for text in (f"{value:g}", str(value))))


def pattern_of(words: Iterable[str]) -> str:
    """Any of them as a whole word, with what stands around it; the same for Python and DuckDB."""
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return rf"(^|[^A-Za-z0-9])(?:{'|'.join(map(re.escape, longest_first))})($|[^A-Za-z0-9])"


def recorded(settings: Settings) -> dict[str, Hidden]:
    """What the warehouse keeps, by place_id; nothing before there is one."""
    with suppress(NotBuilt), connect(settings, read_only=not settings.is_motherduck) as con:
        return _recorded(con)
    return {}


def _recorded(con: duckdb.DuckDBPyConnection) -> dict[str, Hidden]:
    rows = con.execute("select place_id, shown_id, words from raw.private_places order by place_id").fetchall()
    return {place_id: Hidden(shown_id, words) for place_id, shown_id, words in rows}


def hidden(settings: Settings, catalog: Catalog, known: Mapping[str, Hidden]) -> dict[str, Hidden]:
    """By place_id what is hidden, of the seeds and of what is on record. Raises BadInput as `pseudonyms` does."""
    shown, key = pseudonyms(settings, catalog), settings.pseudonym_key
    for gone in known.keys() - catalog.places.keys():  # its history stays, and follows the key
        shown[gone] = pseudonym(key, gone) if key else known[gone].shown_id
    return {place_id: Hidden(shown[place_id], _all_words(place_id, catalog, known)) for place_id in sorted(shown)}


def _all_words(place_id: str, catalog: Catalog, known: Mapping[str, Hidden]) -> list[str]:
    """Those of now and of before, but for names that have gone over to another private place."""
    place = catalog.places.get(place_id)
    others = [other for other in catalog.places.values() if other.is_private and other.place_id != place_id]
    taken = {name for other in others for name in names_of(other, catalog)}
    before = Hidden("", [word for word in known[place_id].words if word not in taken] if place_id in known else [])
    _check_hidden(place_id, before.names, catalog)
    return list(dict.fromkeys([place_id, *(words_of(place, catalog) if place else []), *before.words]))


def settle(settings: Settings, now: datetime) -> list[str]:
    """Notes in the warehouse by what name each private place goes, before dbt asks; returns the names that changed.

    A place that becomes private, or public, and a new key, rename what `ml` has on record and drop the marts, all in
    one transaction: the next build makes them anew. It is the one change ever made to rows of `ml`. What a place was
    called before it left the seeds, or got another name, stays on record with it: texts of the time still say it.
    """
    catalog = load_catalog(settings.seeds_dir)
    pseudonyms(settings, catalog)  # refused before a warehouse is made
    with connect(settings) as con:
        known = _recorded(con)
        wanted = hidden(settings, catalog, known)
        if not wanted and not known:
            return []
        old, new = ({place_id: each.shown_id for place_id, each in found.items()} for found in (known, wanted))
        rows = [
            {"place_id": name, "pattern": pattern_of(each.words), "noted_at": now, **vars(each)}
            for name, each in wanted.items()
        ]
        con.execute("begin transaction")
        try:
            names = [(old.get(name, name), new.get(name, name)) for name in sorted(old | new)]
            changed = [after for before, after in names if _renamed(con, before, after)]
            if changed:
                con.execute("drop schema if exists marts cascade")
                con.execute("drop table if exists staging.int_readings_judged")
            con.execute("delete from raw.private_places")
            if rows:
                con.register("private_rows", pa.Table.from_pylist(rows))
                con.execute("insert into raw.private_places by name select * from private_rows")
                con.unregister("private_rows")
            con.execute("commit")
        except BaseException:
            roll_back(con)
            raise
    return changed


def _renamed(con: duckdb.DuckDBPyConnection, old: str, new: str) -> bool:
    """Whether anything is on record by the old name; it then has the new one, in every text of `ml`."""
    if old == new:
        return False
    found = con.execute(
        "select schema_name, table_name, column_name, data_type from duckdb_columns() semi join duckdb_tables() "
        "using (database_name, schema_name, table_name) where database_name = current_database() "
        "and (schema_name = 'ml' or (table_name, column_name) = ('dim_series', 'place_id')) "
        "and list_contains($1, data_type) order by all",
        [list(TEXT)],
    ).fetchall()
    is_known = False
    for schema, table, column, kind in found:
        n_changed = con.execute(
            f'update {schema}."{table}" set "{column}" = '
            f"regexp_replace(regexp_replace(\"{column}\"::varchar, $1, $2, 'g'), $1, $2, 'g')::{kind} "
            f'where regexp_matches("{column}"::varchar, $1)',
            [pattern_of([old]), rf"\1{new}\2"],
        ).fetchone()
        is_known |= bool(n_changed and n_changed[0])
    return is_known
