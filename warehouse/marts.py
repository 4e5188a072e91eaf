"""Named reads of the marts, as Arrow tables. Everything models and reports know of the warehouse is read here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa

from warehouse.connection import connect
from warehouse.settings import Settings

ORIGIN_COLUMNS = (
    "last_value, staleness_h, n_known_24, n_known_168, mean_3, mean_6, mean_12, mean_24, mean_72, mean_168, mean_672, "
    "std_24, min_24, max_24"
)
ISSUED = ("temperature_c", "relative_humidity_pct", "cloud_cover_pct", "wind_speed_kmh")
HASHES = 2**64


@dataclass(frozen=True)
class OriginQuery:
    """Which origins of which series: [origin_from, origin_to), at these UTC hours of the day (empty = any hour).

    The fractions thin origins (all series of an origin together) and rows by a seeded hash, inside the warehouse.
    """

    dataset: str
    origin_from: datetime
    origin_to: datetime
    hours: tuple[int, ...] = ()
    places: tuple[str, ...] = ()
    horizon_max: int = 48
    origin_fraction: float = 1.0
    row_fraction: float = 1.0
    seed: int = 0

    def where(self) -> str:
        """Conditions on (dataset, place_id, origin_at), values as named parameters."""
        clauses = ["dataset = $dataset", "origin_at >= $origin_from", "origin_at < $origin_to"]
        if self.hours:
            clauses.append("list_contains($hours, hour(origin_at))")
        if self.places:
            clauses.append("list_contains($places, place_id)")
        return " and ".join([*clauses, self._sampled()])

    def _sampled(self) -> str:
        if self.origin_fraction >= 1:
            return "true"
        return f"hash(origin_at, {self.seed:d}) < {_threshold(self.origin_fraction)}"

    def where_rows(self) -> str:
        clauses = [self.where(), "horizon_h <= $horizon_max"]
        if self.row_fraction < 1:
            clauses.append(f"hash(series_id, origin_at, horizon_h, {self.seed:d}) < {_threshold(self.row_fraction)}")
        return " and ".join(clauses)

    def values(self, *, with_horizon: bool = False) -> dict[str, object]:
        found: dict[str, object] = {
            "dataset": self.dataset,
            "origin_from": self.origin_from,
            "origin_to": self.origin_to,
        }
        if self.hours:
            found["hours"] = list(self.hours)
        if self.places:
            found["places"] = list(self.places)
        if with_horizon:
            found["horizon_max"] = self.horizon_max
        return found


@dataclass(frozen=True)
class PanelTables:
    """The marts' answer to an OriginQuery, every table sorted by its grain."""

    series: pa.Table  # target series: series_id, place_id, latitude, longitude, timezone
    origins: pa.Table  # (series_id, origin_at)
    covariates: dict[str, pa.Table]  # variable -> (place_id, origin_at, history)
    rows: pa.Table  # (series_id, origin_at, horizon_h), with issued_<variable> and issued_lead_h where asked for


def _threshold(fraction: float) -> int:
    """Hashes below it are that share of all. Compared bare: what can fail (%, a cast) would run after the join."""
    return int(fraction * HASHES)


def _read(con: duckdb.DuckDBPyConnection, sql: str, values: dict[str, object] | None = None) -> pa.Table:
    return con.execute(sql, values or {}).to_arrow_table()


def target_series(settings: Settings, dataset: str | None = None) -> pa.Table:
    """Every series that is to be forecast, sorted by series_id."""
    with connect(settings, read_only=True) as con:
        return _target_series(con, dataset, ())


def _target_series(con: duckdb.DuckDBPyConnection, dataset: str | None, places: tuple[str, ...]) -> pa.Table:
    return _read(
        con,
        """
        select series_id, dataset, place_id, variable, latitude, longitude, timezone
        from marts.dim_series
        where is_target and ($dataset is null or dataset = $dataset)
            and (len($places) = 0 or list_contains($places, place_id))
        order by series_id
        """,
        {"dataset": dataset, "places": list(places)},
    )


def origin_span(settings: Settings, query: OriginQuery) -> tuple[int, datetime | None, datetime | None]:
    """(origin rows of target series, first origin, last origin) within the query, unsampled."""
    with connect(settings, read_only=True) as con:
        sql = f"""
            select count(*), min(origin_at), max(origin_at) from marts.fct_all_origin_features
            where is_target and {query.where()}
        """
        found = con.execute(sql, query.values()).fetchone()
    return found if found is not None else (0, None, None)


