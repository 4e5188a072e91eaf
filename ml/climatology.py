"""The last rung: quantiles of the last 60 known days by hour of the day, for series that no model can answer."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from ml.forecaster import MEDIAN, QUANTILE_NAMES, QUANTILES, Floats
from ml.params import Params
from warehouse import marts
from warehouse.settings import Settings

LEAST_HOURS_OF_DAY = 3


def climatology(settings: Settings, params: Params, now: datetime, why: dict[str, str]) -> pd.DataFrame:
    """Rows of the series named in `why`, each with its reason; a series without a single reading has none."""
    table = marts.climatology(settings, params.dataset, now, QUANTILES).to_pandas()
    start = now.replace(minute=0, second=0, microsecond=0)
    parts = []
    for name, group in table[table["series_id"].isin(why)].groupby("series_id"):
        by_hour = {hour: (n, q) for hour, n, q in zip(group["hour_utc"], group["n"], group["quantiles"], strict=True)}
        overall = next(q for hour, (_, q) in by_hour.items() if pd.isna(hour))
        horizon = np.arange(1, params.horizon_h + 1, dtype=np.int32)
        quantiles = np.stack([_of_hour(by_hour, float((start.hour + h) % 24), overall) for h in horizon])
        centre = quantiles[:, [MEDIAN]]
        quantiles = centre + (quantiles - centre) * params.fallback.widen_by_rung["climatology"]
        part = pd.DataFrame({"series_id": name, "horizon_h": horizon})
        part[list(QUANTILE_NAMES)] = quantiles
        parts.append(
            part.assign(
                model_version=f"{params.dataset}-climatology",
                rung="climatology",
                rung_reason=why[str(name)] or "no origin features for this hour",
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["series_id"])


def _of_hour(by_hour: dict[float, tuple[int, Floats]], hour: float, overall: Floats) -> Floats:
    n, quantiles = by_hour.get(hour, (0, overall))
    return np.asarray(quantiles if n >= LEAST_HOURS_OF_DAY else overall, np.float64)
