"""Alerts: named reads of rules, features and past forecasts, and the write-back of models and probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from warehouse.connection import connect
from warehouse.results import read, replace
from warehouse.settings import Settings
from warehouse.silences import marked

HISTORY_H = 72
_FEATURES = f"""
    select * exclude (history, variable, event_hash), history[1:{HISTORY_H}] as history
    from marts.fct_alert_features
    where rule_id = $rule_id and origin_at >= $start and origin_at < $end
        and (len($hours) = 0 or list_contains($hours, hour(origin_at)))
        and hash(origin_at) <= $below
    order by series_id, origin_at
"""
# The last value and day of what else is measured at the places of a rule, the rule's own dataset before another.
_BESIDE = """
    with places as (
        select distinct place_id from marts.dim_series where dataset = $dataset and variable = $variable
    )
    select place_id, variable, origin_at, last_value, mean_24
    from marts.fct_all_origin_features
    where place_id in (select place_id from places) and variable != $variable
        and origin_at >= $start and origin_at < $end and (len($hours) = 0 or list_contains($hours, hour(origin_at)))
        and hash(origin_at) <= $below
    qualify row_number() over (partition by place_id, variable, origin_at order by dataset != $dataset, dataset) = 1
    order by variable, place_id, origin_at
"""
# What was published, and where nothing was, what champions would have said on windows that chose nothing.
_PAST_FORECASTS = """
    with champions as (
        select run_id, dataset, model from ml.model_versions
        where dataset = $dataset and trained_at <= $now and (metrics ->> 'role') = 'champion'
    ),
    told as (
        select series_id, origin_at, horizon_h, q05, q10, q25, q50, q75, q90, q95, run_id, 1 as is_published
        from ml.forecasts where dataset = $dataset and created_at <= $now
        union all
        select
            past.series_id, past.origin_at, past.horizon_h, past.q05, past.q10, past.q25, past.q50, past.q75, past.q90,
            past.q95, past.run_id, 0 as is_published
        from ml.backtests as past inner join champions using (run_id, dataset, model)
        where past.role = 'report'
    )
    select
        told.series_id, told.origin_at, told.horizon_h, q05, q10, q25, q50, q75, q90, q95,
        case
            when truth.quality = 'ok' and greatest(truth.first_known_at, truth.last_revised_at) <= $now then truth.value
        end as actual
    from told
    left join marts.fct_observations as truth
        on told.series_id = truth.series_id and told.origin_at + to_hours(told.horizon_h) = truth.observed_at
    where horizon_h between $first and $last and origin_at >= $start and origin_at < $end
        and ($run_id is null or (run_id = $run_id and is_published = 1))
    qualify row_number() over (
        partition by told.series_id, told.origin_at, told.horizon_h order by is_published desc, run_id desc
    ) = 1
    order by all
"""
_SCORED = """
    select
        rule_id, count(*) as n_scored, count(*) filter (is_event) as n_events,
        avg(brier) as brier, avg(brier_climatology) as brier_climatology,
        sum(cost_policy) as cost_policy, sum(cost_never) as cost_never, sum(cost_always) as cost_always
    from marts.fct_alert_scores where window_end <= $as_of and created_at <= $as_of group by rule_id
"""


def rules(settings: Settings) -> list[dict[str, Any]]:
    """The rules as the marts were built with them, in the order of their ids."""
    return read(settings, "select * from marts.dim_alert_rules order by rule_id", {})


@dataclass(frozen=True)
class Asked:
    """Origins in [start, end), at these UTC hours (none = any); `share` thins them, whole origins at a time."""

    start: datetime
    end: datetime
    hours: tuple[int, ...] = ()
    share: float = 1.0

    def values(self) -> dict[str, Any]:
        below = 2**64 - 1 if self.share >= 1 else int(self.share * 2**64)
        return {"start": self.start, "end": self.end, "hours": list(self.hours), "below": below}


def features(settings: Settings, rule_id: str, asked: Asked) -> pa.Table:
    """Rows of fct_alert_features by series and origin."""
    with connect(settings, read_only=True) as con:
        return con.execute(_FEATURES, {"rule_id": rule_id, **asked.values()}).to_arrow_table()


def beside(settings: Settings, dataset: str, variable: str, asked: Asked) -> pa.Table:
    """(place_id, variable, origin_at, last_value, mean_24) of the other variables measured at the rule's places."""
    with connect(settings, read_only=True) as con:
        return con.execute(_BESIDE, {"dataset": dataset, "variable": variable, **asked.values()}).to_arrow_table()


