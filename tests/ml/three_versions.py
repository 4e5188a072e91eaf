"""Three trainings of naive methods: quick, real, and each another recipe."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

from ml import registry
from ml.params import Params
from ml.train import train
from warehouse import results
from warehouse.settings import Settings

NAIVE = ("naive_last", "naive_day", "naive_week", "naive_mean7")


def naive_params(made: SimpleNamespace, seed: int = 1, policy: str = "auto") -> Params:
    """Nothing that takes time; a seed makes another recipe of it."""
    small: Params = made.small_params()
    return small.model_copy(
        update={
            "models": {name: {} for name in NAIVE},
            "training": small.training.model_copy(update={"seed": seed}),
            "promotion": small.promotion.model_copy(update={"policy": policy}),
            "evaluation": small.evaluation.model_copy(update={"learning_curve": False}),
        }
    )


def three_versions(built: Path, folder: Path, made: SimpleNamespace) -> Settings:
    """v1 in production for twelve days; v2 lost against it six days ago; v3 waits for approval since three days."""
    shutil.copytree(built, folder)
    settings = Settings(data_dir=folder)
    for number, (days, policy) in enumerate(((12, "auto"), (6, "auto"), (3, "manual")), start=1):
        now, params = made.now - days * made.day, naive_params(made, number, policy)
        train(settings, "air", now=now, run_id=f"r{number}", reason="weekly", params=params)
    return settings


def by_number(settings: Settings, made: SimpleNamespace) -> dict[int, dict[str, object]]:
    """The versions that won their trainings, by number."""
    rows = results.versions(settings, "air", made.now)
    return {int(str(row["run_id"])[1:]): row for row in rows if registry.role(row) == "champion"}