def read_panel(
    settings: Settings, query: OriginQuery, *, covariates: tuple[str, ...] = (), issued: tuple[str, ...] = ()
) -> PanelTables:
    """Origins, co-located covariates and horizon rows in one visit. `issued`: weather forecasts the rows shall hold."""
    where, values = query.where(), query.values()
    ahead = "".join(f", issued_{name}" for name in ISSUED if name in issued)
    with connect(settings, read_only=True) as con:
        series = _target_series(con, query.dataset, query.places)
        origins = _read(
            con,
            f"""
            select series_id, origin_at, {ORIGIN_COLUMNS}, history
            from marts.fct_all_origin_features where is_target and {where} order by series_id, origin_at
            """,
            values,
        )
        return PanelTables(
            series=series,
            origins=origins,
            covariates={name: _covariate(con, query, name) for name in covariates},
            rows=_read(
                con,
                f"""
                select
                    series_id, origin_at, horizon_h, local_target_at, naive_last, naive_day, naive_week, naive_mean_7,
                    target, target_known_at, target_quality{ahead}{", issued_lead_h" if ahead else ""}
                from marts.fct_forecast_features where {query.where_rows()} order by series_id, origin_at, horizon_h
                """,
                query.values(with_horizon=True),
            ),
        )


def _covariate(con: duckdb.DuckDBPyConnection, query: OriginQuery, variable: str) -> pa.Table:
    """The last 72 hours of another variable measured at the same places; the dataset's own before another's."""
    where = query.where().replace("dataset = $dataset", "true")
    return _read(
        con,
        f"""
        select place_id, origin_at, history[1:72] as history
        from marts.fct_all_origin_features
        where variable = $variable and not (is_target and dataset = $dataset) and {where}
            and place_id in (select place_id from marts.dim_series where is_target and dataset = $dataset)
        qualify row_number() over (partition by place_id, origin_at order by dataset != $dataset, dataset) = 1
        order by place_id, origin_at
        """,
        {**query.values(), "variable": variable},
    )


def co_located_variables(settings: Settings, dataset: str) -> list[str]:
    """Variables other than the target that exist at the dataset's places, whichever dataset measures them."""
    with connect(settings, read_only=True) as con:
        found = con.execute(
            """
            with places as (select place_id, variable from marts.dim_series where is_target and dataset = $dataset)
            select distinct series.variable
            from marts.dim_series as series
            inner join places using (place_id)
            where not (series.is_target and series.dataset = $dataset) and series.variable != places.variable
            order by 1
            """,
            {"dataset": dataset},
        ).fetchall()
    return [name for (name,) in found]


def issued_variables(settings: Settings, dataset: str) -> list[str]:
    """Weather variables with forecasts as issued at any of the dataset's places."""
    with connect(settings, read_only=True) as con:
        found = con.execute(
            """
            select distinct variable from marts.fct_issued_forecasts
            semi join (select place_id from marts.dim_series where is_target and dataset = $dataset) using (place_id)
            order by 1
            """,
            {"dataset": dataset},
        ).fetchall()
    return [name for (name,) in found if name in ISSUED]


def data_as_of(settings: Settings, dataset: str, now: datetime) -> datetime | None:
    """Newest hour of the dataset's targets that was known by `now`."""
    with connect(settings, read_only=True) as con:
        found = con.execute(
            """
            select max(observed_at) from marts.fct_observations
            where value is not null and first_known_at <= $now and series_id in (
                select series_id from marts.dim_series where is_target and dataset = $dataset
            )
            """,
            {"now": now, "dataset": dataset},
        ).fetchone()
    return found[0] if found else None


def climatology(settings: Settings, dataset: str, now: datetime, levels: tuple[float, ...]) -> pa.Table:
    """Quantiles of each series' newest 60 days, known by `now`, by hour of the day (hour_utc null: all hours)."""
    with connect(settings, read_only=True) as con:
        return _read(
            con,
            """
            with known as (
                select series_id, observed_at, first_value as value
                from marts.fct_observations
                where first_value is not null and first_known_at <= $now and series_id in (
                    select series_id from marts.dim_series where is_target and dataset = $dataset
                )
            ),
            recent as (
                select * from known
                qualify observed_at > max(observed_at) over (partition by series_id) - interval 60 day
            )
            select
                series_id, hour(observed_at)::integer as hour_utc, count(*)::integer as n,
                quantile_cont(value, $levels) as quantiles,
            from recent
            group by grouping sets ((series_id, hour(observed_at)), (series_id))
            order by all
            """,
            {"now": now, "dataset": dataset, "levels": list(levels)},
        )
