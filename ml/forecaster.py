"""What a model is: it learns from a panel and answers with seven quantiles a row. The median is the point forecast."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

import ml.models
from ml.dataset import Panel
from ml.params import Params
from warehouse.errors import BadInput

QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
QUANTILE_NAMES = ("q05", "q10", "q25", "q50", "q75", "q90", "q95")
MEDIAN = QUANTILES.index(0.5)
NORMAL_SCORES = np.array([-1.6449, -1.2816, -0.6745, 0.0, 0.6745, 1.2816, 1.6449])

NAIVE_PREFIX = "naive_"
STATISTICAL = ("optimized_theta", "mstl", "auto_ets")  # the quickest first: it stands in where none was trained

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Files = Mapping[str, bytes]


@runtime_checkable
class Forecaster(Protocol):
    """Learns from origins and horizons of a panel, answers for those of another.

    Invariants: `predict` reads nothing of a panel that was not known at the origin; a row that the model cannot
    answer is NaN in all seven columns; quantiles of a row are sorted. They are raw: `ml.calibrate` makes them honest.
    `dump` gives text or JSON files only, and `restore` executes nothing that stands in them.
    """

    learns: bool  # false: needs no history beyond an origin's own

    def fit(self, panel: Panel, *, seed: int, progress: Callable[[str], None]) -> None: ...

    def predict(self, panel: Panel) -> Floats: ...  # (n_rows, 7)

    def dump(self) -> dict[str, bytes]: ...

    def restore(self, files: Files) -> None: ...


@runtime_checkable
class Blender(Protocol):
    """Answers from what other models (its members) answered."""

    members: tuple[str, ...]
    weights: dict[str, float]  # on the whole

    def shares(self, panel: Panel) -> dict[str, Floats]: ...  # member -> (m,) weight in each row

    def fit_weights(self, answers: Mapping[str, Floats], panel: Panel) -> None: ...

    def blend(self, answers: Mapping[str, Floats], panel: Panel) -> Floats: ...

    def dump(self) -> dict[str, bytes]: ...

    def restore(self, files: Files) -> None: ...


Model = Forecaster | Blender


def is_naive(name: str) -> bool:
    """Naive methods are what every other model has to beat."""
    return name.startswith(NAIVE_PREFIX)


def is_statistical(name: str) -> bool:
    """Classical methods fitted to one origin's own window: the rung below what was learnt across origins."""
    return name in STATISTICAL


def sampled(models: Mapping[str, Model], panel: Panel, seed: int) -> dict[str, Mask]:
    """Rows at which costly models are asked in a comparison: those of at most `max_origins` origins, seeded.

    The smaller sample is part of the larger one. A model that is not named is asked everywhere.
    """
    origins = np.unique(panel.origin)
    order = np.random.default_rng(seed).permutation(origins)
    limits = {name: getattr(model, "max_origins", None) for name, model in models.items()}
    return {
        name: np.isin(panel.origin, order[:most])
        for name, most in limits.items()
        if most is not None and most < len(origins)
    }


Builder = Callable[[Params], Model]


def builders() -> dict[str, Builder]:
    """Every model of the folder ml/models by name, in alphabetical order."""
    found: dict[str, Builder] = {}
    for module in pkgutil.iter_modules(ml.models.__path__):
        found |= importlib.import_module(f"ml.models.{module.name}").MODELS
    return dict(sorted(found.items()))


def build(name: str, params: Params) -> Model:
    """A fresh model with its block of params.yaml. Raises BadInput for a name or a key that no model file knows."""
    known = builders()
    if name not in known:
        raise BadInput(f"params.yaml names a model '{name}', but ml/models has only {', '.join(known)}")
    try:
        return known[name](params)
    except (TypeError, ValidationError) as error:
        raise BadInput(f"params.yaml, block of model '{name}': {error}") from None


def raw_answers(
    models: Mapping[str, Model],
    panel: Panel,
    names: tuple[str, ...] | None = None,
    *,
    learnt: bool = True,
    given: Mapping[str, Floats] | None = None,
    only: Mapping[str, Mask] | None = None,
) -> dict[str, Floats]:
    """Uncalibrated answers of the forecasters and, with `learnt` weights, of the blenders; `given` ones as they are.

    `only`: rows at which a model is asked (see `sampled`); it is NaN at the others.
    """
    wanted, given, only = set(names or models), given or {}, only or {}
    for name in tuple(wanted):
        model = models[name]
        wanted |= set(model.members) if isinstance(model, Blender) else set()
    asked = {name: model for name, model in models.items() if name in wanted}
    raw = {
        name: given[name] if name in given else _asked(model, panel, only.get(name))
        for name, model in asked.items()
        if isinstance(model, Forecaster)
    }
    if learnt:
        blenders = {name: model for name, model in asked.items() if isinstance(model, Blender)}
        raw |= {name: model.blend(raw, panel) for name, model in blenders.items()}
    return raw


def _asked(model: Forecaster, panel: Panel, rows: Mask | None) -> Floats:
    if rows is None:
        return model.predict(panel)
    answers = np.full((len(panel), len(QUANTILES)), np.nan)
    answers[rows] = model.predict(panel.rows(rows))
    return answers
