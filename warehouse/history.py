"""How much is known of each series: whether a model has anything to stand on."""

from __future__ import annotations

from datetime import datetime

from warehouse.connection import connect
from warehouse.settings import Settings


def known_days(settings: Settings, dataset: str, now: datetime) -> dict[str, float]:
    """Target series -> days' worth of hourly values of it that were known by `now`; 0 for a series without any."""
    with connect(settings, read_only=True) as con:
        found = con.execute(
            """
            select series.series_id, count(seen.value) / 24
            from marts.dim_series as series
            left join marts.fct_observations as seen on
                seen.series_id = series.series_id and seen.first_known_at <= $now
            where series.is_target and series.dataset = $dataset
            group by series.series_id
            """,
            {"now": now, "dataset": dataset},
        ).fetchall()
    return {str(name): float(days) for name, days in found}
