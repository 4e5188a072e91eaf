"""How good the forecasts are: in the backtest of the newest training, and in use."""

from __future__ import annotations

import pyarrow as pa

from warehouse.reader import Publication
from warehouse.reads.board import answer

_NEWEST = "qualify dense_rank() over (order by run_id desc) = 1"


def leaderboard(publication: Publication, dataset: str) -> pa.Table:
    """One row per model and naive method of the newest training, on windows that chose nothing."""
    return answer(
        publication,
        f"""
        select model, reference, n_rows, mae, skill_mae, skill_pinball, is_best_reference
        from marts.fct_backtest_skill where dataset = $dataset and role = 'report' {_NEWEST}
        order by mae, model, reference
        """,
        dataset=dataset,
    )


def by_horizon(publication: Publication, dataset: str) -> pa.Table:
    """One row per model and horizon of the newest training: its error, its skill, and how much its intervals hold."""
    return answer(
        publication,
        f"""
        with newest as (
            select * from marts.fct_backtest_scores where dataset = $dataset and role = 'report' {_NEWEST}
        ),
        best as (
            select model from newest where starts_with(model, 'naive')
            group by model order by sum(mae * n_origins) / sum(n_origins) limit 1
        ),
        means as (
            select
                model, horizon_h, sum(mae * n_origins) / sum(n_origins) as mae,
                sum(coverage_80 * n_origins) / sum(n_origins) as coverage_80,
                sum(coverage_90 * n_origins) / sum(n_origins) as coverage_90
            from newest group by model, horizon_h
        )
        select means.*, 1 - means.mae / nullif(beaten.mae, 0) as skill, best.model as reference
        from means cross join best
        inner join means as beaten on beaten.model = best.model and beaten.horizon_h = means.horizon_h
        order by model, horizon_h
        """,
        dataset=dataset,
    )


def in_use(publication: Publication, dataset: str) -> pa.Table:
    """One row per day forecast (UTC): errors of what was published beside the naive answers, and coverage."""
    return answer(
        publication,
        """
        select
            date_trunc('day', target_at)::timestamp as day, count(*) as n_hours, avg(abs_error) as mae,
            avg(abs_error_naive_day) as mae_day, avg(abs_error_naive_week) as mae_week,
            avg(is_covered_80::integer) as coverage_80, avg(is_covered_90::integer) as coverage_90
        from marts.fct_forecast_scores where dataset = $dataset group by day order by day
        """,
        dataset=dataset,
    )


def reliability(publication: Publication, dataset: str) -> pa.Table:
    """One row per quantile: the share of truths of the newest 28 days that lay at or below it."""
    return answer(
        publication,
        """
        with scored as (
            select forecasts.*, scores.actual
            from marts.fct_forecast_scores as scores
            inner join marts.fct_forecasts as forecasts using (run_id, series_id, target_at)
            where scores.dataset = $dataset and scores.target_at > (
                select max(target_at) - interval 28 day from marts.fct_forecast_scores where dataset = $dataset
            )
        ),
        levels as (
            select actual, unnest([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95]::double[]) as level,
                unnest([q05, q10, q25, q50, q75, q90, q95]) as quantile
            from scored
        )
        select level, avg((actual <= quantile)::integer) as share, count(*) as n from levels
        group by level order by level
        """,
        dataset=dataset,
    )


def alert_reliability(publication: Publication, dataset: str) -> pa.Table:
    """One row per rule and tenth of probability: how often the event came."""
    return answer(
        publication,
        """
        select
            rules.description, floor(least(scores.probability, 0.999) * 10) / 10 + 0.05::double as told,
            avg(scores.is_event::integer) as came, count(*) as n
        from marts.fct_alert_scores as scores inner join marts.dim_alert_rules as rules using (rule_id)
        where rules.dataset = $dataset group by all order by all
        """,
        dataset=dataset,
    )


def worst_days(publication: Publication, dataset: str, n: int) -> pa.Table:
    """The series and days with the largest mean error, with the naive error beside."""
    return answer(
        publication,
        """
        select
            series.name as place, series.series_id, series.unit, date_trunc('day', scores.target_at)::date as day,
            avg(scores.abs_error) as mae, avg(scores.abs_error_naive_day) as mae_day, avg(scores.error) as bias,
            avg(scores.is_covered_90::integer) as coverage_90
        from marts.fct_forecast_scores as scores inner join marts.dim_series as series using (series_id)
        where scores.dataset = $dataset group by all having count(*) >= 12 order by mae desc limit $n
        """,
        dataset=dataset, n=n,
    )  # fmt: skip


def champions(publication: Publication, dataset: str) -> pa.Table:
    """One row per time in which one version was in production, newest first."""
    return answer(
        publication,
        """
        select model_version, model, valid_from, valid_to, is_current, action, reason, actor
        from marts.fct_champion_history where dataset = $dataset order by valid_from desc
        """,
        dataset=dataset,
    )
