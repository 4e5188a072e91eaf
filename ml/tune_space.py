"""What a search may change: how targets are told, which groups of features are read, and the trees."""

from __future__ import annotations

from typing import Any

import optuna

from ml.dataset import Panel
from ml.params import Params

MODEL = "lightgbm_direct"
LAGS = (24, 48, 72)
BASES = ("last", "mean_24", "mean_168", "mix")
STARTS = {"both": ["nothing", "linear"], "nothing": ["nothing"], "linear": ["linear"]}
GROUPS = {  # columns of ml.features.matrix that a search may drop together
    "season": ("season_cos", "season_sin", "sun_at_noon"),
    "place": ("latitude", "longitude"),
    "near_hours": tuple(f"same_hour_d{day}_{shift:+d}" for day in (1, 2) for shift in (-2, -1, 1, 2)),
    "past_days": ("mean_24_d1", "mean_24_d2", "mean_24_d3", "std_72", "std_168"),
}
NUMBERS: dict[str, tuple[float, float]] = {  # of the trees, drawn on a logarithmic scale
    "num_leaves": (12, 80),
    "min_data_in_leaf": (100, 1500),
    "feature_fraction": (0.15, 0.7),
    "lambda_l2": (0.3, 50.0),
    "learning_rate": (0.04, 0.12),
}
WHOLE = ("num_leaves", "min_data_in_leaf")


def untuned(params: Params) -> dict[str, Any]:
    """The draw that changes nothing: the first trial of every study."""
    features, block = params.features, params.models[MODEL]
    starts = list(block.get("starts", ["nothing"]))
    drawn: dict[str, Any] = {
        "handling": features.handling,
        "base": features.base,
        "lags": features.lags,
        "peers": features.peers,
        "starts": next((name for name, value in STARTS.items() if value == starts), "both"),
    }
    drawn |= {f"with_{name}": True for name in ("covariates", "issued") if getattr(features, name)}
    drawn |= {f"with_{name}": not set(columns) <= set(features.drop) for name, columns in GROUPS.items()}
    return drawn | {name: block[name] for name in NUMBERS}


def suggested(trial: optuna.Trial, params: Params, learn: Panel) -> dict[str, Any]:
    """A draw. The space depends on the data: no logarithm where values can be negative, no group that is absent."""
    positive = bool((learn.target >= 0).all())
    kinds = ["level", "difference", *(["log_ratio"] if positive or params.features.handling == "log_ratio" else [])]
    drawn: dict[str, Any] = {
        "handling": trial.suggest_categorical("handling", kinds),
        "base": trial.suggest_categorical("base", BASES),
        "lags": trial.suggest_categorical("lags", sorted({*LAGS, params.features.lags})),
        "starts": trial.suggest_categorical("starts", list(STARTS)),
    }
    groups = [name for name in ("covariates", "issued") if getattr(params.features, name)]
    for name in (*(f"with_{group}" for group in (*groups, *GROUPS)), "peers"):
        drawn[name] = trial.suggest_categorical(name, [True, False])
    for name, (low, high) in NUMBERS.items():
        usual = params.models[MODEL][name]
        low, high = min(low, usual), max(high, usual)
        if name in WHOLE:
            drawn[name] = trial.suggest_int(name, int(low), int(high), log=True)
        else:
            drawn[name] = trial.suggest_float(name, low, high, log=True)
    return drawn


def overlay_of(drawn: dict[str, Any], params: Params) -> dict[str, Any]:
    """The draw as values to lay over params.yaml, those only that differ from `params`."""
    asked = untuned(params)
    new = {name: value for name, value in drawn.items() if asked.get(name) != value}
    features: dict[str, Any] = {name: new[name] for name in ("handling", "base", "lags", "peers") if name in new}
    features |= {name: [] for name in ("covariates", "issued") if new.get(f"with_{name}") is False}
    drop = list(params.features.drop)
    for name, columns in GROUPS.items():
        if f"with_{name}" in new:
            drop = [column for column in drop if column not in columns]
            drop += [] if new[f"with_{name}"] else list(columns)
    if set(drop) != set(params.features.drop):
        features["drop"] = drop
    block = {name: new[name] for name in NUMBERS if name in new}
    if "starts" in new:
        block["starts"] = STARTS[new["starts"]]
    return {**({"features": features} if features else {}), **({"models": {MODEL: block}} if block else {})}
