"""Explanations beside a run's forecasts: worked out on the panels that gave them, kept in ml.explanations."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa

from ml import explain
from ml.ladder import LEARNT_RUNGS, Answered
from warehouse import results
from warehouse.catalog import load_catalog
from warehouse.settings import Settings

HORIZONS = (1, 3, 6, 12, 18, 24, 36, 48)


def explanations(settings: Settings, dataset: str, answered: Answered, now: datetime, run_id: str) -> pd.DataFrame:
    """Rows of ml.explanations for what learnt models answered, on the panel they answered from."""
    rows, panel = answered.rows, answered.panel
    learnt = rows[rows["rung"].isin(LEARNT_RUNGS)].drop_duplicates(["series_id", "model_version"])
    units = {v.variable: v.unit for v in load_catalog(settings.seeds_dir).variables if v.dataset == dataset}
    variables = panel.series.set_index("series_id")["variable"]
    unit_of = {str(name): units.get(variable, "") for name, variable in variables.items()}
    parts = []
    for version, group in learnt.groupby("model_version"):
        bundle = answered.bundles[str(version)]
        mine = np.isin(panel.series["series_id"].to_numpy(), group["series_id"].to_numpy())
        asked = panel.rows(mine[panel.row_series] & np.isin(panel.horizon, HORIZONS))
        parts.append(explain.rows_of(bundle.name, bundle.models, asked, unit_of).assign(model_version=version))
    filled = [part for part in parts if len(part)]
    if not filled:
        return pd.DataFrame()
    return pd.concat(filled, ignore_index=True).assign(run_id=run_id, dataset=dataset, created_at=pd.Timestamp(now))


class Reasons:
    """Gathers a run's explanations beside its forecasts. Whatever fails here is a note: the forecast stands."""

    def __init__(self, settings: Settings, now: datetime, run_id: str) -> None:
        self.settings, self.now, self.run_id = settings, now, run_id
        self.parts: list[pd.DataFrame] = []
        self.notes: list[str] = []

    def add(self, dataset: str, answered: Answered) -> None:
        """Explains one dataset's answers."""
        try:
            if len(answered.rows):
                rows = explanations(self.settings, dataset, answered, self.now, self.run_id)
                self.parts += [rows] if len(rows) else []
        except Exception as error:
            self.notes.append(f"{dataset}: the forecasts are not explained: {error!r}")

    def write(self) -> list[str]:
        """Puts the run's rows on record and gives the notes."""
        try:
            rows = pd.concat(self.parts, ignore_index=True) if self.parts else None
            table = None if rows is None else pa.Table.from_pandas(rows, preserve_index=False)
            results.write_explanations(self.settings, run_id=self.run_id, rows=table)
        except Exception as error:
            self.notes.append(f"the explanations of this run are not kept: {error!r}")
        return self.notes
