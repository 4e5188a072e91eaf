"""Evidently's page of a run's drift: `python -m ml.monitor.pages PAIRS.npz PAGE.html`, a process of its own.

Importing Evidently takes seconds, so the page is drawn beside what else the run does. `keep` leaves what it needs;
`drop_old` removes pages after 30 days.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from ml.monitor.watch import Verdict
from warehouse.retention import DRIFT_PAGES, drop_files

PLOTTED = "level", 48  # the aspect and window shown of every column; of drifting columns whatever drifts


def keep(found: Iterable[Verdict], path: Path) -> int:
    """Writes both samples of each column to show, and gives their number. The surest drift first."""
    arrays: dict[str, np.ndarray] = {}
    names: list[tuple[str, float]] = []
    for verdict in sorted(found, key=lambda each: each.q_value):
        judged = verdict.judged
        if judged is None or not (verdict.is_drift or (judged.aspect, judged.window_h) == PLOTTED):
            continue
        arrays[f"reference.{len(names)}"], arrays[f"current.{len(names)}"] = judged.reference, judged.current
        column = verdict.column
        name = f"{column.series_id} {column.kind}, {judged.aspect} of {judged.window_h} h, against {judged.kind}"
        names.append((name, verdict.limit))
    path.parent.mkdir(parents=True, exist_ok=True)
    if names:
        np.savez_compressed(path, names=np.array(json.dumps(names)), allow_pickle=False, **arrays)
    return len(names)


def draw(pairs: Path, page: Path) -> None:
    """The page, self-contained. Columns differ in length: the shorter ones end in missing values."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift

    with np.load(pairs, allow_pickle=False) as found:
        names: list[tuple[str, float]] = json.loads(str(found["names"]))
        frames = [
            pd.DataFrame({name: pd.Series(found[f"{part}.{i}"]) for i, (name, _) in enumerate(names)})
            for part in ("current", "reference")
        ]
    definition = DataDefinition(numerical_columns=[name for name, _ in names])
    metrics = [ValueDrift(column=name, method="wasserstein", threshold=limit) for name, limit in names]
    snapshot = Report(metrics).run(*(Dataset.from_pandas(frame, data_definition=definition) for frame in frames))
    draft = page.with_suffix(".draft")
    snapshot.save_html(str(draft))
    os.replace(draft, page)


def drop_old(folder: Path) -> None:
    """Pages of more than 30 days ago, and what a killed run left."""
    drop_files((path for path in folder.glob("*") if path.suffix in (".html", ".npz", ".draft")), DRIFT_PAGES)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
