"""Rows as the bytes of a file. The same rows give the same bytes."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from typing import Literal

import pyarrow as pa
from pyarrow import compute, csv, parquet

Format = Literal["parquet", "csv"]
LOCAL = "local_"  # what begins so is on the wall clock of a place, every other stamp is UTC


def _to_parquet(table: pa.Table) -> bytes:
    out = io.BytesIO()
    parquet.write_table(table, out, compression="zstd")
    return out.getvalue()


def _to_csv(table: pa.Table) -> bytes:
    out = io.BytesIO()
    csv.write_csv(table, out)
    return gzip.compress(out.getvalue(), mtime=0)


# format -> ending, writer
FORMATS: dict[Format, tuple[str, Callable[[pa.Table], bytes]]] = {
    "parquet": ("parquet", _to_parquet),
    "csv": ("csv.gz", _to_csv),
}


def to_bytes(table: pa.Table, kind: Format) -> bytes:
    return FORMATS[kind][1](zoned(table))


def zoned(table: pa.Table) -> pa.Table:
    """UTC stamps that say so."""
    for number, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) and not field.name.startswith(LOCAL):
            table = table.set_column(number, field.name, compute.assume_timezone(table.column(number), "UTC"))
    return table
