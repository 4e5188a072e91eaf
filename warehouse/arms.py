"""What became of versions that answered the same hours, by the mart of their scores; nothing before it is built."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from warehouse.errors import NotBuilt
from warehouse.results import read
from warehouse.settings import Settings

LEVELS = {"q05": 0.05, "q10": 0.1, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q90": 0.9, "q95": 0.95}
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
# by the truths that this run has built: fct_arm_scores has those of the run before
_PAIRED = """
    with told as (
        select model_version, series_id, origin_at, target_at, created_at, run_id, {quantiles} from ml.forecasts
        where model_version in ($champion, $predecessor) and origin_at >= $since and horizon_h <= 24
        union all by name
        select model_version, series_id, origin_at, target_at, created_at, run_id, {quantiles} from ml.shadow_forecasts
        where model_version in ($champion, $predecessor) and origin_at >= $since and horizon_h <= 24
    ),

    -- one origin a day: errors of neighbouring origins are the same errors
    firsts as (
        select * from told
        qualify run_id = first_value(run_id) over (
            partition by model_version, series_id, origin_at::date order by origin_at, created_at desc, run_id desc
        )
    ),

    losses as (
        select firsts.origin_at::date as day, firsts.series_id, firsts.target_at,
            any_value({pinball}) filter (where model_version = $champion) as champion,
            any_value({pinball}) filter (where model_version = $predecessor) as predecessor
        from firsts
        inner join marts.fct_observations as truths
            on firsts.series_id = truths.series_id and firsts.target_at = truths.observed_at
        where truths.value is not null and truths.quality = 'ok' and truths.observed_at <= $now
            and greatest(truths.last_revised_at, truths.first_known_at) <= $now
        group by all
    )

    select day, avg(champion) as champion, avg(predecessor) as predecessor, count(distinct series_id) as n_series
    from losses
    where champion is not null and predecessor is not null
    group by day
    having count(*) >= 12 * count(distinct series_id)
    order by day
"""


def arm_losses(settings: Settings, trial: str, now: datetime) -> pd.DataFrame:
    """day, series_id, arm and pinball (mean loss of the first 24 hours) of every run of a trial before `now`."""
    return _read(settings, _LOSSES, {"trial": trial, "now": now}, ("day", "series_id", "arm", "pinball"))


def paired_losses(settings: Settings, champion: str, predecessor: str, since: datetime, now: datetime) -> pd.DataFrame:
    """A line per day since then on which both answered: mean pinball loss of both over the same series and hours."""
    values = {"champion": champion, "predecessor": predecessor, "since": since, "now": now}
    sql = _PAIRED.format(quantiles=", ".join(LEVELS), pinball=_pinball())
    return _read(settings, sql, values, ("day", "champion", "predecessor", "n_series"))


def _pinball() -> str:
    """Mean pinball loss of a row, as the macro of that name."""
    terms = [f"greatest({tau} * (value - {name}), ({tau} - 1) * (value - {name}))" for name, tau in LEVELS.items()]
    return f"({' + '.join(terms)}) / {len(terms)}"


def _read(settings: Settings, sql: str, values: dict[str, object], columns: tuple[str, ...]) -> pd.DataFrame:
    try:
        return pd.DataFrame(read(settings, sql, values), columns=list(columns))
    except NotBuilt:
        return pd.DataFrame(columns=list(columns))
