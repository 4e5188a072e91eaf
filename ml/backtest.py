"""Rolling-origin backtest: select before the report, report on windows nothing has looked at.

Training, `skyduck backtest` and the scoreboard are this one code with other dates.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from ml import dataset as data
from ml.competition import Contest, Progress, compete
from ml.dataset import Panel, seconds_of
from ml.forecaster import Floats, is_naive, raw_answers
from ml.issued import refuse_observed
from ml.memory import peak_mib
from ml.metrics import Scored, seasonal_scale
from ml.missing import lacking
from ml.params import Params
from ml.tuned import tuned_params
from warehouse.errors import BadInput
from warehouse.marts import OriginQuery, co_located_variables, issued_variables, origin_span
from warehouse.settings import Settings


@dataclass(frozen=True)
class Windows:
    """Select on [select_from, report_from), report on [report_from, report_to), refit at each of `refit_at`.

    Without `refit_at` the models that competed, fitted before select_from, give the report.
    """

    train_from: datetime
    select_from: datetime
    report_from: datetime
    report_to: datetime
    refit_at: tuple[datetime, ...]


@dataclass(frozen=True)
class Panels:
    """All that a training reads: rows to learn from, rows that choose, rows that only report."""

    train: Panel
    select: Panel
    report: Panel
    read_seconds: float = 0.0


@dataclass(frozen=True)
class BacktestResult:
    """What the models would have said, scored. `summary` has one line per model, over the report windows."""

    dataset: str
    champion: str
    reason: str
    windows: Windows
    scored: Scored
    selection: pd.DataFrame
    summary: pd.DataFrame
    by_bucket: pd.DataFrame
    n_series: int
    n_origins: int
    n_rows: int
    train_rows: int
    train_seconds: float
    peak_mib: float

    @property
    def best_naive(self) -> float:
        """MAE of the best naive method on the report windows."""
        return float(self.summary.loc[self.summary["model"].map(is_naive), "mae"].min())

    def headline(self) -> dict[str, object]:
        """The champion's line of the summary, and its coverage by horizon bucket."""
        line = self.summary.set_index("model").loc[self.champion]
        mine = self.by_bucket[self.by_bucket["model"] == self.champion]
        buckets = {
            f"{name}_by_bucket": dict(zip(mine["bucket"], mine[name].round(4), strict=True))
            for name in ("coverage80", "coverage90")
        }
        return {"model": self.champion, **{str(name): value for name, value in line.items()}, **buckets}


