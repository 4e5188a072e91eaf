"""How long what a run writes stays. Raw bodies, published forecasts, scores, decisions and models stay for good."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from warehouse.connection import connect
from warehouse.results import champion_events
from warehouse.settings import Settings

PUBLICATIONS = 3
LOG_BYTES = 5_000_000  # a log that has grown longer begins anew; the one before it stays
DRIFT_PAGES = timedelta(days=30)
REPORTS = timedelta(days=400)  # of versions that are not in production
VINTAGES = timedelta(days=400)
# What was never published, and why a forecast was what it was. No score is made of either once its truth is known.
_VINTAGES = ("ml.shadow_forecasts", "ml.explanations")


def drop_old_vintages(settings: Settings, now: datetime) -> int:
    """Deletes forecasts made beside the published ones, and explanations, of more than 400 days ago; rows deleted."""
    n_deleted = 0
    with connect(settings) as con:
        for table in _VINTAGES:
            row = con.execute(f"delete from {table} where created_at < $1", [now - VINTAGES]).fetchone()
            n_deleted += row[0] if row else 0
    return n_deleted


def drop_old_reports(settings: Settings, now: datetime) -> int:
    """Deletes model reports of more than 400 days ago, but those of versions in production; files deleted."""
    in_production = {str(event["dataset"]): event for event in reversed(champion_events(settings, None, now))}
    kept = {f"{event['model_version']}.html" for event in in_production.values()}
    pages = (page for page in (settings.models_path / "reports").glob("*.html") if page.name not in kept)
    return drop_files(pages, REPORTS)


def drop_files(files: Iterable[Path], older_than: timedelta) -> int:
    """Deletes those last written longer ago, by the machine's clock; how many."""
    oldest = time.time() - older_than.total_seconds()
    old = [path for path in files if path.stat().st_mtime < oldest]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def turn(log: Path) -> None:
    """Puts a log that has grown long aside, as <name>.1<suffix>, in place of the one put aside before."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_name(f"{log.stem}.1{log.suffix}"))
