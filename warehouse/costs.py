"""What runs cost, by the marts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from warehouse.results import read
from warehouse.settings import Settings

_NEWEST = """
    select
        run_id, as_of, cost, currency, n_forecasts, cost_per_1000, usual_cost_per_1000 as usual, cost_ratio as ratio
    from marts.fct_run_costs
    where status = 'ok' and cost_per_1000 is not null and as_of <= $now
    order by started_at desc, run_id desc
    limit 1
"""


@dataclass(frozen=True)
class RunCost:
    """`usual`: of the runs before of its kind; `ratio`: to that, None with too few to compare with."""

    run_id: str
    as_of: datetime
    cost: float
    currency: str
    n_forecasts: int
    cost_per_1000: float
    usual: float | None
    ratio: float | None

    def __str__(self) -> str:
        usual = "" if self.usual is None else f", usually {self.usual:.2g}"
        return f"{self.cost:.2g} {self.currency}, {self.cost_per_1000:.2g} per 1,000 forecast hours{usual}"


def newest(settings: Settings, now: datetime) -> RunCost | None:
    """Of the newest run that forecast, ended well and is in the marts whole: not the one that is asking."""
    built = "select 1 from duckdb_tables() where schema_name = 'marts' and table_name = 'fct_run_costs'"
    if not read(settings, built, {}):
        return None
    rows = read(settings, _NEWEST, {"now": now})
    return RunCost(**rows[0]) if rows else None