def windows_before(params: Params, report_from: datetime, report_to: datetime, refit_every_days: int | None) -> Windows:
    select_from = report_from - timedelta(days=params.evaluation.select_days)
    step = timedelta(days=refit_every_days) if refit_every_days else report_to - report_from
    refits = [report_from + i * step for i in range(max(1, -(-(report_to - report_from) // step)))]
    train_from = select_from - timedelta(days=params.training.history_days)
    return Windows(train_from, select_from, report_from, report_to, tuple(refits))


def backtest(
    settings: Settings,
    dataset: str,
    *,
    date_from: datetime,
    date_to: datetime,
    places: tuple[str, ...] | list[str] | None = None,
    refit_every_days: int | None = None,
    horizon: int = 24,
    origin_hours: tuple[int, ...] = (0,),
    known_by: datetime | None = None,
    without: tuple[str, ...] = (),
    progress: Progress = lambda _: None,
    params: Params | None = None,
) -> BacktestResult:
    """Origins in [date_from, date_to) at these UTC hours; everything is learnt on what was known before date_from.

    `known_by`: truths that arrived later are not scored against either. `without`: inputs taken from the reported
    origins only (ml.missing.lacking): do the intervals still hold?
    """
    params = params or tuned_params(settings, dataset, report_from=date_from)
    params = shortened(params, horizon, tuple(origin_hours))
    params = with_covariates(settings, params)
    if date_to <= date_from:
        raise BadInput(f"a backtest needs --to after --from, not {date_from:%Y-%m-%d} to {date_to:%Y-%m-%d}")
    windows = windows_before(params, date_from, date_to, refit_every_days)
    panels = Source(settings, params, tuple(places or ())).panels(windows, known_by=known_by)
    panels = replace(panels, report=lacking(panels.report, without).scorable())
    result = run(panels, windows, params, progress)[0]
    if not result.n_rows:
        at = f"{date_from:%Y-%m-%d} to {date_to:%Y-%m-%d}" + (f" at {', '.join(places)}" if places else "")
        raise BadInput(f"{dataset} has no origin that can be scored: {at}; see `skyduck status` for what is loaded")
    return result


def shortened(params: Params, horizon: int, origin_hours: tuple[int, ...]) -> Params:
    if not 1 <= horizon <= params.horizon_h:
        raise BadInput(f"the horizon must lie in 1..{params.horizon_h} hours, not {horizon}")
    if not origin_hours or not set(origin_hours) <= set(range(24)):
        raise BadInput(f"origin hours must be UTC hours 0..23, not {list(origin_hours)}")
    evaluation = params.evaluation.model_copy(update={"report_hours": origin_hours})
    return params.model_copy(update={"horizon_h": horizon, "evaluation": evaluation})


def with_covariates(settings: Settings, params: Params) -> Params:
    """`auto` of `covariates` and `issued` spelled out as the variables that exist at the dataset's places today."""
    chosen = {}
    for key, present_at in (("covariates", co_located_variables), ("issued", issued_variables)):
        wanted, present = getattr(params.features, key), present_at(settings, params.dataset)
        chosen[key] = tuple(name for name in present if wanted == "auto" or name in wanted)
    return params.model_copy(update={"features": params.features.model_copy(update=chosen)})


@dataclass(frozen=True)
class Source:
    """Panels of one dataset, read the same way for training, backtest and live."""

    settings: Settings
    params: Params
    places: tuple[str, ...] = ()

    @property
    def covariates(self) -> tuple[str, ...]:
        return tuple(self.params.features.covariates)

    def read(self, query: OriginQuery) -> Panel:
        """Scorable rows. Raises DataTestFailed where weather forecasts in them were never forecasts."""
        issued = tuple(self.params.features.issued)
        panel = data.read(self.settings, query, covariates=self.covariates, issued=issued).scorable()
        refuse_observed(panel)
        return panel

    def query(self, start: datetime, end: datetime, hours: tuple[int, ...]) -> OriginQuery:
        return OriginQuery(
            dataset=self.params.dataset,
            origin_from=start,
            origin_to=end,
            hours=hours,
            places=self.places,
            horizon_max=self.params.horizon_h,
            seed=self.params.training.seed,
        )

    def training(self, start: datetime, end: datetime) -> Panel:
        """Scorable rows of a seeded sample: at most about `max_train_rows`, thinned before they are read."""
        query = self.query(start, end, self.params.training.origin_hours)
        n_origins, _, _ = origin_span(self.settings, query)
        share = self.params.training.max_train_rows / max(1, n_origins * self.params.horizon_h)
        if share < 1:  # rows of an origin are thinned down to four, then origins
            rows = max(share, min(1.0, 4 / self.params.horizon_h))
            query = replace(query, row_fraction=rows, origin_fraction=min(1.0, share / rows))
        return self.read(query)

    def selection(self, start: datetime, end: datetime) -> Panel:
        """Scorable rows of the selection origins, at most about `max_select_origins` of them."""
        query = self.query(start, end, self.params.evaluation.select_hours)
        n_origins, _, _ = origin_span(self.settings, query)
        query = replace(query, origin_fraction=self.params.evaluation.max_select_origins / max(1, n_origins))
        return self.read(query)

    def report(self, start: datetime, end: datetime) -> Panel:
        """All scorable rows of the reported origins."""
        query = self.query(start, end, self.params.evaluation.report_hours)
        return self.read(query)

    def panels(self, windows: Windows, *, known_by: datetime | None = None) -> Panels:
        """Everything that learning within these windows reads.

        `known_by`: truths that arrived later are neither learnt nor scored (a run in the past sees no more than then).
        """
        started = time.perf_counter()
        train = self.training(windows.train_from, windows.refit_at[-1] if windows.refit_at else windows.report_to)
        select = self.selection(windows.select_from, windows.report_from).known_before(windows.report_from)
        report = self.report(windows.report_from, windows.report_to)
        if known_by:
            train, report = train.known_before(known_by), report.known_before(known_by)
        return Panels(train, select, report, time.perf_counter() - started)


def run(panels: Panels, windows: Windows, params: Params, progress: Progress) -> tuple[BacktestResult, Contest]:
    """Competition on the selection windows, then the report, refitting at each of `refit_at`."""
    started = time.perf_counter()
    train, reported = panels.train, panels.report
    fitted = train.known_before(windows.select_from)
    contest = compete(fitted, panels.select, params, progress)
    learnt, scale = contest, np.empty(len(reported))
    raw: dict[str, Floats] = {}
    seconds = panels.read_seconds + time.perf_counter() - started
    starts = windows.refit_at or (windows.report_from,)
    for start, end in zip(starts, (*starts[1:], windows.report_to), strict=True):
        known = train.known_before(start)
        refit_started = time.perf_counter()
        if windows.refit_at:
            fitted, learnt = known, contest.refit(known, progress)
        seconds += time.perf_counter() - refit_started
        mine = reported.is_between(start, end)
        report = reported.rows(mine)
        scale[mine] = seasonal_scale(known if len(known) else report)[report.row_series]
        progress(f"{params.dataset}: asking {len(learnt.models)} models at {len(report):,} rows to report on")
        for name, values in raw_answers(learnt.models, report).items():
            raw.setdefault(name, np.full((len(reported), values.shape[1]), np.nan))[mine] = values
    answers, learnt = learnt.publish(reported, raw, until=seconds_of(windows.report_to))
    scored = Scored(reported.row_frame(), reported.target, scale, answers)
    result = BacktestResult(
        dataset=params.dataset,
        champion=contest.champion.model,
        reason=contest.champion.reason,
        windows=windows,
        scored=scored,
        selection=contest.selection,
        summary=scored.scores(),
        by_bucket=scored.by_bucket(params.calibration.horizon_buckets),
        n_series=int(scored.rows["series_id"].nunique()),
        n_origins=int(scored.rows["origin_at"].nunique()),
        n_rows=len(scored),
        train_rows=len(fitted),
        train_seconds=seconds,
        peak_mib=peak_mib(),
    )
    return result, learnt
