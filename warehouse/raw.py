"""The `raw` schema: bodies as received, and the ledger of every attempt. Appended to in bulk, never updated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from warehouse.motherduck import retried, roll_back

Connection = duckdb.DuckDBPyConnection  # for rooms that may not import duckdb
_TIME = pa.timestamp("us")
_PAYLOADS = pa.schema(
    [("n", pa.int64()), ("run_id", pa.string()), ("source", pa.string()), ("endpoint", pa.string()),
     ("subject", pa.string()), ("window_start", _TIME), ("window_end", _TIME), ("fetched_at", _TIME),
     ("mode", pa.string()), ("status", pa.string()), ("reason", pa.string()), ("sha256", pa.string()),
     ("body", pa.large_string()), ("body_text", pa.large_string()), ("n_bytes", pa.int64())]
)  # fmt: skip
_LOADS = pa.schema(
    [("run_id", pa.string()), ("source", pa.string()), ("endpoint", pa.string()), ("subject", pa.string()),
     ("window_start", _TIME), ("window_end", _TIME), ("attempted_at", _TIME), ("status", pa.string()),
     ("reason", pa.string()), ("n_expected", pa.int32()), ("n_present", pa.int32()), ("last_observed_at", _TIME),
     ("is_new_body", pa.bool_()), ("http_status", pa.int32()), ("weight", pa.float64()), ("seconds", pa.float64())]
)  # fmt: skip

_LINE = ("run_id", "source", "endpoint", "subject", "window_start", "window_end", "attempted_at")


@dataclass(frozen=True)
class Payload:
    """A body received: `body` holds JSON text, `body_text` what was no JSON."""

    run_id: str
    source: str
    endpoint: str
    subject: str
    window_start: datetime
    window_end: datetime
    fetched_at: datetime
    mode: str
    status: str
    reason: str | None
    sha256: str
    body: str | None
    body_text: str | None
    n_bytes: int

    @property
    def key(self) -> tuple[str, str, str, datetime, datetime]:
        return self.source, self.endpoint, self.subject, self.window_start, self.window_end


@dataclass(frozen=True)
class Load:
    """One line of the ledger: what one attempt brought for one stretch of days."""

    run_id: str
    source: str
    endpoint: str
    subject: str
    window_start: datetime
    window_end: datetime
    attempted_at: datetime
    status: str
    reason: str | None
    n_expected: int
    n_present: int
    last_observed_at: datetime | None
    http_status: int | None
    weight: float
    seconds: float


@dataclass(frozen=True)
class Answer:
    """What one request brought for one subject: a body, if there was one, and its lines in the ledger."""

    payload: Payload | None
    loads: tuple[Load, ...]


def append(con: duckdb.DuckDBPyConnection, answers: Sequence[Answer]) -> list[bool]:
    """Bodies and ledger lines in one transaction; returns for each answer whether its body was new.

    A body with the sha256 of the newest one stored for its window is not stored again, nor is a line of the ledger that
    is there: what was committed without its caller hearing of it may be said again.
    """
    return retried(lambda: _append(con, answers))


def _append(con: duckdb.DuckDBPyConnection, answers: Sequence[Answer]) -> list[bool]:
    con.execute("begin transaction")
    try:
        newest = _newest_sha(con, [a.payload for a in answers if a.payload])
        bodies: list[dict[str, Any]] = []
        loads: list[dict[str, Any]] = []
        flags: list[bool] = []
        for answer in answers:
            payload = answer.payload
            is_new = payload is not None and newest.get(payload.key) != payload.sha256
            if payload and is_new:
                newest[payload.key] = payload.sha256
                bodies.append({"n": len(bodies) + 1, **asdict(payload)})
            flags.append(is_new)
            loads.extend({**asdict(load), "is_new_body": is_new} for load in answer.loads)
        _insert_payloads(con, bodies)
        _insert_loads(con, loads)
        con.execute("commit")
    except BaseException:
        roll_back(con)
        raise
    return flags


def _newest_sha(con: duckdb.DuckDBPyConnection, payloads: Sequence[Payload]) -> dict[tuple[Any, ...], str]:
    """sha256 of the newest body stored for each window of the batch."""
    if not payloads:
        return {}
    names = ("source", "endpoint", "subject", "window_start", "window_end")
    keys = pa.table({n: pa.array([getattr(p, n) for p in payloads], _PAYLOADS.field(n).type) for n in names})
    con.register("batch_keys", keys)
    rows = con.execute(
        f"""
        select {", ".join(names)}, arg_max(sha256, payload_seq)
        from raw.payloads semi join batch_keys using ({", ".join(names)})
        group by all
        """
    ).fetchall()
    con.unregister("batch_keys")
    return {tuple(row[:5]): row[5] for row in rows}


def _insert_payloads(con: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    names = ", ".join(name for name in _PAYLOADS.names if name not in ("n", "body", "body_text"))
    con.register("batch_payloads", pa.Table.from_pylist(rows, schema=_PAYLOADS))
    # a body that this DuckDB will not take as JSON is kept as text rather than failing the batch
    con.execute(
        f"""
        insert into raw.payloads (payload_seq, {names}, body, body_text)
        select
            (select coalesce(max(payload_seq), 0) from raw.payloads) + n, {names},
            try_cast(body as json),
            case when try_cast(body as json) is null then coalesce(body_text, body) end
        from batch_payloads order by n
        """
    )
    con.unregister("batch_payloads")


def _insert_loads(con: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    names = ", ".join(_LOADS.names)
    con.register("batch_loads", pa.Table.from_pylist(rows, schema=_LOADS))
    con.execute(
        f"""
        insert into raw.loads ({names})
        select {names} from batch_loads anti join raw.loads using ({", ".join(_LINE)})
        """
    )
    con.unregister("batch_loads")
