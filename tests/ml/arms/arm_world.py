"""Scores as dbt would build them, for versions of the small world."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd

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
