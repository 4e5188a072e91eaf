"""`skyduck status`: what is published, what ran, who is champion, what is late."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flows import summary
from flows.tables import Table, figure, moment, share
from warehouse import costs, overview
from warehouse.errors import BadInput, LockHeld, NotBuilt
from warehouse.lock import holder
from warehouse.settings import Settings
from warehouse.track_record import DAYS, track_record

N_RUNS = 5
TRACK = {  # of warehouse.track_record -> heading and how it is written
    "mae": ("MAE", figure),
    "coverage80": ("80 % holds", share),
    "coverage90": ("90 % holds", share),
    "moved": ("moves a day", figure),
    "moved_of_width": ("of its 80 %", share),
    "stayed_within": ("stays inside", share),
}


def read(settings: Settings, *, as_of: datetime = datetime.max) -> dict[str, Any]:
    """From the published copy and, where no run is writing it, the warehouse. Missing parts are null, with a note."""
    running = holder(settings)
    found: dict[str, Any] = {
        "target": settings.target,
        "upstream": settings.upstream,
        "data_dir": settings.data_dir.resolve(),
        "running": str(running) if running else None,
        "last_run": None,
        "published_path": None,
        "published_at": None,
        "published_run": None,
        "n_series": 0,
        "n_forecast_rows": 0,
        "data_as_of": None,
        "runs": [],
        "champions": [],
        "waiting": [],
        "track_record": [],
        "cost": None,
        "freshness": [],
        "gaps": [],
        "notes": [],
    }
    try:
        found |= overview.published_facts(settings)
    except BadInput as error:
        found["notes"].append(str(error))
    try:
        found |= _from_warehouse(settings, as_of)
    except LockHeld:
        found["notes"].append("a run is writing the warehouse: runs, champions and gaps are shown when it has ended")
    except NotBuilt as error:
        found["notes"].append(str(error))
    return found


def _from_warehouse(settings: Settings, as_of: datetime) -> dict[str, Any]:
    runs = overview.last_runs(settings, N_RUNS, as_of=as_of)
    return {
        "runs": runs,
        "last_run": runs[0] if runs else None,
        "champions": overview.champions(settings, as_of=as_of),
        "waiting": overview.waiting(settings, as_of=as_of),
        "track_record": track_record(settings, as_of=as_of),
        "cost": costs.newest(settings, as_of),
        **overview.ledger(settings, as_of=as_of),
    }


def show(found: dict[str, Any]) -> None:
    out = summary.console()
    print_line = out.print
    print_line(f"upstream {found['upstream']}, target {found['target']}, data in {found['data_dir']}", soft_wrap=True)
    if found["running"]:
        print_line(f"running: {found['running']}", soft_wrap=True, markup=False)
    if found["published_path"]:
        print_line(f"published: {found['published_path']} ({moment(found['published_at'])} UTC)", soft_wrap=True)
        print_line(
            f"{found['n_series']} series, {found['n_forecast_rows']:,} forecast rows, "
            f"observations up to {moment(found['data_as_of'])} UTC"
        )
    if found["cost"]:
        print_line(f"run {found['cost'].run_id} cost {found['cost']}", soft_wrap=True, markup=False)
    for table in _tables(found):
        summary.draw(table)
    for note in found["notes"]:
        print_line(note, soft_wrap=True, markup=False)


def _tables(found: dict[str, Any]) -> list[Table]:
    runs = tuple(
        (r["run_id"], r["flow"], moment(r["as_of"]), r["status"], f"{r['seconds']:.0f}", f"{r['peak_mib']:.0f}")
        for r in found["runs"]
    )
    champions = tuple(
        (r["dataset"], str(r["model"]), r["model_version"], moment(r["since"]), str(r["reason"])[:80])
        for r in found["champions"]
    )
    waiting = tuple((r["dataset"], r["model_version"], moment(r["since"])) for r in found["waiting"])
    track = tuple(
        (row["dataset"], f"{row['n_hours'] or 0:,}", *(write(row[name]) for name, (_, write) in TRACK.items()))
        for row in found["track_record"]
    )
    freshness = tuple(
        (r["source"], r["endpoint"], moment(r["last_answer_at"]), moment(r["last_observed_at"]), f"{r['n_bodies']:,}")
        for r in found["freshness"]
    )
    gaps = tuple(
        (
            r["source"],
            r["endpoint"],
            r["subject"],
            str(r["n_missing_hours"]),
            str(r["n_failed"]),
            str(r["reason"] or ""),
        )
        for r in found["gaps"][:15]
    )
    return [
        Table("Last runs", ("run", "flow", "as of", "status", "s", "peak MiB"), runs, numbers=2),
        Table("Champions", ("dataset", "model", "version", "since", "why"), champions),
        Table("Waiting for `skyduck models approve`", ("dataset", "version", "since"), waiting),
        Table(
            f"Published forecasts, {DAYS} days",
            ("dataset", "hours", *(head for head, _ in TRACK.values())),
            track,
            numbers=1 + len(TRACK),
        ),
        Table("Freshness", ("source", "endpoint", "last answer", "newest hour", "bodies"), freshness, numbers=1),
        Table("Gaps, asked for again", ("source", "endpoint", "subject", "hours", "failed", "why"), gaps),
    ]
