"""A person's own values in place of a forecast's, for a window and with a reason. The forecast itself stays."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from warehouse import interventions
from warehouse.catalog import Variable
from warehouse.decider import Decider
from warehouse.errors import BadInput
from warehouse.interventions import HOUR, Row
from warehouse.results import read
from warehouse.settings import Settings

Method = Literal["set", "add", "factor"]
TABLE, KEY = "ml.override_events", "override_id"
TOLD_IN = "ml.forecasts"
# The seed as the last build read it: what serves the API has no seeds at hand.
_VARIABLE = "select * from staging.variables where dataset = $dataset and variable = $variable"
RECORD = (
    "n_hours", "n_hours_scored", "n_hours_published", "mae_original", "mae_overridden", "gain", "helped",
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What to do with the forecasts of [target_from, target_to), UTC. The newest override of an hour counts.

    `set` moves the whole distribution so that its median is the value, `add` moves it by the value, `factor` scales it.
    """

    series_id: str
    target_from: datetime
    target_to: datetime
    method: Method
    value: float


def check(asked: Asked, variable: Variable, now: datetime) -> None:
    """Raises BadInput."""
    interventions.check_window(asked.target_from, asked.target_to, now)
    first = max(asked.target_from, now + interventions.TICK)
    next_hour = first.replace(minute=0, second=0, microsecond=0)
    next_hour += HOUR if next_hour < first else 0 * HOUR
    if next_hour >= asked.target_to:
        raise BadInput("no full hour that still lies ahead is in the window: forecasts are for full hours (UTC)")
    low, high, value = variable.plausible_min, variable.plausible_max, asked.value
    unit = variable.unit
    if not math.isfinite(value):
        raise BadInput(f"the value is {value}; expected a finite number")
    if asked.method == "set" and not low <= value <= high:
        raise BadInput(f"the value {value:g} {unit} is not plausible: {variable.variable} lies in {low:g} to {high:g}")
    if asked.method == "factor" and value <= 0:
        raise BadInput(f"the factor is {value:g}; expected more than 0")
    if asked.method == "factor" and low < 0:
        raise BadInput(
            f"{variable.variable} ({unit}) has no natural zero: a factor of it means nothing; add or set instead"
        )


def add(settings: Settings, asked: Asked, by: Decider, override_id: str | None = None) -> Row:
    """Row of ml.override_events. `override_id`: a caller's own, so that asking again adds nothing. Raises BadInput."""
    interventions.check_decider(by)
    series = read(settings, "select series_id, dataset, variable from marts.dim_series where is_target", {})
    named = {row["series_id"]: row for row in series}
    interventions.one_of("forecast series", asked.series_id, sorted(named), where="dim_series names them")
    found = named[asked.series_id]
    (variable,) = read(settings, _VARIABLE, {name: found[name] for name in ("dataset", "variable")})
    check(asked, Variable(**variable), by.now)
    interventions.require_newest(settings, TABLE, TOLD_IN, by.now)
    row: dict[str, Any] = {
        KEY: override_id or f"override-{by.run_id}",
        "dataset": found["dataset"],
        **asdict(asked),
        "reason": by.reason,
        "actor": by.actor,
        "event_at": by.now,
    }
    return interventions.add(settings, TABLE, KEY, row)


def cancel(settings: Settings, override_id: str, by: Decider) -> Row:
    """From the next build on it changes nothing any more; hours that came under it stay scored. Raises BadInput."""
    return interventions.cancel(settings, TABLE, KEY, TOLD_IN, override_id, by)


def told(settings: Settings, run_id: str) -> list[Row]:
    """series_id, override_id, n_hours: which hours of a run's forecasts readers see overridden."""
    sql = """
        select series_id, override_id, count(*) as n_hours from marts.fct_current_forecasts
        where run_id = $run_id and override_id is not null group by all order by all
    """
    return read(settings, sql, {"run_id": run_id})


def listed(settings: Settings, now: datetime) -> list[Row]:
    """Overrides made by `now`, the newest first, with `state` and what the marts know of their record."""
    return interventions.listed(settings, TABLE, "fct_overrides", RECORD, "target", now)
