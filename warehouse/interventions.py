"""What overrides and silences have in common: a window, a reason, and rows that are only ever added.

Each is two events at most, `add` and `cancel`. What was in force at T was added by T and not cancelled by T.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any

from warehouse import results
from warehouse.connection import connect
from warehouse.decider import Decider
from warehouse.errors import BadInput
from warehouse.settings import Settings

Row = dict[str, Any]
HOUR, TICK = timedelta(hours=1), timedelta(microseconds=1)
MOST_AHEAD = timedelta(days=14)
MOST_TEXT = 300
FORMAT = "%Y-%m-%d %H:%M"


def check_text(name: str, text: str) -> None:
    if not text.strip() or len(text) > MOST_TEXT or not text.isprintable():
        raise BadInput(
            f"the {name} is {text[:80]!r}; expected 1 to {MOST_TEXT} printable characters: it is kept for good"
        )


def check_decider(by: Decider) -> None:
    check_text("reason", by.reason)
    check_text("actor", by.actor)


def check_window(start: datetime, end: datetime, now: datetime) -> None:
    """[start, end) reaches into the hours ahead, and no further than two weeks: nobody knows better for longer."""
    if end <= start:
        raise BadInput(f"the window ends at {end:{FORMAT}}, which is not after its begin, {start:{FORMAT}} (UTC)")
    if end <= now:
        raise BadInput(
            f"the window ended at {end:{FORMAT}}, and it is {now:{FORMAT}} UTC: the past stays as it was told"
        )
    if end > now + MOST_AHEAD:
        raise BadInput(f"the window ends at {end:{FORMAT}}, more than {MOST_AHEAD.days} days after {now:{FORMAT}} UTC")


def one_of(kind: str, name: str, known: list[str], *, where: str) -> None:
    """Raises BadInput with what was probably meant."""
    if name not in known:
        meant = get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(meant)}?" if meant else f"; {where}"
        raise BadInput(f"no {kind} '{name[:120]}'{hint}")


def events(settings: Settings, table: str, now: datetime) -> list[Row]:
    """Rows by `now`, in the order of their making; none in a warehouse that is older than the table."""
    schema, name = table.split(".")
    with connect(settings, read_only=True) as con:
        known = "select 1 from duckdb_tables() where schema_name = $1 and table_name = $2"
        if con.execute(known, [schema, name]).fetchone() is None:
            return []
    return results.read(settings, f"select * from {table} where event_at <= $now order by event_seq", {"now": now})


def standing(rows: list[Row], key: str) -> list[Row]:
    """One row per id from its events: what was added, with `created_at`, and `cancelled_at`, `cancelled_by` and
    `cancel_reason` (None where it stands). The newest first."""
    ends = {row[key]: row for row in reversed(rows) if row["action"] == "cancel"}
    found = []
    for row in reversed([row for row in rows if row["action"] == "add"]):
        end = ends.get(row[key], {})
        kept = {
            name: value for name, value in row.items() if name not in ("event_id", "event_seq", "event_at", "action")
        }
        told = {
            "cancelled_at": end.get("event_at"),
            "cancelled_by": end.get("actor"),
            "cancel_reason": end.get("reason"),
        }
        found.append({**kept, "created_at": row["event_at"], **told})
    return found


def listed(
    settings: Settings, table: str, mart: str, columns: tuple[str, ...], window: str, now: datetime
) -> list[Row]:
    """What was made by `now`, the newest first, with its `state` and `columns` of its record in a mart.

    `window`: the prefix of the columns that hold it, `<window>_from` and `<window>_to`.
    """
    key = table.removeprefix("ml.").replace("_events", "_id")
    known, blank = _record(settings, mart, key, columns, now), dict.fromkeys(columns)
    return [
        {**row, "state": state(row, row[f"{window}_from"], row[f"{window}_to"], now), **known.get(row[key], blank)}
        for row in standing(events(settings, table, now), key)
    ]


def state(row: Row, start: datetime, end: datetime, now: datetime) -> str:
    """cancelled, over, ahead or in force."""
    if row["cancelled_at"] is not None:
        return "cancelled"
    return "over" if end <= now else "ahead" if start > now else "in force"


def _record(settings: Settings, mart: str, key: str, columns: tuple[str, ...], now: datetime) -> dict[str, Row]:
    """What the mart knows of each id, where nothing of it came after `now`; nothing before it is built."""
    with connect(settings, read_only=True) as con:
        known = "select 1 from duckdb_columns() where schema_name = 'marts' and table_name = $1"
        if con.execute(known, [mart]).fetchone() is None:
            return {}
    rows = results.read(
        settings, f"select {key}, {', '.join(columns)} from marts.{mart} where scored_to <= $now", {"now": now}
    )
    return {row.pop(key): row for row in rows}


def require_newest(settings: Settings, table: str, results_table: str, now: datetime) -> None:
    """Raises BadInput where something was forecast or decided after `now`: nobody knows better with hindsight."""
    sql = f"""
        select max(made_at) as made_at from (
            select max(event_at) as made_at from {table}
            union all
            select max(created_at) from {results_table}
        )
    """
    with connect(settings):
        pass  # a warehouse of an older version gets the table
    newest = results.read(settings, sql, {})[0]["made_at"]
    if newest is not None and newest > now:
        raise BadInput(
            f"{now:{FORMAT}} lies before the newest of {table} and {results_table} ({newest:{FORMAT}}): "
            "history is only ever added to"
        )


def add(settings: Settings, table: str, key: str, row: Row) -> Row:
    """The row as it is on record. The same id with the same content again adds nothing; with another it is BadInput."""
    event = {"event_id": row[key], "action": "add", **row}
    results.append_events(settings, [event], table)
    (kept,) = results.read(
        settings, f"select * exclude (event_seq) from {table} where event_id = $id", {"id": row[key]}
    )
    differing = [name for name, value in row.items() if kept[name] != value and name != "event_at"]
    if differing:
        raise BadInput(f"{row[key]} is on record already, with another {', '.join(differing)}")
    return kept


def cancel(settings: Settings, table: str, key: str, results_table: str, text: str, by: Decider) -> Row:
    """The event that ends it. `text`: the id, or the last part of it. Raises BadInput for one that is over."""
    check_decider(by)
    rows = events(settings, table, by.now)
    known = [row for row in rows if row["action"] == "add"]
    found = [row for row in known if row[key] == text] or [
        row for row in known if text and row[key].endswith(f"-{text}")
    ]
    if len(found) != 1:
        several = ", ".join(row[key] for row in found)
        raise BadInput(
            f"'{text[:120]}' is the end of several: {several}" if found else f"nothing on record as '{text[:120]}'"
        )
    (row,) = found
    if done := [r for r in rows if r[key] == row[key] and r["action"] == "cancel"]:
        raise BadInput(f"{row[key]} was cancelled at {done[0]['event_at']:{FORMAT}} by {done[0]['actor']} already")
    if (end := row.get("target_to") or row["window_to"]) <= by.now:
        raise BadInput(f"{row[key]} ended at {end:{FORMAT}} UTC: there is nothing to cancel")
    require_newest(settings, table, results_table, by.now)
    event = {name: value for name, value in row.items() if name != "event_seq"}
    event |= {"event_id": f"{row[key]}.cancel", "action": "cancel", "event_at": by.now}
    event |= {"reason": by.reason, "actor": by.actor}
    results.append_events(settings, [event], table)
    return event
