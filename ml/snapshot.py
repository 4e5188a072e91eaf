"""The rows of a training as a folder of Parquet files: the same rows give the same bytes, the bytes the same rows.

<folder>/windows.json                       dataset, as-of time, windows, what `auto` stood for
<folder>/<train|select|report>/series.parquet    one series, its position is its code
<folder>/<train|select|report>/origins.parquet   one origin: 168 hours of history, statistics, covariates
<folder>/<train|select|report>/rows.parquet      one row to forecast: position of its origin, horizon, truth
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter

from ml.backtest import Panels, Windows
from ml.dataset import Panel
from ml.params import Params
from warehouse.errors import ArtefactRefused

Each = Callable[[Callable[[Panel], dict[str, bytes]], list[Panel]], Iterable[dict[str, bytes]]]
PANELS = ("train", "select", "report")
PER_ORIGIN = ("series_code", "origin_h", "history", "stats", "covariates")
WINDOWS = "windows.json"


def write(folder: Path, panels: Panels, windows: Windows, asked: Params, params: Params, each: Each = map) -> None:
    """Replaces the folder. `params`: `asked` with everything that depends on the warehouse spelled out.

    `each`: a `map` that may call elsewhere.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for name, files in zip(PANELS, each(encoded, [getattr(panels, name) for name in PANELS]), strict=True):
        (folder / name).mkdir(parents=True)
        for file, content in files.items():
            (folder / name / file).write_bytes(content)
    record = {
        "dataset": params.dataset,
        "windows": TypeAdapter(Windows).dump_python(windows, mode="json"),
        "spelled_out": _spelled_out(asked, params),
    }
    (folder / WINDOWS).write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def encoded(panel: Panel) -> dict[str, bytes]:
    """The Parquet files of one panel."""
    tables = {"series": pa.Table.from_pandas(panel.series, preserve_index=False)}
    for name, columns in (("origins", PER_ORIGIN), ("rows", _per_row())):
        tables[name] = _table({key: getattr(panel, key) for key in columns})
    return {f"{name}.parquet": _bytes(table) for name, table in tables.items()}


def read(folder: Path, asked: Params) -> tuple[Windows, Panels, Params]:
    """Windows, panels and `asked` with the features spelled out that it still asks for. Raises ArtefactRefused."""
    try:
        record = json.loads((folder / WINDOWS).read_text(encoding="utf-8"))
        windows = TypeAdapter(Windows).validate_python(record["windows"])
        train, select, report = (_panel(folder / name, record["dataset"]) for name in PANELS)
        given = asked.features.model_dump(mode="json")
        found = {key: item["is"] for key, item in record["spelled_out"].items() if given[key] == item["asked"]}
        features = type(asked.features).model_validate(given | found)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtefactRefused(f"the snapshot {folder} cannot be read ({error}); `dvc repro` makes it anew") from None
    return windows, Panels(train, select, report), asked.model_copy(update={"features": features})


def _spelled_out(asked: Params, params: Params) -> dict[str, Any]:
    before, after = asked.features.model_dump(mode="json"), params.features.model_dump(mode="json")
    return {key: {"asked": before[key], "is": value} for key, value in after.items() if value != before[key]}


def _per_row() -> tuple[str, ...]:
    return tuple(item.name for item in fields(Panel) if item.name not in ("dataset", "series", *PER_ORIGIN))


def _table(values: dict[str, Any]) -> pa.Table:
    """Arrays (n,) and (n, k) as columns; those of a mapping are named `<field>.<key>`, keys in order."""
    columns: dict[str, pa.Array] = {}
    for name, value in values.items():
        parts = {f"{name}.{key}": value[key] for key in value} if isinstance(value, dict) else {name: value}
        columns |= {key: _column(array) for key, array in parts.items()}
    return pa.table(columns)


def _column(array: np.ndarray[Any, Any]) -> pa.Array:
    if array.ndim == 1:
        return pa.array(array, from_pandas=False)
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(array).ravel()), array.shape[1])


def _bytes(table: pa.Table) -> bytes:
    """Every setting that shapes the bytes is named, so that a default that changes does not change them."""
    sink = pa.BufferOutputStream()
    pq.write_table(
        table.replace_schema_metadata(None),
        sink,
        version="2.6",
        data_page_version="1.0",
        compression="zstd",
        compression_level=3,
        row_group_size=131_072,
        use_dictionary=[name for name in table.column_names if pa.types.is_string(table.schema.field(name).type)],
        write_statistics=True,
        store_schema=True,
    )
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _panel(folder: Path, dataset: str) -> Panel:
    origins, rows = (_values(pq.read_table(folder / f"{name}.parquet")) for name in ("origins", "rows"))
    series = pq.read_table(folder / "series.parquet").to_pandas()
    found: dict[str, Any] = {"dataset": dataset, "series": series}
    for item in fields(Panel):
        table = origins if item.name in PER_ORIGIN else rows
        if item.name in table:
            found[item.name] = table[item.name]
        elif item.name not in found:  # a mapping, perhaps an empty one
            found[item.name] = {
                key.removeprefix(f"{item.name}."): value
                for key, value in table.items()
                if key.startswith(f"{item.name}.")
            }
    return Panel(**found)


def _values(table: pa.Table) -> dict[str, np.ndarray[Any, Any]]:
    return {name: _array(table.column(name).combine_chunks()) for name in table.column_names}


def _array(column: Any) -> np.ndarray[Any, Any]:
    """Writable, as the marts' own arrays are."""
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if pa.types.is_fixed_size_list(column.type):
        flat = np.array(column.flatten().to_numpy(zero_copy_only=False))
        return flat.reshape(-1, column.type.list_size)
    return np.array(column.to_numpy(zero_copy_only=False))
