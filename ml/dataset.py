"""Marts to arrays: the only place where columns of the warehouse become inputs of a model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from warehouse.errors import DataTestFailed
from warehouse.marts import ISSUED, OriginQuery, PanelTables, read_panel
from warehouse.settings import Settings

HISTORY_H = 168
COVARIATE_H = 72
ORIGIN_STATS = (
    "last_value",
    "staleness_h",
    "n_known_24",
    "n_known_168",
    "mean_3",
    "mean_6",
    "mean_12",
    "mean_24",
    "mean_72",
    "mean_168",
    "mean_672",
    "std_24",
    "min_24",
    "max_24",
)
NAIVES = ("naive_last", "naive_day", "naive_week", "naive_mean_7")

Float = TypeVar("Float", np.float32, np.float64)
Floats32 = NDArray[np.float32]
Ints = NDArray[np.int64]
Hours = NDArray[np.int64]  # hours since 1970, UTC
HOUR = 3_600
GOLDEN_RATIO = 0.6180339887
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Panel:
    """One dataset's origins (n) and the rows (m) to forecast from them, as arrays.

    `history[:, k]` is the value k hours before the origin, NaN where it was not known then.
    Only `target`, `known_at` and `is_ok` know anything of the time after an origin.
    """

    dataset: str
    series: pd.DataFrame  # series_id, place_id, latitude, longitude; the position is the series' code
    series_code: Ints  # (n,)
    origin_h: Hours  # (n,)
    history: Floats32  # (n, 168)
    stats: dict[str, Floats32]  # ORIGIN_STATS -> (n,)
    covariates: dict[str, Floats32]  # variable -> (n, 72)
    origin: Ints  # (m,) position of the row's origin in the arrays above
    horizon: Ints  # (m,) 1..48
    naive: dict[str, Floats32]  # NAIVES -> (m,)
    local_hour: Ints  # (m,) wall clock of the place at the target hour
    local_weekday: Ints  # (m,) Monday = 0
    target: NDArray[np.float64]  # (m,) NaN where unknown
    known_at: Ints  # (m,) seconds since 1970 at which the truth was known
    is_ok: NDArray[np.bool_]  # (m,) quality of the truth
    issued: dict[str, Floats32]  # variable -> (m,) weather forecast of the target hour, newest available at the origin
    issued_lead_h: Floats32  # (m,) hours from that forecast's availability to the target hour; NaN where there is none

    def __len__(self) -> int:
        return len(self.horizon)

    @property
    def target_h(self) -> Hours:
        return self.origin_h[self.origin] + self.horizon

    @property
    def row_series(self) -> Ints:
        return self.series_code[self.origin]

    def rows(self, mask: NDArray[np.bool_] | slice) -> Panel:
        """The same origins with fewer rows."""
        return replace(
            self,
            origin=self.origin[mask],
            horizon=self.horizon[mask],
            naive={name: column[mask] for name, column in self.naive.items()},
            local_hour=self.local_hour[mask],
            local_weekday=self.local_weekday[mask],
            target=self.target[mask],
            known_at=self.known_at[mask],
            is_ok=self.is_ok[mask],
            issued={name: column[mask] for name, column in self.issued.items()},
            issued_lead_h=self.issued_lead_h[mask],
        )

    def origins(self, keep: NDArray[np.bool_]) -> Panel:
        """Only these origins (n,), and their rows."""
        rows = self.rows(keep[self.origin])
        return replace(
            rows,
            series_code=self.series_code[keep],
            origin_h=self.origin_h[keep],
            history=self.history[keep],
            stats={name: values[keep] for name, values in self.stats.items()},
            covariates={name: values[keep] for name, values in self.covariates.items()},
            origin=(np.cumsum(keep) - 1)[rows.origin],
        )

    def scorable(self) -> Panel:
        """Rows with a trustworthy truth and at least one known value in the week before the origin."""
        known = np.isfinite(self.target) & self.is_ok
        return self.rows(known & np.isfinite(self.stats["last_value"][self.origin]))

    def known_before(self, moment: datetime) -> Panel:
        """Rows whose truth was observed before the moment and known by then: what training at that moment may use."""
        at = seconds_of(moment)
        return self.rows((self.target_h * HOUR < at) & (self.known_at <= at))

    def between(self, start: datetime, end: datetime) -> Panel:
        """Rows with an origin in [start, end)."""
        return self.rows(self.is_between(start, end))

    def is_between(self, start: datetime, end: datetime) -> NDArray[np.bool_]:
        """(m,) whether the row's origin lies in [start, end)."""
        at = self.origin_h[self.origin] * HOUR
        return np.asarray((at >= seconds_of(start)) & (at < seconds_of(end)))

    def row_frame(self) -> pd.DataFrame:
        """series_id, origin_at, horizon_h of every row."""
        return pd.DataFrame(
            {
                "series_id": self.series["series_id"].to_numpy()[self.row_series],
                "origin_at": hours_to_time(self.origin_h[self.origin]),
                "horizon_h": self.horizon.astype(np.int32),
            }
        )


