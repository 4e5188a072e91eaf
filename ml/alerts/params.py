"""The block `alerts` of params.yaml, checked; a rule's own block lies over it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from ml.params import PARAMS_FILE, Block, read_params
from warehouse.errors import BadInput


class AlertParams(Block):
    """Knobs of the alert models; what each does stands beside it in params.yaml."""

    history_days: int = Field(default=1200, ge=30)
    select_days: int = Field(default=90, ge=7)
    report_days: int = Field(default=60, ge=7)
    report_refit_days: int = Field(default=7, ge=1)
    origin_hours: tuple[int, ...] = (0, 6, 12, 18)
    retrain_every_days: int = Field(default=7, ge=1)
    max_rows: int = Field(default=6_000, ge=500)
    min_events: int = Field(default=30, ge=2)
    min_event_days: int = Field(default=10, ge=1)
    location_folds: int = Field(default=2, ge=1)
    time_folds: int = Field(default=3, ge=2)
    block_weeks: int = Field(default=4, ge=1)
    calibrations: tuple[str, ...] = ("none", "sigmoid", "isotonic")
    max_ece: float = Field(default=0.03, gt=0, le=1)
    leak_auc: float = Field(default=0.999, gt=0.5, lt=1)
    persistence_prior: float = Field(default=20, gt=0)
    min_forecast_share: float = Field(default=0.8, gt=0, le=1)
    draws: int = Field(default=200, ge=20)
    n_trees: int = Field(default=100, ge=1)
    learning_rate: float = Field(default=0.08, gt=0)
    num_leaves: int = Field(default=12, ge=2)
    min_data_in_leaf: int = Field(default=60, ge=1)
    feature_fraction: float = Field(default=0.4, gt=0, le=1)
    lambda_l2: float = Field(default=10.0, ge=0)
    seed: int = Field(default=20, ge=0)


def load_alert_params(rule_id: str, path: Path = PARAMS_FILE) -> AlertParams:
    """Defaults without a block. Raises BadInput for a key or value that is none."""
    block: dict[str, Any] = dict(read_params(path).get("alerts", {}))
    own = (block.pop("rules", None) or {}).get(rule_id) or {}
    try:
        return AlertParams(**(block | own))
    except (ValidationError, TypeError) as error:
        lines = (
            [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
            if isinstance(error, ValidationError)
            else [str(error)]
        )
        raise BadInput(f"{path.name}, alerts of {rule_id}: " + "; ".join(lines)) from None
