"""What the API serves of a publication: each function makes the question, `paged.page` asks it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from warehouse.reads.paged import Question

QUANTILES = "q05, q10, q25, q50, q75, q90, q95"
_FORECAST = f"""
    series_id, dataset, place_id, variable, unit, origin_at, target_at, horizon_h, point, {QUANTILES},
    rung, rung_reason, model_version, run_id, data_as_of, created_at
"""
_CURRENT = f"{_FORECAST}, override_id, override_reason, model_point"
_PAST = f"{_FORECAST}, null::varchar as override_id, null::varchar as override_reason, point as model_point"
_IN_BOX = """
    series_id in (
        select series_id from marts.dim_series
        where latitude between $south and $north
            and case when $west <= $east then longitude between $west and $east
                else longitude >= $west or longitude <= $east end
    )
"""
_SERIES = """
    series_id, dataset, place_id, name, country, variable, unit, is_target, latitude, longitude, timezone, source,
    first_observed_at, last_observed_at, n_hours, n_missing, n_quarantined, n_stuck, n_revised
"""
_DATASETS = """
    (
        select
            series.dataset,
            count(*) filter (where is_target) as n_series,
            count(distinct place_id) filter (where is_target) as n_places,
            list(distinct variable order by variable) filter (where is_target) as variables,
            min(first_observed_at) filter (where is_target) as first_observed_at,
            max(last_observed_at) filter (where is_target) as last_observed_at,
            any_value(forecasts.origin_at) as forecast_origin_at,
            any_value(forecasts.last_target_at) as forecast_until,
            any_value(champions.model) as model,
            any_value(champions.model_version) as model_version,
            any_value(champions.champion_since) as champion_since
        from marts.dim_series as series
        left join marts.dim_champions as champions using (dataset)
        left join (
            select dataset, max(origin_at) as origin_at, max(target_at) as last_target_at
            from marts.fct_current_forecasts group by dataset
        ) as forecasts using (dataset)
        group by series.dataset
    )
"""
_OBSERVATIONS = """
    (
        select
            observations.series_id, series.dataset, series.unit, observed_at, value, quality,
            first_known_at, last_revised_at, n_versions
        from marts.fct_observations as observations
        inner join marts.dim_series as series using (series_id)
    )
"""
_ALERTS = "(select rule_id || ':' || series_id as alert_id, * from marts.fct_alerts)"
_ALERT = """
    alert_id, rule_id, series_id, dataset, place_id, place_name, country, timezone, origin_at, window_start, window_end,
    probability, climatology, act_from, is_alert, description, what_to_do, method, model_version, reason, created_at,
    is_silenced, silence_id, silence_reason
"""
_MODEL = """
    model_version, dataset, model, role, status, run_id, trained_at, data_as_of, train_from, train_to, report_from,
    report_to, report_mae, report_skill, report_pinball, report_coverage_80, decided_at, decision, data_hash, git_sha,
    artefact_sha256
"""
_HISTORY = """
    event_id, dataset, model_version, model, valid_from, valid_to, is_current, action, reason, actor, run_id, trained_at
"""
_RUN = """
    run_id, flow, as_of, started_at, status, is_training, n_steps, seconds, cpu_seconds, peak_mib, read_bytes,
    written_bytes, n_calls, call_weight, n_series, n_forecasts, cost, currency, cost_per_1000
"""
_STEP = """
    run_id, flow, step, as_of, started_at, finished_at, status, seconds, cpu_seconds, peak_mib, n_rows, read_bytes,
    written_bytes, n_calls, call_weight, cost, currency
"""
# One line per figure that is watched: what it is, where from on it is too much, and whether it is.
_METRICS = """
    (
        select
            'error_ratio' as metric, dataset, series_id, 'fct_realised_errors' as mart,
            'mae over the mae promised, ' || lead_to_h || ' h ahead' as what,
            ratio as value, null::double as expected, null::boolean as is_breached,
            null::timestamp as measured_at, lead_to_h
        from marts.fct_realised_errors
        union all by name
        select
            'coverage_80' as metric, dataset, series_id, 'fct_realised_errors' as mart,
            'truths within the 80 % interval, ' || lead_to_h || ' h ahead' as what,
            coverage_80 as value, coverage_80_promised as expected, lead_to_h
        from marts.fct_realised_errors
        union all by name
        select
            'model_drift_' || measure as metric, dataset, series_id, 'fct_model_drift' as mart,
            'cusum of ' || measure || ' against the promise' as what, cusum as value, is_drift as is_breached,
            origin_at as measured_at, 0 as lead_to_h
        from marts.fct_model_drift
        qualify row_number() over (
            partition by dataset, series_id, measure order by origin_at desc, model_version desc
        ) = 1
        union all by name
        select
            'data_drift_' || kind || '_' || aspect || '_' || window_h || 'h' as metric, dataset, series_id,
            'fct_drift' as mart, coalesce(what, why_not) as what, score as value, score_limit as expected,
            is_drift as is_breached, current_to as measured_at, 0 as lead_to_h
        from marts.fct_drift
        where run_id = (select arg_max(run_id, (created_at, run_id)) from marts.fct_drift)
        union all by name
        select
            'fallback_share' as metric, dataset, 'all' as series_id, 'fct_current_forecasts' as mart,
            'forecast rows that the champion did not answer' as what,
            avg((rung <> 'champion')::integer) as value, max(origin_at) as measured_at, 0 as lead_to_h
        from marts.fct_current_forecasts
        group by dataset
        union all by name
        select
            'hours_missing' as metric, dataset, series_id, 'dim_series' as mart, 'hours without a value' as what,
            n_missing::double as value, last_observed_at as measured_at, 0 as lead_to_h
        from marts.dim_series
        where is_target
        union all by name
        select
            'hours_quarantined' as metric, dataset, series_id, 'dim_series' as mart, 'readings kept out' as what,
            n_quarantined::double as value, last_observed_at as measured_at, 0 as lead_to_h
        from marts.dim_series
        where is_target
    )