def some_moments(origin_h: Hours, share: float) -> NDArray[np.bool_]:
    """About this share of the moments, each with all of its origins; no hour of the day is left out.

    Every k-th would leave hours out where k divides those of a day; steps of the golden ratio spread over all of them.
    """
    _, number = np.unique(origin_h, return_inverse=True)
    return np.asarray((number * GOLDEN_RATIO) % 1 < share)


def hours_to_time(hours: Hours) -> NDArray[np.datetime64]:
    return (hours * HOUR).astype("datetime64[s]").astype("datetime64[us]")


def read(
    settings: Settings, query: OriginQuery, *, covariates: Iterable[str] = (), issued: Iterable[str] = ISSUED
) -> Panel:
    """The panel of a query; live and backtest origins come through here alike."""
    tables = read_panel(settings, query, covariates=tuple(covariates), issued=tuple(issued))
    return from_tables(query.dataset, tables)


def from_tables(dataset: str, tables: PanelTables) -> Panel:
    series = tables.series.to_pandas()
    codes = pd.Index(series["series_id"])
    places = pd.Index(series["place_id"])
    code = np.asarray(codes.get_indexer(tables.origins.column("series_id").to_pandas()))
    origin_h = times_of(tables.origins, "origin_at") // HOUR
    keys = pd.MultiIndex.from_arrays([code, origin_h])
    if not keys.is_unique:
        twice = series["series_id"].iloc[int(code[np.flatnonzero(keys.duplicated())[0]])]
        raise DataTestFailed(f"the feature marts hold an origin of {twice} twice; run dbt with --full-refresh")
    rows = tables.rows
    row_code = np.asarray(codes.get_indexer(rows.column("series_id").to_pandas()))
    origin = np.asarray(keys.get_indexer(pd.MultiIndex.from_arrays([row_code, times_of(rows, "origin_at") // HOUR])))
    local = times_of(rows, "local_target_at") // HOUR
    floats = partial(floats_of, kind=np.float32)
    covariates = {}
    for name, table in tables.covariates.items():
        at = pd.MultiIndex.from_arrays(
            [np.asarray(places.get_indexer(table.column("place_id").to_pandas())), times_of(table, "origin_at") // HOUR]
        )
        values = lists_of(table.column("history"), COVARIATE_H, np.float32)
        covariates[name] = _aligned(values, np.asarray(at.get_indexer(keys)))
    return Panel(
        dataset=dataset,
        series=series,
        series_code=code,
        origin_h=origin_h,
        history=lists_of(tables.origins.column("history"), HISTORY_H, np.float32),
        stats={name: floats(tables.origins, name) for name in ORIGIN_STATS},
        covariates=covariates,
        origin=origin,
        horizon=rows.column("horizon_h").to_numpy().astype(np.int64),
        naive={name: floats(rows, name) for name in NAIVES},
        local_hour=local % 24,
        local_weekday=(local // 24 + 3) % 7,  # 1970-01-01 was a Thursday
        target=rows.column("target").to_numpy().astype(np.float64),
        known_at=np.where(rows.column("target_known_at").is_null(), NEVER, times_of(rows, "target_known_at")),
        is_ok=np.asarray(rows.column("target_quality").to_pandas() == "ok"),
        issued={name: floats(rows, f"issued_{name}") for name in ISSUED if f"issued_{name}" in rows.column_names},
        issued_lead_h=floats(rows, "issued_lead_h")
        if "issued_lead_h" in rows.column_names
        else np.full(len(rows), np.nan, np.float32),
    )


def seconds_of(moment: datetime) -> int:
    return int(pd.Timestamp(moment).timestamp())


def times_of(table: pa.Table, name: str) -> Ints:
    """Seconds since 1970; the smallest integer where null."""
    values = table.column(name).to_numpy().astype("datetime64[s]")
    return np.asarray(values.astype(np.int64))


def floats_of(table: pa.Table, name: str, kind: type[Float]) -> NDArray[Float]:
    """A column of numbers, null as NaN."""
    return np.asarray(table.column(name).to_numpy(), dtype=kind)


def lists_of(column: pa.ChunkedArray, width: int, kind: type[Float]) -> NDArray[Float]:
    """A column of equally long lists as (n, width), null as NaN."""
    parts = [np.asarray(chunk.flatten().to_numpy(zero_copy_only=False), dtype=kind) for chunk in column.chunks]
    flat = np.concatenate(parts) if parts else np.empty(0, kind)
    return flat.reshape(-1, width)


def _aligned(values: Floats32, position: Ints) -> Floats32:
    """Row `position[i]` of values for each i; NaN where the position is -1."""
    padded = np.vstack([values, np.full((1, values.shape[1]), np.nan, np.float32)])
    return padded[position]
