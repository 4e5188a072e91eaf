"""What is watched: errors in use, drift, alarms, fallback rungs, and the quality of what comes in."""

from __future__ import annotations

import pyarrow as pa

from warehouse.reader import Publication
from warehouse.reads.board import answer


def model_drift(publication: Publication, dataset: str) -> pa.Table:
    """One row per version, measure and origin: the sum of excess errors, of the mean over all series."""
    return answer(
        publication,
        """
        select model_version, measure, origin_at, value, promised, cusum, is_drift from marts.fct_model_drift
        where dataset = $dataset and series_id = 'all' order by origin_at, measure
        """,
        dataset=dataset,
    )


def realised(publication: Publication, dataset: str) -> pa.Table:
    """One row per version and bucket of hours ahead: errors in use over what the backtest promised."""
    return answer(
        publication,
        """
        select
            model_version, lead_to_h, sum(n_hours)::bigint as n_hours, sum(mae * n_hours) / sum(n_hours) as mae,
            sum(mae_promised * n_hours) / sum(n_hours) as mae_promised,
            sum(coverage_80 * n_hours) / sum(n_hours) as coverage_80
        from marts.fct_realised_errors where dataset = $dataset and series_id != 'all'
        group by all order by model_version desc, lead_to_h
        """,
        dataset=dataset,
    )


def drift_days(publication: Publication, dataset: str) -> pa.Table:
    """One row per run: columns tested, and those found to drift."""
    return answer(
        publication,
        """
        select
            created_at, count(*) filter (why_not is null) as n_tested, count(*) filter (is_drift) as n_drift,
            any_value(page) as page
        from marts.fct_drift where dataset = $dataset group by created_at order by created_at
        """,
        dataset=dataset,
    )


def drift_now(publication: Publication, dataset: str) -> pa.Table:
    """The columns of the newest run, the farthest from usual first."""
    return answer(
        publication,
        """
        select
            series_id, kind, aspect, window_h, score, usual, score_limit, q_value, is_drift, what, why_not,
            score / nullif(score_limit, 0) as of_limit
        from marts.fct_drift where dataset = $dataset
        qualify rank() over (order by created_at desc) = 1
        order by is_drift desc, of_limit desc nulls last, series_id, kind, aspect, window_h
        """,
        dataset=dataset,
    )


def drift_pages(publication: Publication) -> pa.Table:
    """One row per run with a page of Evidently's, newest first."""
    return answer(
        publication,
        """
        select max(created_at) as created_at, page, count(*) filter (is_drift) as n_drift
        from marts.fct_drift where page is not null group by page order by created_at desc
        """,
    )


def alarms(publication: Publication) -> pa.Table:
    return answer(publication, "select * from marts.fct_alarms order by is_open desc, raised_at desc")


def decisions(publication: Publication) -> pa.Table:
    return answer(
        publication,
        """
        select created_at, dataset, action, reason from marts.fct_decisions
        order by created_at desc, dataset limit 200
        """,
    )


def rungs(publication: Publication) -> pa.Table:
    """One row per origin, dataset and rung: how many series it answered. The newest 60 days."""
    return answer(
        publication,
        """
        select origin_at, dataset, rung, count(distinct series_id) as n_series, any_value(rung_reason) as reason
        from marts.fct_forecasts
        where origin_at > (select max(origin_at) - interval 60 day from marts.fct_forecasts)
        group by all order by origin_at, dataset, rung
        """,
    )


def quality(publication: Publication, days: int) -> pa.Table:
    """One row per target series with hours of the newest days that are not ok."""
    return answer(
        publication,
        """
        select
            observations.series_id, count(*) filter (quality = 'missing') as n_missing,
            count(*) filter (quality = 'stuck') as n_stuck, count(*) filter (quality = 'quarantined') as n_quarantined
        from marts.fct_observations as observations inner join marts.dim_series as series using (series_id)
        where series.is_target and quality != 'ok'
            and observed_at > (select max(last_observed_at) - to_days($days) from marts.dim_series)
        group by observations.series_id order by observations.series_id
        """,
        days=days,
    )


def gaps(publication: Publication) -> pa.Table:
    """One row per source, endpoint and subject that is late on every endpoint, or has windows nobody has answered."""
    return answer(
        publication,
        """
        select source, endpoint, subject, last_ok_at, last_observed_at, n_hours_late, n_open_windows, open_since,
            failing_reason
        from marts.fct_loads
        qualify n_open_windows > 0 or min(n_hours_late) over (partition by source, subject) > 6
        order by n_hours_late desc nulls first, source, endpoint, subject
        """,
    )


def quarantine_reasons(publication: Publication) -> pa.Table:
    """One row per kind of reason, figures in it left out."""
    return answer(
        publication,
        """
        select
            source, regexp_replace(reason, 'only \\d+ %', 'only a part') as reason, count(*) as n,
            count(distinct series_id) as n_series, max(fetched_at) as last_fetched_at
        from marts.fct_quarantine group by all order by n desc, reason
        """,
    )


def quarantined(publication: Publication, n: int) -> pa.Table:
    """The newest refused readings."""
    return answer(
        publication,
        """
        select series_id, observed_at, value, reason, source, fetched_at from marts.fct_quarantine
        order by fetched_at desc, observed_at desc, series_id limit $n
        """,
        n=n,
    )
