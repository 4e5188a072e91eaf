"""What is exported of a publication: each table a mart, each partition a dataset's day of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa

from warehouse.errors import BadInput
from warehouse.reader import Publication

# Order numbers of the warehouse itself: they say nothing to a reader, and a rebuild gives others.
HIDDEN = ("payload_seq", "truth_seq")


@dataclass(frozen=True)
class Exported:
    """`day_of`: the stamp whose UTC day is the partition's date; `key`: what rows are unique and sorted by."""

    name: str
    mart: str
    day_of: str
    key: tuple[str, ...]
    needs_dataset: bool = False  # the mart knows the series only: its dataset and unit come from dim_series

    @property
    def source(self) -> str:
        """Its rows, with `dataset` and `date`."""
        hidden = ", ".join(f"'{name}'" for name in HIDDEN)
        rows = f"select columns(name -> name not in ({hidden})), {self.day_of}::date as date from marts.{self.mart}"
        if not self.needs_dataset:
            return rows
        return f"select rows.*, dataset, unit from ({rows}) as rows inner join marts.dim_series using (series_id)"


TABLES = (
    Exported("forecasts", "fct_forecasts", "origin_at", ("series_id", "origin_at", "run_id", "target_at")),
    Exported("current_forecasts", "fct_current_forecasts", "origin_at", ("series_id", "target_at")),
    Exported("observations", "fct_observations", "observed_at", ("series_id", "observed_at"), needs_dataset=True),
    Exported("alerts", "fct_alerts", "origin_at", ("rule_id", "series_id")),
    Exported("alert_scores", "fct_alert_scores", "origin_at", ("rule_id", "series_id", "run_id"), needs_dataset=True),
)


@dataclass(frozen=True)
class Partition:
    """`content`: a digest of the rows, whatever their order; another digest, other rows."""

    table: Exported
    dataset: str
    date: date
    n_rows: int
    content: str


def partitions(
    publication: Publication, table: Exported, datasets: Sequence[str] | None, since: date | None
) -> list[Partition]:
    """By date and dataset. Every row is read, none leaves the database."""
    sql = f"""
        select dataset, date, count(*) as n_rows,
            md5(count(*) || ' ' || bit_xor(md5_number(to_json(rows)::varchar))) as content
        from ({table.source}) as rows
        where date >= coalesce($since::date, date) and coalesce(list_contains($datasets::varchar[], dataset), true)
        group by dataset, date
        order by date, dataset
    """
    values = {"since": since, "datasets": None if datasets is None else list(datasets)}
    return [Partition(table, **row) for row in publication.rows(sql, values)]


def rows_of(publication: Publication, table: Exported, wanted: Sequence[Partition]) -> list[pa.Table]:
    """The rows of each partition, in the order of its key, without `dataset` and `date`, which its path says."""
    ordered = sorted(wanted, key=lambda one: (one.date, one.dataset))
    sql = f"""
        select rows.* from ({table.source}) as rows
        where {table.day_of} >= $first and {table.day_of} < $end
            and (dataset, date) in (select unnest($datasets::varchar[]), unnest($dates::date[]))
        order by date, dataset, {", ".join(table.key)}
    """
    values = {
        "first": ordered[0].date,
        "end": ordered[-1].date + timedelta(days=1),
        "datasets": [one.dataset for one in ordered],
        "dates": [one.date for one in ordered],
    }
    found, start, parts = publication.table(sql, values).drop_columns(["dataset", "date"]), 0, {}
    for one in ordered:
        parts[one] = found.slice(start, one.n_rows)
        start += one.n_rows
    return [parts[one] for one in wanted]


def known_datasets(publication: Publication, asked: Sequence[str]) -> None:
    """Raises BadInput for a dataset that no series belongs to."""
    known = [row["dataset"] for row in publication.rows("select distinct dataset from marts.dim_series order by all")]
    if unknown := sorted(set(asked) - set(known)):
        raise BadInput(f"no dataset is named {', '.join(unknown)[:200]}; there are {', '.join(known)}")
