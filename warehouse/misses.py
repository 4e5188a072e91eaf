"""What became of published forecasts: the read that recalibration learns from."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from warehouse.connection import connect
from warehouse.settings import Settings


def published_misses(
    settings: Settings, model_version: str, rung: str, origin_at: datetime, levels: tuple[float, ...]
) -> dict[str, NDArray[np.float64]]:
    """What became of a version's forecasts from a rung, published or not, by truths known at `origin_at`.

    One line per origin before it and horizon: origin_h (hours since 1970), horizon_h, n, and misses (k, len(levels)):
    how often the truth lay below a lower or above an upper quantile. Of several runs from one origin the newest counts.
    """
    names = [(f"q{round(level * 100):02d}", level) for level in levels]
    counted = [
        f"count(*) filter (value {'<' if level < 0.5 else '>'} {name})" if level != 0.5 else "0"
        for name, level in names
    ]
    with connect(settings, read_only=True) as con:
        table = con.execute(
            f"""
            with told as (
                select * exclude (rung_reason, data_as_of) from ml.forecasts
                union all by name
                select * exclude (arm) from ml.shadow_forecasts
            ),
            forecasts as (
                select * from told
                where model_version = $model_version and rung = $rung and origin_at < $origin_at
                qualify row_number() over (
                    partition by series_id, origin_at, target_at order by created_at desc, run_id desc
                ) = 1
            ),
            truths as (
                select series_id, observed_at, value from marts.fct_observations
                where value is not null and quality = 'ok'
                    and greatest(last_revised_at, first_known_at) <= $origin_at
                    and observed_at > (select min(origin_at) from forecasts)
            )
            select
                epoch(origin_at) / 3600 as origin_h, horizon_h::double as horizon_h, count(*)::double as n,
                [{", ".join(counted)}]::double[] as misses
            from forecasts
            inner join truths on forecasts.series_id = truths.series_id and forecasts.target_at = truths.observed_at
            group by all order by all
            """,
            {"model_version": model_version, "rung": rung, "origin_at": origin_at},
        ).to_arrow_table()
    misses = np.array(table.column("misses").to_pylist(), np.float64).reshape(-1, len(levels))
    return {name: table.column(name).to_numpy() for name in ("origin_h", "horizon_h", "n")} | {"misses": misses}
