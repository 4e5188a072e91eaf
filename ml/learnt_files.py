"""What a training found as a folder of files and back: model texts, JSON, plain arrays and Parquet, nothing that runs.

The files name no types: how a value is read follows from the annotations of `ml.learn.Learnt` and what it holds, so
that a new field of theirs is kept without a line here. Seconds and memory lie apart: the same training gives the same
bytes, whatever it cost.
"""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ValidationError

from ml.backtest import BacktestResult, Panels
from ml.competition import Contest
from ml.forecaster import Blender, Forecaster, build
from ml.learn import Learnt
from ml.params import Params
from warehouse.errors import ArtefactRefused, BadInput

LEARNT, ARRAYS = "learnt.json", "arrays.npz"
APART = ("asked", "panels")  # from params.yaml and from the snapshot
ARRAY, FRAME, MODEL = "<array>", "<frame>", "<model>"
UNREADABLE = (OSError, KeyError, ValueError, TypeError, AttributeError, ValidationError, BadInput)


@dataclass(frozen=True)
class Costs:
    """What a training took on the machine that ran it."""

    train_seconds: float
    peak_mib: float


@dataclass(frozen=True)
class Parts:
    """What JSON cannot hold, by where it stands."""

    arrays: dict[str, np.ndarray[Any, Any]]
    frames: dict[str, pd.DataFrame]

    def save(self, folder: Path) -> None:
        np.savez_compressed(folder / ARRAYS, allow_pickle=False, **self.arrays)
        for name, frame in self.frames.items():
            pq.write_table(pa.Table.from_pandas(frame), folder / f"{name}.parquet", compression="zstd")

    @classmethod
    def load(cls, folder: Path) -> Parts:
        with np.load(folder / ARRAYS, allow_pickle=False) as found:
            arrays = {name: found[name] for name in found.files}
        return cls(arrays, {path.stem: pq.read_table(path).to_pandas() for path in folder.glob("*.parquet")})


def write(folder: Path, learnt: Learnt) -> Costs:
    """Writes model texts, arrays and tables into an empty folder; what it cost is given back instead."""
    folder.mkdir(parents=True)
    result = learnt.result
    costs = Costs(result.train_seconds, result.peak_mib)
    free = replace(learnt, result=replace(result, train_seconds=0.0, peak_mib=0.0))
    files: dict[str, bytes] = {}
    for name, model in sorted(learnt.final.models.items()):
        dumped = model.dump()
        if files.keys() & dumped.keys():
            raise ArtefactRefused(f"model {name} writes a file that another model has written")
        files |= dumped
    parts = Parts({}, {})
    kept = (item.name for item in fields(Learnt) if item.name not in APART)
    tree = {name: _told(getattr(free, name), name, parts) for name in kept}
    files[LEARNT] = json.dumps(tree, indent=1).encode()  # as they stand: the order of models is part of it
    for name, content in files.items():
        (folder / name).write_bytes(content)
    parts.save(folder)
    return costs


def read(folder: Path, asked: Params, panels: Panels, costs: Costs) -> Learnt:
    """The training whose files lie in the folder; their bytes must be known to be those that were written.

    Raises ArtefactRefused for files that cannot be read.
    """
    try:
        tree = json.loads((folder / LEARNT).read_text(encoding="utf-8"))
        learnt = Learnt(**_values(Learnt, tree, "", Parts.load(folder)), asked=asked, panels=panels)
        _restore(learnt.final, folder)
    except UNREADABLE as error:
        raise _refused(folder, error) from None
    return replace(learnt, result=replace(learnt.result, **asdict(costs)))


def read_result(folder: Path) -> BacktestResult:
    """The report alone: no model is loaded."""
    try:
        tree = json.loads((folder / LEARNT).read_text(encoding="utf-8"))
        result: BacktestResult = _read(BacktestResult, tree["result"], "result", Parts.load(folder))
    except UNREADABLE as error:
        raise _refused(folder, error) from None
    return result


def _refused(folder: Path, error: Exception) -> ArtefactRefused:
    return ArtefactRefused(f"the training in {folder} cannot be read ({error!r}); `dvc repro` makes it anew")


def _restore(contest: Contest, folder: Path) -> None:
    texts = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in (".txt", ".json")}
    for name in contest.models:
        contest.models[name] = build(name, contest.params)
        contest.models[name].restore(texts)


def _told(value: Any, path: str, parts: Parts) -> Any:
    """The value as JSON; arrays and tables go into `parts`, named by where they stand."""
    if isinstance(value, np.ndarray):
        parts.arrays[path] = value
        return ARRAY
    if isinstance(value, pd.DataFrame):
        parts.frames[path] = value
        return FRAME
    if isinstance(value, Params):
        return value.learning()
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: _told(getattr(value, item.name), f"{path}.{item.name}", parts) for item in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _told(item, f"{path}.{key}", parts) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_told(item, f"{path}.{i}", parts) for i, item in enumerate(value)]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Forecaster | Blender):
        return MODEL
    return value


def _read(hint: Any, node: Any, path: str, parts: Parts) -> Any:
    """The value that `_told` made the node of, as its annotation says."""
    if node == ARRAY:
        return parts.arrays[path]
    if node == FRAME:
        return parts.frames[path]
    if node == MODEL or node is None:
        return None
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _read(next(one for one in inner if one is not type(None)), node, path, parts)
    if origin is dict:
        key = inner[0]
        return {key(name): _read(inner[1], item, f"{path}.{name}", parts) for name, item in node.items()}
    if origin in (list, tuple):
        each = inner * len(node) if origin is list or inner[-1:] == (...,) else inner
        found = [_read(each[i], item, f"{path}.{i}", parts) for i, item in enumerate(node)]
        return found if origin is list else tuple(found)
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return hint.model_validate(node)
    if isinstance(hint, type) and is_dataclass(hint):
        return hint(**_values(hint, node, f"{path}.", parts))
    return datetime.fromisoformat(node) if hint is datetime else node


def _values(kind: Any, node: dict[str, Any], prefix: str, parts: Parts) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {name: _read(hints[name], item, f"{prefix}{name}", parts) for name, item in node.items()}
