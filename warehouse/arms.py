"""What became of versions that answered the same hours, by the mart of their scores; nothing before it is built."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from warehouse.errors import NotBuilt
from warehouse.results import read
from warehouse.settings import Settings

# the first origin of a day, of any run: errors of neighbouring origins are the same errors
_LOSSES = """
    select origin_at::date as day, series_id, arm, pinball
    from marts.fct_arm_scores
    where run_id in (select run_id from ml.arms where trial = $trial and created_at < $now) and last_target_at <= $now
    qualify row_number() over (
        partition by series_id, arm, origin_at::date order by origin_at, created_at desc, run_id desc
    ) = 1
    order by day, series_id, arm
"""
_PAIRED = """
    with firsts as (
        select origin_at::date as day, series_id, model_version, pinball
        from marts.fct_arm_scores
        where model_version in ($champion, $predecessor) and origin_at >= $since and last_target_at <= $now
        qualify row_number() over (
            partition by series_id, model_version, origin_at::date order by origin_at, created_at desc, run_id desc
        ) = 1
    ),

    paired as (
        select
            day, series_id,
            any_value(pinball) filter (where model_version = $champion) as champion,
            any_value(pinball) filter (where model_version = $predecessor) as predecessor
        from firsts
        group by day, series_id
    )

    select day, avg(champion) as champion, avg(predecessor) as predecessor, count(*) as n_series
    from paired
    where champion is not null and predecessor is not null
    group by day
    order by day
"""


def arm_losses(settings: Settings, trial: str, now: datetime) -> pd.DataFrame:
    """day, series_id, arm and pinball (mean loss of the first 24 hours) of every run of a trial before `now`."""
    return _read(settings, _LOSSES, {"trial": trial, "now": now}, ("day", "series_id", "arm", "pinball"))


def paired_losses(settings: Settings, champion: str, predecessor: str, since: datetime, now: datetime) -> pd.DataFrame:
    """A line per day since then on which both answered: mean pinball loss of both over the same series and hours."""
    values = {"champion": champion, "predecessor": predecessor, "since": since, "now": now}
    return _read(settings, _PAIRED, values, ("day", "champion", "predecessor", "n_series"))


def _read(settings: Settings, sql: str, values: dict[str, object], columns: tuple[str, ...]) -> pd.DataFrame:
    try:
        return pd.DataFrame(read(settings, sql, values), columns=list(columns))
    except NotBuilt:
        return pd.DataFrame(columns=list(columns))
