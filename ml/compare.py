"""Scores of models that were not all asked at the same rows, made comparable."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ml.forecaster import Mask, is_naive
from ml.metrics import Scored
from ml.params import Params

LOSSES = ("mae", "rmse", "mase", "pinball")


def compared(scored: Scored, only: Mapping[str, Mask], params: Params) -> pd.DataFrame:
    """One line per model, as Scored.scores. `only`: rows at which a costly model was asked (ml.forecaster.sampled).

    Such a model meets the others on exactly its rows. Its losses are told at the level of all rows: times the loss of
    the best of the others on all rows over that model's on the sample (a ratio estimate), so that it ranks above
    the best one just where it did better on the same rows. `n_rows` says how many those were.
    """
    whole = _part(scored, slice(None), [name for name in scored.answers if name not in only]).scores()
    if whole.empty or not only:
        return whole
    best = whole.sort_values(params.evaluation.champion_by)["model"].iloc[0]
    naive = whole[whole["model"].map(is_naive)].sort_values("mae")["model"].iloc[0]
    lines = [whole]
    reference = whole.set_index("model").loc[best]
    for name, rows in only.items():
        same = _part(scored, rows, [*dict.fromkeys([best, naive, name])]).scores().set_index("model")
        line = same.loc[[name]].copy()
        for loss in LOSSES:
            if same.loc[best, loss] > 0:
                line[loss] *= reference[loss] / same.loc[best, loss]
        lines.append(line.reset_index())
    return pd.concat(lines, ignore_index=True)[whole.columns]


def _part(scored: Scored, rows: Mask | slice, models: list[str]) -> Scored:
    answers = {name: scored.answers[name][rows] for name in models}
    return Scored(scored.rows[rows], scored.actual[rows], scored.scale[rows], answers)


def sample_note(scores: pd.DataFrame, model: str) -> str:
    """What a reader of a sampled model's score must know; nothing for a model that was asked everywhere."""
    rows = scores.set_index("model")["n_rows"] if "n_rows" in scores else None
    if rows is None or rows[model] == rows.max():
        return ""
    return f"; compared on {rows[model]:,.0f} of {rows.max():,.0f} rows"
