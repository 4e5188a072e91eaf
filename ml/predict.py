"""Forecasts of every target series at the run's origin: 48 hours, seven quantiles, by the best rung that can answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import pandas as pd
import pyarrow as pa

from ml import dataset as data
from ml.competition import Progress
from ml.forecaster import MEDIAN, QUANTILE_NAMES
from ml.ladder import Answered, answer
from ml.params import Params, load_params
from ml.reasons import Reasons
from warehouse import marts, results
from warehouse.catalog import load_catalog
from warehouse.errors import BadInput
from warehouse.faultpoint import reach
from warehouse.marts import OriginQuery
from warehouse.settings import Settings

HORIZON = 48


@dataclass
class PredictResult:
    """`by_rung` counts series; `not_forecast` names those without a single reading."""

    origin_at: datetime
    n_rows: int = 0
    n_series: int = 0
    by_rung: Counter[str] = field(default_factory=Counter)
    not_forecast: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def predict(
    settings: Settings,
    *,
    now: datetime,
    run_id: str,
    progress: Progress = lambda _: None,
    params_of: Callable[[str], Params] = load_params,
) -> PredictResult:
    """All datasets in one write; the same run_id again replaces its rows."""
    origin_at = now.replace(minute=0, second=0, microsecond=0)
    wanted = marts.target_series(settings).to_pandas()
    found = PredictResult(origin_at)
    tables, reasons = [], Reasons(settings, now, run_id)
    for dataset, series in wanted.groupby("dataset", sort=True):
        answered = answer(
            settings,
            params_of(str(dataset)),
            now=now,
            series=series.reset_index(drop=True),
            read=partial(live_panel, settings, str(dataset), origin_at),
        )
        reasons.add(str(dataset), answered)
        table = _rows(settings, answered, str(dataset), origin_at, now, run_id)
        tables += [] if table.empty else [table]
        found.by_rung.update(answered.rung_of_series())
        found.not_forecast += answered.silent
        found.notes += answered.notes
        progress(f"{dataset}: {len(table) // HORIZON} of {len(series)} series forecast")
    rows = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    if rows.empty:
        raise BadInput("nothing to forecast: no target series has a reading yet; load some data first")
    found.n_rows, found.n_series = len(rows), int(rows["series_id"].nunique())
    results.write_forecasts(
        settings,
        run_id=run_id,
        rows=pa.Table.from_pandas(rows, preserve_index=False),
        before_commit=lambda: reach("predict.mid_write"),
    )
    found.notes += reasons.write()
    return found


def live_panel(settings: Settings, dataset: str, origin_at: datetime, covariates: tuple[str, ...]) -> data.Panel:
    query = OriginQuery(
        dataset=dataset, origin_from=origin_at, origin_to=origin_at + timedelta(hours=1), horizon_max=HORIZON
    )
    return data.read(settings, query, covariates=covariates)


def _rows(
    settings: Settings, answered: Answered, dataset: str, origin_at: datetime, now: datetime, run_id: str
) -> pd.DataFrame:
    """Columns of ml.forecasts, within what is plausible for the variable."""
    rows = answered.rows.copy()
    if rows.empty:
        return rows
    bounds = {
        (v.dataset, v.variable): (v.plausible_min, v.plausible_max) for v in load_catalog(settings.seeds_dir).variables
    }
    for variable, group in rows.groupby("variable"):
        low, high = bounds.get((dataset, str(variable)), (None, None))
        names = list(QUANTILE_NAMES)
        rows.loc[group.index, names] = group[names].clip(low, high)
    rows["point"] = rows[QUANTILE_NAMES[MEDIAN]]
    rows["run_id"], rows["dataset"] = run_id, dataset
    rows["origin_at"] = pd.Timestamp(origin_at)
    rows["target_at"] = rows["origin_at"] + pd.to_timedelta(rows["horizon_h"], unit="h")
    known = marts.data_as_of(settings, dataset, now)
    rows["data_as_of"] = pd.NaT if known is None else pd.Timestamp(known)
    rows["created_at"] = pd.Timestamp(now)
    return rows.drop(columns="variable")
