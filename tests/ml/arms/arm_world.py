"""Scores as dbt would build them, for versions of the small world."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd

from warehouse.arms import LEVELS
from warehouse.connection import connect
from warehouse.settings import Settings

SERIES = [f"air.{place}.pm2_5_ugm3" for place in "ABC"]


def arm_scores(settings: Settings, losses: dict[tuple[str, str], float], *, first: datetime, days: int) -> None:
    """marts.fct_arm_scores: by (arm, version) a mean loss, on each day, of every series; larger for each next one."""
    rows = [
        {
            "run_id": f"day-{day}", "dataset": "air", "series_id": name, "origin_at": first + timedelta(days=day),
            "arm": arm, "model_version": version, "is_published": arm == "champion", "n_hours": 24,
            "last_target_at": first + timedelta(days=day + 1), "mae": loss, "pinball": loss * (1 + number / 10),
            "coverage_80": 0.8, "created_at": first + timedelta(days=day),
        }
        for day in range(days)
        for number, name in enumerate(SERIES)
        for (arm, version), loss in losses.items()
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    with connect(settings) as con:
        con.register("scores", table)
        con.execute("create or replace table marts.fct_arm_scores as from scores")


def answered(settings: Settings, champion: tuple[str, float], beside: tuple[str, float], first: datetime, days: int):
    """Forecasts of two versions, each off by so much in every hour, and truths known an hour after their hour."""
    answers = {"ml.forecasts": champion, "ml.shadow_forecasts": beside}
    with connect(settings) as con:
        con.execute(
            """
            create or replace temp table hours as
            select 'air.' || place || '.pm2_5_ugm3' as series_id, h::integer as horizon_h, d as day,
                ?::timestamp + to_days(d) as origin_at, origin_at + to_hours(h::integer) as target_at
            from range(?) as t (d), range(1, 49) as t2 (h), (values ('A'), ('B'), ('C')) as t3 (place)
            """,
            [first, days],
        )
        con.execute(
            "insert into marts.fct_observations by name select distinct on (series_id, target_at) series_id, "
            "target_at as observed_at, 10.0 as value, 'ok' as quality, target_at + interval 1 hour as first_known_at, "
            "null::timestamp as last_revised_at from hours "
            "anti join marts.fct_observations as known on hours.series_id = known.series_id "
            "and hours.target_at = known.observed_at"
        )
        for table, (version, error) in answers.items():
            quantiles = ", ".join(f"10.0 + {error} as {name}" for name in ("point", *LEVELS))
            arm = "'predecessor' as arm, " if table == "ml.shadow_forecasts" else ""
            con.execute(
                f"insert into {table} by name select 'day-' || day as run_id, {arm}'{version}' as model_version, "
                f"'air' as dataset, series_id, origin_at, target_at, horizon_h, {quantiles}, 'champion' as rung, "
                "origin_at as created_at from hours"
            )
