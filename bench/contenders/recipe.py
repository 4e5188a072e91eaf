"""The recipe: one recursive LightGBM over the last 72 hours and rolling means (mlforecast), a point and no interval."""

from __future__ import annotations

import time

import lightgbm as lgb
import pandas as pd
from mlforecast import MLForecast
from mlforecast.lag_transforms import RollingMean, RollingStd

from bench.contender import Job, answer

HORIZON = 24
RECENT = pd.Timedelta(days=8)  # what lags and windows of a forecast need


def forecast(job: Job) -> dict[str, object]:
    """Reads (unique_id, ds, y) from a parquet, writes (unique_id, origin_at, ds, point) to another."""
    hours = pd.read_parquet(job["hours"])
    hours["y"] = hours.groupby("unique_id")["y"].ffill()
    hours = hours.dropna(subset=["y"])
    cut, end = pd.Timestamp(job["cut"]), pd.Timestamp(job["end"])
    started = time.monotonic()
    model = lgb.LGBMRegressor(
        objective="mae", n_estimators=400, learning_rate=0.05, num_leaves=63, min_child_samples=100, n_jobs=2,
        verbose=-1,
    )  # fmt: skip
    windows = [RollingMean(24), RollingMean(48), RollingMean(72), RollingStd(24), RollingStd(48)]
    recipe = MLForecast(
        models={"point": model}, freq="h", lags=list(range(1, 73)), lag_transforms={1: windows},
        date_features=["hour", "dayofweek"],
    )  # fmt: skip
    recipe.fit(hours[hours["ds"] < cut])
    fitted = time.monotonic()
    days = pd.date_range(cut, end, freq="D", inclusive="left")
    found = [_day(recipe, hours, origin) for origin in days]
    pd.concat(found, ignore_index=True).to_parquet(job["forecasts"])
    return {"fit": fitted - started, "predict": time.monotonic() - fitted}


def _day(recipe: MLForecast, hours: pd.DataFrame, origin: pd.Timestamp) -> pd.DataFrame:
    recent = hours[(hours["ds"] <= origin) & (hours["ds"] > origin - RECENT)]
    alive = recent.loc[recent["ds"] == origin, "unique_id"]
    recent = recent[recent["unique_id"].isin(alive)]
    if recent.empty:
        return pd.DataFrame(columns=["unique_id", "ds", "point", "origin_at"])
    found: pd.DataFrame = recipe.predict(HORIZON, new_df=recent)
    return found.assign(origin_at=origin)


if __name__ == "__main__":
    answer(forecast)
