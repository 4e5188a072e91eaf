"""params.yaml, checked: defaults, with a dataset's own block laid over them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from warehouse.errors import BadInput
from warehouse.settings import ROOT

PARAMS_FILE = ROOT / "params.yaml"
CHOOSING = ("promotion", "tuning", "policy", "arms")  # blocks that no model is learnt with
BLOCKS = ("defaults", "datasets", "alerts", "alarms", "drift")


class Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


B = TypeVar("B", bound=Block)


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
    single_margin: float = Field(default=0.0, ge=0, lt=1)
    learning_curve: bool = True


class Rates(Block):
    """Share of a seen error of the widths that one day's misses correct; defaults keep older versions readable."""

    all: float = Field(default=0.07, ge=0, le=1)
    bucket: float = Field(default=0.02, ge=0, le=1)
    level: float = Field(default=0.02, ge=0, le=1)
    skew: float = Field(default=0.005, ge=0, le=1)


class Calibrating(Block):
    horizon_buckets: tuple[int, ...]
    min_rows: int = Field(ge=1)
    rates: Rates = Rates()


class Features(Block):
    handling: Literal["level", "difference", "log_ratio"]
    base: Literal["mean_24", "mean_168", "mix", "last"]
    log_offset: float = Field(gt=0)
    lags: int = Field(ge=1, le=72)
    covariates: tuple[str, ...] | Literal["auto"]
    covariate_lags: tuple[int, ...]
    issued: tuple[str, ...] | Literal["auto"] = ()  # a version trained before there were any reads none
    peers: bool
    drop: tuple[str, ...]


class Fallback(Block):
    max_staleness_h: int = Field(ge=0)
    min_known_24: int = Field(ge=0, le=24)
    widen_by_rung: dict[str, float]


class Promotion(Block):
    """Who goes into production after a training; it has defaults so that versions from before it stay readable."""

    policy: Literal["auto", "manual"] = "auto"
    margin: float = Field(default=0.01, ge=0, lt=1)
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    min_origins: int = Field(default=20, ge=5)
    hysteresis: float = Field(default=3.0, ge=1)
    settle_days: int = Field(default=28, ge=1)
    refresh_worse: float = Field(default=0.1, ge=0)


class Tuning(Block):
    """How far a search for better parameters goes, and what it must show; 0 trials = no search in the DVC stage."""

    trials: int = Field(default=0, ge=0)
    seconds: float = Field(default=300.0, gt=0)
    margin: float = Field(default=0.005, ge=0, lt=1)
    alpha: float = Field(default=0.1, gt=0, lt=0.5)


class Policy(Block):
    """What a run decides on evidence, without being asked; docs/operations.md explains it."""

    cooldown_days: float = Field(default=3, ge=0)
    hint_sd: float = Field(default=1.0, gt=0)
    watch_days: int = Field(default=28, ge=1)
    rollback_margin: float = Field(default=0.05, ge=0, lt=1)
    rollback_alpha: float = Field(default=0.005, gt=0, lt=0.5)


class Arms(Block):
    """Which of several versions answers a series."""

    mode: Literal["champion", "shadow", "ab", "bandit"] = "champion"
    effect: float = Field(default=0.02, gt=0, lt=1)
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    power: float = Field(default=0.95, gt=0.5, lt=1)
    memory_days: float = Field(default=28, gt=0)


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
    promotion: Promotion = Promotion()
    tuning: Tuning = Tuning()
    policy: Policy = Policy()
    arms: Arms = Arms()

    @model_validator(mode="after")
    def _buckets_reach_the_horizon(self) -> Params:
        ends = self.calibration.horizon_buckets
        if list(ends) != sorted(set(ends)) or not ends or ends[-1] < self.horizon_h:
            raise ValueError(f"horizon_buckets must rise and end at {self.horizon_h} or later, not {list(ends)}")
        return self

    def learning(self) -> dict[str, Any]:
        """What decides how models are learnt and answer; which of them is chosen is no part of it."""
        return self.model_dump(mode="json", exclude=set(CHOOSING))

    def fingerprint(self) -> str:
        """Of what decides how models are learnt and answer."""
        text = json.dumps(self.learning(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping that a file holds; none for an empty one. Raises BadInput, in one line that names the file."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInput(f"{path.name} cannot be read: {' '.join(str(error).split())} ({path})") from None
    if not isinstance(found, dict | None):
        raise BadInput(f"{path.name} must hold a mapping, not {type(found).__name__} ({path})")
    return found or {}


def read_params(path: Path = PARAMS_FILE) -> dict[str, Any]:
    """The blocks of params.yaml that hold something, each a mapping. Raises BadInput."""
    found = {name: block for name, block in read_yaml(path).items() if name in BLOCKS and block is not None}
    if wrong := [name for name, block in found.items() if not isinstance(block, dict)]:
        raise BadInput(f"{path.name}: {', '.join(wrong)} must be a mapping ({path})")
    return found


def check_params(path: Path) -> None:
    """Raises BadInput for a file that could not be read, or a dataset's block that could not be used, later on."""
    for dataset in read_params(path).get("datasets", {}):
        load_params(dataset, path)


def read_block(kind: type[B], name: str, path: Path) -> B:
    """A block of its own beside `defaults`; defaults without one. Raises BadInput."""
    try:
        return kind(**read_params(path).get(name, {}))
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc'])) or name}: {e['msg']}" for e in error.errors()]
        raise BadInput(f"{path.name}, {name}: {'; '.join(lines)}") from None
    except TypeError as error:
        raise BadInput(f"{path.name}, {name}: {error}") from None


def load_params(dataset: str, path: Path = PARAMS_FILE, *, overlay: dict[str, Any] | None = None) -> Params:
    """The dataset's block over the defaults; a dataset without a block has the defaults. Raises BadInput.

    `overlay`: what a search found, laid over both.
    """
    found = read_params(path)
    own = found.get("datasets", {}).get(dataset) or {}
    if "defaults" not in found or not isinstance(own, dict):
        raise BadInput(f"{path.name} must hold a block `defaults`, and a mapping under `datasets` for {dataset}")
    try:
        return Params(dataset=dataset, **laid_over(laid_over(found["defaults"], own), overlay or {}))
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise BadInput(f"{path.name}, dataset {dataset}: " + "; ".join(lines)) from None


def laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = laid_over(merged[key], value) if both else value
    return merged
