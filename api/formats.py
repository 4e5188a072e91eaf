"""A table in the form that was asked for: JSON, CSV, Parquet or an Arrow stream."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import pyarrow as pa
from pyarrow import compute, csv, parquet

from api.problems import Problem

DECIMALS = 5  # of JSON and CSV, which people read; Parquet and Arrow have every bit


@dataclass(frozen=True)
class About:
    """What goes with the rows: of which publication they are, and where the next page begins."""

    run_id: str
    published_at: datetime
    next_cursor: str | None


def to_json(table: pa.Table, about: About) -> bytes:
    """Stamps are UTC to the second, with a Z; a number that is none is null, the others have DECIMALS."""
    columns = [_values(column) for column in table.columns]
    names = table.column_names
    found = {
        "publication": {"run_id": about.run_id, "published_at": stamp(about.published_at)},
        "data": [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)],
        "next_cursor": about.next_cursor,
    }
    return orjson.dumps(found)


def stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


def _values(column: pa.ChunkedArray) -> list[Any]:
    """As JSON has them. Words repeat down a column: each is made once."""
    if not len(column):
        return []
    if pa.types.is_floating(column.type):
        return [*compute.round(column, DECIMALS).to_numpy().tolist()]  # what is missing is NaN, in JSON null
    if not (pa.types.is_timestamp(column.type) or pa.types.is_string(column.type)):
        return [*column.to_pylist()]
    coded = compute.dictionary_encode(column).combine_chunks()
    words = coded.dictionary
    if pa.types.is_timestamp(words.type):
        seconds = compute.cast(words, pa.timestamp("s"), safe=False)
        words = compute.strftime(seconds, format="%Y-%m-%dT%H:%M:%SZ")
    known = [*words.to_pylist(), None]
    return [known[place] for place in compute.fill_null(coded.indices, len(words)).to_numpy().tolist()]


def _zoned(table: pa.Table) -> pa.Table:
    """Stamps that say that they are UTC."""
    for number, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            zoned = compute.assume_timezone(table.column(number), "UTC")
            table = table.set_column(number, field.name, zoned)
    return table


def _to_csv(table: pa.Table, _: About) -> bytes:
    for number, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) or pa.types.is_list(field.type):
            values = _values(table.column(number))
            texts = [value if isinstance(value, str | None) else ";".join(map(str, value)) for value in values]
            table = table.set_column(number, field.name, pa.array(texts, pa.string()))
        elif pa.types.is_floating(field.type):
            table = table.set_column(number, field.name, compute.round(table.column(number), DECIMALS))
    out = io.BytesIO()
    csv.write_csv(table, out)
    return out.getvalue()


def _to_parquet(table: pa.Table, _: About) -> bytes:
    out = io.BytesIO()
    parquet.write_table(_zoned(table), out, compression="zstd")
    return out.getvalue()


def _to_arrow(table: pa.Table, _: About) -> bytes:
    out = io.BytesIO()
    with pa.ipc.new_stream(out, table.schema if not table.num_columns else _zoned(table).schema) as writer:
        writer.write_table(_zoned(table))
    return out.getvalue()


FORMATS: dict[str, tuple[str, Callable[[pa.Table, About], bytes]]] = {
    "application/json": ("json", to_json),
    "text/csv": ("csv", _to_csv),
    "application/vnd.apache.parquet": ("parquet", _to_parquet),
    "application/vnd.apache.arrow.stream": ("arrow", _to_arrow),
}


def chosen(accept: str) -> str:
    """The media type that an Accept header likes best of ours, JSON among equals. Raises Problem (406) for none."""
    wanted = [_preference(part) for part in accept.split(",") if part.strip()] or [("*/*", 1.0)]
    ranks = {ours: _rank(ours, wanted) for ours in FORMATS}
    best = max(ranks, key=lambda ours: ranks[ours])
    if ranks[best] <= 0:
        raise Problem(406, f"Accept: {accept[:200]} names nothing that is served here: {', '.join(FORMATS)}")
    return best


def _preference(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return name, float(parameter[2:])
            except ValueError:
                return name, 0.0
    return name, 1.0


def _rank(ours: str, wanted: list[tuple[str, float]]) -> float:
    """The q-value of the most specific range that fits."""
    kind = ours.split("/")[0]
    for pattern in (ours, f"{kind}/*", "*/*"):
        for name, quality in wanted:
            if name == pattern:
                return quality
    return 0.0
