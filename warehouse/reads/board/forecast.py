"""One series: its history, its forecast, what the naive methods say, and what moved the answer."""

from __future__ import annotations

import pyarrow as pa

from warehouse.reader import Publication
from warehouse.reads.board import answer


def current(publication: Publication, series_id: str) -> pa.Table:
    return answer(
        publication, "select * from marts.fct_current_forecasts where series_id = $series_id order by target_at",
        series_id=series_id,
    )  # fmt: skip


def history(publication: Publication, series_id: str, days: int) -> pa.Table:
    """The newest days of observations, missing hours included."""
    return answer(
        publication,
        """
        select observed_at, value, quality, last_revised_at from marts.fct_observations
        where series_id = $series_id and observed_at > (
            select max(observed_at) - to_days($days) from marts.fct_observations where series_id = $series_id
        )
        order by observed_at
        """,
        series_id=series_id, days=days,
    )  # fmt: skip


def naive(publication: Publication, series_id: str) -> pa.Table:
    """What the naive methods answer for the hours of the newest forecast, from what it knew (fct_forecast_features)."""
    return answer(
        publication,
        """
        with ahead as (
            select target_at, horizon_h, data_as_of from marts.fct_current_forecasts where series_id = $series_id
        ),
        known as (
            select observed_at, value from marts.fct_observations
            where series_id = $series_id and value is not null
                and observed_at between (select min(data_as_of) - interval 8 day from ahead)
                and (select max(data_as_of) from ahead)
        )
        select
            target_at,
            arg_max(value, observed_at) as naive_last,
            max(value) filter (
                observed_at = target_at - case when horizon_h <= 24 then interval 24 hour else interval 48 hour end
            ) as naive_day,
            max(value) filter (observed_at = target_at - interval 168 hour) as naive_week,
            avg(value) filter (
                hour(observed_at) = hour(target_at) and observed_at >= target_at - interval 168 hour
            ) as naive_mean7
        from ahead cross join known where observed_at <= data_as_of
        group by target_at, horizon_h order by target_at
        """,
        series_id=series_id,
    )


def best_naive(publication: Publication, dataset: str) -> pa.Table:
    """One row: the naive method to beat, by the newest training."""
    return answer(
        publication,
        """
        select reference from marts.fct_backtest_skill
        where dataset = $dataset and role = 'report' and is_best_reference order by run_id desc limit 1
        """,
        dataset=dataset,
    )


def vintages(publication: Publication, series_id: str, n: int) -> pa.Table:
    """The forecasts of the n origins before the newest."""
    return answer(
        publication,
        """
        with origins as (
            select distinct origin_at from marts.fct_forecasts where series_id = $series_id
            order by origin_at desc limit $n offset 1
        )
        select origin_at, target_at, point from marts.fct_forecasts semi join origins using (origin_at)
        where series_id = $series_id
        qualify row_number() over (partition by origin_at, target_at order by created_at desc, run_id desc) = 1
        order by origin_at, target_at
        """,
        series_id=series_id, n=n,
    )  # fmt: skip


def beside_truth(publication: Publication, series_id: str, days: int) -> pa.Table:
    """Hours whose truth has come: what the last forecast before the day said, and what came."""
    return answer(
        publication,
        """
        select target_at, point, actual, origin_at from marts.fct_forecast_scores
        where series_id = $series_id and horizon_h <= 24 and target_at > (
            select max(target_at) - to_days($days) from marts.fct_forecast_scores where series_id = $series_id
        )
        qualify row_number() over (partition by target_at order by origin_at desc, created_at desc) = 1
        order by target_at
        """,
        series_id=series_id, days=days,
    )  # fmt: skip


def explanations(publication: Publication, series_id: str) -> pa.Table:
    """What moved the newest forecast, for the explained horizons; no rows where its rung learns nothing."""
    return answer(
        publication,
        """
        select horizon_h, target_at, kind, rank, feature, value, contribution, unit, explained_model, weight
        from marts.fct_explanations
        semi join marts.fct_current_forecasts using (run_id, series_id, target_at)
        where series_id = $series_id
        order by horizon_h, kind, rank
        """,
        series_id=series_id,
    )
