"""params.yaml, checked: defaults, with a dataset's own block laid over them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from warehouse.errors import BadInput
from warehouse.settings import ROOT

PARAMS_FILE = ROOT / "params.yaml"


class Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Training(Block):
    min_days: int = Field(ge=1)
    history_days: int = Field(ge=1)
    max_train_rows: int = Field(ge=1000)
    origin_hours: tuple[int, ...]
    retrain_every_days: int = Field(ge=1)
    seed: int = Field(ge=0)


class Evaluation(Block):
    select_days: int = Field(ge=1)
    select_hours: tuple[int, ...]
    max_select_origins: int = Field(ge=100)
    report_days: int = Field(ge=1)
    report_hours: tuple[int, ...]
    champion_by: Literal["mae", "pinball"]
    min_skill: float = Field(ge=0, lt=1)


class Calibrating(Block):
    horizon_buckets: tuple[int, ...]
    min_rows: int = Field(ge=1)


class Features(Block):
    handling: Literal["level", "difference", "log_ratio"]
    base: Literal["mean_24", "mean_168", "mix", "last"]
    log_offset: float = Field(gt=0)
    lags: int = Field(ge=1, le=72)
    covariates: tuple[str, ...] | Literal["auto"]
    covariate_lags: tuple[int, ...]
    peers: bool
    drop: tuple[str, ...]


class Fallback(Block):
    max_staleness_h: int = Field(ge=0)
    min_known_24: int = Field(ge=0, le=24)
    widen_per_stale_hour: float = Field(ge=0)
    widen_most: float = Field(ge=1)
    widen_by_rung: dict[str, float]


class Params(Block):
    """Everything that decides how one dataset is modelled."""

    dataset: str
    horizon_h: int = Field(ge=1, le=48)
    training: Training
    evaluation: Evaluation
    calibration: Calibrating
    features: Features
    models: dict[str, dict[str, Any]]
    fallback: Fallback

    @model_validator(mode="after")
    def _buckets_reach_the_horizon(self) -> Params:
        ends = self.calibration.horizon_buckets
        if list(ends) != sorted(set(ends)) or not ends or ends[-1] < self.horizon_h:
            raise ValueError(f"horizon_buckets must rise and end at {self.horizon_h} or later, not {list(ends)}")
        return self

    def fingerprint(self) -> str:
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def load_params(dataset: str, path: Path = PARAMS_FILE) -> Params:
    """The dataset's block over the defaults; a dataset without a block has the defaults. Raises BadInput."""
    try:
        text = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise BadInput(f"{path.name} cannot be read: {error}") from None
    if not isinstance(text, dict) or not isinstance(text.get("defaults"), dict):
        raise BadInput(f"{path.name} must hold a mapping with a block `defaults`")
    own = (text.get("datasets") or {}).get(dataset) or {}
    try:
        return Params(dataset=dataset, **_laid_over(text["defaults"], own))
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise BadInput(f"{path.name}, dataset {dataset}: " + "; ".join(lines)) from None


def _laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _laid_over(merged[key], value) if both else value
    return merged
