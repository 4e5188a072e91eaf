"""What is forecast for the next hours, what to do about it, and whether it can be trusted today."""

from __future__ import annotations

import pyarrow as pa

from warehouse.reader import Publication
from warehouse.reads.board import answer


def series(publication: Publication) -> pa.Table:
    """One row per series that is forecast: what it measures, where, and how much of it is there."""
    return answer(publication, "select * from marts.dim_series where is_target order by dataset, name, series_id")


def outlook(publication: Publication) -> pa.Table:
    """One row per series: its newest forecast as lists by target hour."""
    return answer(
        publication,
        """
        select
            series_id, max(origin_at) as origin_at, min(target_at) as first_target_at,
            list(point order by target_at) as points, list(q10 order by target_at) as lows,
            list(q90 order by target_at) as highs, arg_min(rung, target_at) as rung
        from marts.fct_current_forecasts group by series_id order by series_id
        """,
    )


def alerts(publication: Publication) -> pa.Table:
    """One row per rule and series, those to act on first."""
    return answer(
        publication,
        """
        select
            rule_id, series_id, dataset, place_name, timezone, window_start, window_end, probability, climatology,
            act_from, is_alert and not is_silenced as is_active, is_silenced, silence_reason, description, what_to_do
        from marts.fct_alerts order by is_active desc, probability desc, place_name, rule_id
        """,
    )


def freshness(publication: Publication) -> pa.Table:
    """One row per source: its newest hour, how late its latest subject is on its freshest endpoint, what is failing."""
    return answer(
        publication,
        """
        with subjects as (
            select
                source, subject, max(last_ok_at) as last_ok_at, max(last_observed_at) as last_observed_at,
                min(n_hours_late) as n_hours_late, sum(n_open_windows) as n_open_windows,
                any_value(failing_reason) as failing_reason
            from marts.fct_loads group by source, subject
        )
        select
            source, max(last_ok_at) as last_ok_at, max(last_observed_at) as last_observed_at,
            max(n_hours_late) as n_hours_late, sum(n_open_windows)::bigint as n_open_windows,
            any_value(failing_reason) as failing_reason
        from subjects group by source order by source
        """,
    )


def open_alarms(publication: Publication) -> pa.Table:
    return answer(
        publication,
        """
        select alarm_id, raised_at, kind, severity, what, next_step from marts.fct_alarms
        where is_open order by severity, raised_at desc
        """,
    )