"""
_METRIC = "metric, dataset, series_id, lead_to_h, value, expected, is_breached, measured_at, what, mart"


@dataclass(frozen=True)
class Box:
    """Degrees; where `west` is greater than `east` the box crosses 180°."""

    west: float
    south: float
    east: float
    north: float


def datasets() -> Question:
    return Question("*", _DATASETS, {"dataset": "varchar"})


def series(dataset: str | None, place: str | None, box: Box | None, *, targets: bool | None) -> Question:
    asked = Question(_SERIES, "marts.dim_series", {"series_id": "varchar"})
    asked.equal(dataset=dataset, place_id=place, is_target=targets)
    _within(asked, box)
    return asked


def predictions(
    names: list[str] | None,
    dataset: str | None,
    box: Box | None,
    horizons: tuple[int | None, int | None],
    vintage: str | datetime,
) -> Question:
    """`vintage`: `latest` (as published, overrides in force), `all`, an origin, or a run's id."""
    is_latest = vintage == "latest"
    mart = "marts.fct_current_forecasts" if is_latest else "marts.fct_forecasts"
    key = {"series_id": "varchar", "origin_at": "timestamp", "run_id": "varchar", "target_at": "timestamp"}
    asked = Question(_CURRENT if is_latest else _PAST, mart, key)
    asked.only("list_contains($names, series_id)", names=names)
    asked.equal(dataset=dataset)
    asked.only("horizon_h >= $first", first=horizons[0])
    asked.only("horizon_h <= $last", last=horizons[1])
    if isinstance(vintage, datetime):
        asked.equal(origin_at=vintage)
    elif vintage not in ("latest", "all"):
        asked.equal(run_id=vintage)
    _within(asked, box)
    return asked


def observations(
    names: list[str] | None, dataset: str | None, span: tuple[datetime | None, datetime | None], quality: str | None
) -> Question:
    asked = Question("*", _OBSERVATIONS, {"series_id": "varchar", "observed_at": "timestamp"})
    asked.only("list_contains($names, series_id)", names=names)
    asked.equal(dataset=dataset)
    asked.only("observed_at >= $since", since=span[0])
    asked.only("observed_at < $until", until=span[1])
    asked.equal(quality=quality)
    return asked


def alerts(dataset: str | None, rule: str | None, name: str | None, box: Box | None, *, raised: bool) -> Question:
    asked = Question(_ALERT, _ALERTS, {"rule_id": "varchar", "series_id": "varchar"})
    asked.equal(dataset=dataset, rule_id=rule, series_id=name)
    if raised:
        asked.only("is_alert and not is_silenced")
    _within(asked, box)
    return asked


def metrics(metric: str | None, dataset: str | None, name: str | None, *, breached: bool) -> Question:
    key = {"metric": "varchar", "dataset": "varchar", "series_id": "varchar", "lead_to_h": "integer"}
    asked = Question(_METRIC, _METRICS, key)
    asked.only("starts_with(metric, $metric)", metric=metric)
    asked.equal(dataset=dataset, series_id=name)
    if breached:
        asked.only("is_breached")
    return asked


def models(dataset: str | None, status: str | None) -> Question:
    key = {"trained_at": "timestamp", "model_version": "varchar"}
    asked = Question(_MODEL, "marts.dim_model_versions", key, is_newest_first=True)
    asked.equal(dataset=dataset, status=status)
    return asked


def history(dataset: str | None, at: datetime | None) -> Question:
    """`at`: only what was in production then."""
    key = {"valid_from": "timestamp", "event_id": "varchar"}
    asked = Question(_HISTORY, "marts.fct_champion_history", key, is_newest_first=True)
    asked.equal(dataset=dataset)
    asked.only("valid_from <= $at and coalesce(valid_to > $at, true)", at=at)
    return asked


def runs(flow: str | None, status: str | None) -> Question:
    key = {"started_at": "timestamp", "run_id": "varchar", "flow": "varchar"}
    asked = Question(_RUN, "marts.fct_run_costs", key, is_newest_first=True)
    asked.equal(flow=flow, status=status)
    return asked


def steps(run_id: str) -> Question:
    key = {"started_at": "timestamp", "step": "varchar"}
    asked = Question(_STEP, "marts.fct_runs", key)
    asked.equal(run_id=run_id)
    return asked


def _within(asked: Question, box: Box | None) -> None:
    if box is not None:
        asked.only(_IN_BOX, west=box.west, south=box.south, east=box.east, north=box.north)