def past_forecasts(
    settings: Settings,
    dataset: str,
    *,
    start: datetime,
    end: datetime,
    horizons: tuple[int, int],
    now: datetime,
    run_id: str | None = None,
) -> pa.Table:
    """Quantiles published or reported by `now`, a row per series, origin and horizon; `run_id`: of that run only."""
    first, last = horizons
    values = {"dataset": dataset, "now": now, "first": first, "last": last}
    with connect(settings, read_only=True) as con:
        return con.execute(_PAST_FORECASTS, values | {"start": start, "end": end, "run_id": run_id}).to_arrow_table()


def extent(settings: Settings, rule_id: str, now: datetime) -> tuple[int, datetime | None]:
    """(origins of all series, first origin) of a rule before a moment."""
    sql = """
        select count(*) as n, min(origin_at) as first from marts.fct_alert_frequencies
        where rule_id = $rule_id and origin_at < $now
    """
    found = read(settings, sql, {"rule_id": rule_id, "now": now})[0]
    return int(found["n"]), found["first"]


def write_model(settings: Settings, row: dict[str, Any]) -> None:
    """One trained version; the same version again replaces its row."""
    key: dict[str, object] = {"model_version": row["model_version"]}
    replace(
        settings, "ml.alert_models", pa.Table.from_pylist([row]), where="model_version = $model_version", values=key
    )


def write_probabilities(settings: Settings, *, run_id: str, rows: pa.Table) -> None:
    """The probabilities of one run, in place of any that the same run wrote before."""
    replace(settings, "ml.alert_probabilities", rows, where="run_id = $run_id", values={"run_id": run_id})


def models(settings: Settings, now: datetime, rule_id: str | None = None) -> list[dict[str, Any]]:
    """Versions trained by `now`, newest first."""
    sql = """
        select * from ml.alert_models where trained_at <= $now and ($rule_id is null or rule_id = $rule_id)
        order by trained_at desc, model_version desc
    """
    return read(settings, sql, {"now": now, "rule_id": rule_id})


def probabilities(
    settings: Settings, run_id: str | None = None, *, as_of: datetime = datetime.max
) -> list[dict[str, Any]]:
    """Of one run (default: the newest by `as_of`), with place names and what to do; the most probable first.

    What a rule said before its event was changed is not told. `silence_id`, `silence_reason`: as silences stand at
    `as_of`; `is_alert` stays what the model says.
    """
    sql = """
        with newest as (
            select arg_max(run_id, (created_at, run_id)) as run_id from ml.alert_probabilities
            where created_at <= $as_of
        )
        select
            told.*, series.name, series.place_id, rules.description, rules.what_to_do, series.timezone
        from ml.alert_probabilities as told
        inner join marts.dim_series as series on told.series_id = series.series_id
        inner join marts.dim_alert_rules as rules
            on told.rule_id = rules.rule_id and told.event_hash = rules.event_hash
        where told.run_id = coalesce($run_id, (select run_id from newest))
        order by told.is_alert desc, told.probability desc, told.rule_id, told.series_id
    """
    return marked(settings, read(settings, sql, {"run_id": run_id, "as_of": as_of}), as_of)


def track_record(settings: Settings, *, as_of: datetime = datetime.max) -> dict[str, dict[str, Any]]:
    """Per rule: what its published probabilities had come to by `as_of`, by fct_alert_scores."""
    return {str(row["rule_id"]): row for row in read(settings, _SCORED, {"as_of": as_of})}
