"""What monitoring reads of the marts, and the rows it leaves in ml.drift."""

from __future__ import annotations

from datetime import datetime, timedelta

import pyarrow as pa

from warehouse.connection import connect
from warehouse.results import replace
from warehouse.settings import Settings

HISTORY = timedelta(days=1200)
# an hour as it was known last; of forecasts of one hour the newest that was made less than a day ahead of it
_HOURS = """
    with hours as (
        select observations.series_id, observations.observed_at as hour_at, any_value(series.dataset) as dataset,
            case when any_value(series.is_target) then 'target' else 'feature' end as kind,
            any_value(observations.value) filter (where observations.quality in ('ok', 'stuck')) as value
        from marts.fct_observations as observations
        inner join marts.dim_series as series on observations.series_id = series.series_id
        where observations.observed_at > $since and observations.observed_at <= $now
        group by observations.series_id, observations.observed_at
        union all by name
        select series_id, target_at as hour_at, any_value(dataset) as dataset, 'prediction' as kind,
            arg_max(point, (origin_at, created_at)) as value
        from ml.forecasts
        where target_at > $since and created_at <= $now and horizon_h <= 24
        group by series_id, target_at
    )
    select dataset, series_id, kind, min(hour_at) as first_at,
        list((datediff('hour', first_at, hour_at))::integer order by hour_at) as hour,
        list(value order by hour_at) as value
    from (
        select *, min(hour_at) over (partition by series_id, kind) as first_at
        from hours
        where value is not null
    )
    group by dataset, series_id, kind
    order by dataset, series_id, kind
"""


def hours_known(settings: Settings, now: datetime) -> pa.Table:
    """A row per series and kind (target, feature, prediction): first_at, and the hours since with their values."""
    with connect(settings, read_only=True) as con:
        return con.execute(_HOURS, {"since": now - HISTORY, "now": now}).to_arrow_table()


def write_drift(settings: Settings, run_id: str, rows: pa.Table | None) -> None:
    """The same run again replaces its rows."""
    replace(settings, "ml.drift", rows, where="run_id = $run_id", values={"run_id": run_id})


def link_page(settings: Settings, run_id: str, page: str) -> None:
    """Names the page of a run's drift, relative to the data folder, in its rows."""
    with connect(settings) as con:
        con.execute("update ml.drift set page = $page where run_id = $run_id", {"page": page, "run_id": run_id})
