"""The record of what ran: one row of `ml.runs` per step, and the questions a flow asks of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from warehouse.connection import connect
from warehouse.settings import Settings


@dataclass(frozen=True)
class StepRow:
    """One step of one run. `cpu_seconds`, `peak_mib` and bytes include child processes.

    `read_bytes`, `written_bytes`: None where the platform does not count them; `n_calls`: None where none are made.
    """

    run_id: str
    flow: str
    step: str
    as_of: datetime
    started_at: datetime
    finished_at: datetime
    status: str
    seconds: float
    cpu_seconds: float
    peak_mib: float
    n_rows: int | None = None
    read_bytes: int | None = None
    written_bytes: int | None = None
    n_calls: int | None = None
    detail: dict[str, Any] = field(default_factory=dict)


def record(settings: Settings, row: StepRow) -> None:
    """Writes one step; a step recorded twice (a retry) leaves the newer row."""
    with connect(settings) as con:
        con.begin()
        con.execute("delete from ml.runs where run_id = $1 and step = $2", [row.run_id, row.step])
        con.execute(
            "insert into ml.runs by name select $1 as run_id, $2 as flow, $3 as step, $4::timestamp as as_of, "
            "$5::timestamp as started_at, $6::timestamp as finished_at, $7 as status, $8::double as seconds, "
            "$9::double as cpu_seconds, $10::double as peak_mib, $11::bigint as n_rows, $12::bigint as read_bytes, "
            "$13::bigint as written_bytes, $14::bigint as n_calls, $15::json as detail",
            [
                *(row.run_id, row.flow, row.step, row.as_of, row.started_at, row.finished_at, row.status),
                *(row.seconds, row.cpu_seconds, row.peak_mib, row.n_rows, row.read_bytes, row.written_bytes),
                *(row.n_calls, json.dumps(row.detail, default=str)),
            ],
        )
        con.commit()


def watermark(settings: Settings) -> tuple[int, int]:
    """(newest payload_seq, decisions on models, forecasts and alerts counted): what a published copy was built from."""
    with connect(settings) as con:
        row = con.execute(
            "select (select ifnull(max(payload_seq), 0) from raw.payloads), (select count(*) from ml.champion_events) "
            "+ (select count(*) from ml.override_events) + (select count(*) from ml.silence_events)"
        ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def last_upstream(settings: Settings) -> str | None:
    """`sample` or `live`: where the newest load came from."""
    with connect(settings) as con:
        row = con.execute(
            "select detail ->> 'upstream' from ml.runs where step = 'load' and status = 'ok' "
            "order by detail ->> 'recorded_at' desc limit 1"
        ).fetchone()
    return str(row[0]) if row and row[0] else None
