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
from ml.arms.beside import rungs_beside, versions_beside
from ml.arms.choose import Published, publish, trial_of
from ml.competition import Progress
from ml.forecaster import MEDIAN, QUANTILE_NAMES
from ml.ladder import answer
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
    parts: list[Published] = []
    reasons = Reasons(settings, now, run_id)
    for dataset, series in wanted.groupby("dataset", sort=True):
        params = params_of(str(dataset))
        versions = versions_beside(settings, params, now)
        arms, notes = rungs_beside(settings, params, versions, now)
        answered = answer(
            settings,
            params,
            now=now,
            series=series.reset_index(drop=True),
            read=partial(live_panel, settings, params.dataset, origin_at),
            arms=arms,
        )
        reasons.add(params.dataset, answered)
        trial = trial_of(settings, params, versions, now)
        columns = partial(_columns, settings, params.dataset, origin_at, now)
        told = publish(settings, params, trial, columns(answered.rows), columns(answered.beside), now)
        parts.append(told)
        found.by_rung.update([] if told.rows.empty else told.rows.drop_duplicates("series_id")["rung"])
        found.not_forecast += answered.silent
        found.notes += [*answered.notes, *notes]
        progress(f"{dataset}: {len(told.rows) // HORIZON} of {len(series)} series forecast")
    table = _together([part.rows for part in parts], run_id)
    if table is None:
        raise BadInput("nothing to forecast: no target series has a reading yet; load some data first")
    found.n_rows, found.n_series = len(table), len(table.column("series_id").unique())
    beside = _together([part.beside for part in parts], run_id)
    results.write_forecasts(
        settings,
        run_id=run_id,
        rows=table,
        beside=None if beside is None else beside.drop_columns(["data_as_of"]),
        arms=_together([part.assigned for part in parts if part.assigned is not None], run_id),
        before_commit=lambda: reach("predict.mid_write"),
    )
    found.notes += reasons.write()
    return found


def _together(frames: list[pd.DataFrame], run_id: str) -> pa.Table | None:
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return None
    return pa.Table.from_pandas(pd.concat(filled, ignore_index=True).assign(run_id=run_id), preserve_index=False)


def live_panel(settings: Settings, dataset: str, origin_at: datetime, covariates: tuple[str, ...]) -> data.Panel:
    query = OriginQuery(
        dataset=dataset, origin_from=origin_at, origin_to=origin_at + timedelta(hours=1), horizon_max=HORIZON
    )
    return data.read(settings, query, covariates=covariates)


def _columns(
    settings: Settings, dataset: str, origin_at: datetime, now: datetime, answered: pd.DataFrame
) -> pd.DataFrame:
    """Answers with the columns of ml.forecasts, within what is plausible for the variable."""
    rows = answered.copy()
    if rows.empty:
        return rows.drop(columns="variable", errors="ignore")
    bounds = {
        (v.dataset, v.variable): (v.plausible_min, v.plausible_max) for v in load_catalog(settings.seeds_dir).variables
    }
    for variable, group in rows.groupby("variable"):
        low, high = bounds.get((dataset, str(variable)), (None, None))
        names = list(QUANTILE_NAMES)
        rows.loc[group.index, names] = group[names].clip(low, high)
    rows["point"] = rows[QUANTILE_NAMES[MEDIAN]]
    rows["dataset"] = dataset
    rows["origin_at"] = pd.Timestamp(origin_at)
    rows["target_at"] = rows["origin_at"] + pd.to_timedelta(rows["horizon_h"], unit="h")
    known = marts.data_as_of(settings, dataset, now)
    rows["data_as_of"] = pd.NaT if known is None else pd.Timestamp(known)
    rows["created_at"] = pd.Timestamp(now)
    return rows.drop(columns="variable")
