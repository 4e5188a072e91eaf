"""Which version is in production and which stand below it; a version's model as it was trained."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from ml.artefact import CARD, read_files
from ml.calibrate import Calibration
from ml.dataset import Panel
from ml.forecaster import Blender, Files, Floats, Model, build, raw_answers
from ml.params import Params
from warehouse import results
from warehouse.errors import ArtefactRefused, BadInput
from warehouse.settings import Settings

# rung below the champion -> roles of the champion's training that may stand on it, best first
LOWER_RUNGS = {"challenger": ("champion", "challenger"), "statistical": ("statistical",), "naive": ("naive",)}


@dataclass(frozen=True)
class Bundle:
    """One version: a model, the members it answers from, and its calibration."""

    name: str
    params: Params
    models: dict[str, Model]
    calibration: Calibration

    def raw(self, panel: Panel) -> Floats:
        return raw_answers(self.models, panel, (self.name,))[self.name]

    def files(self) -> dict[str, bytes]:
        card = {
            "model": self.name,
            "models": sorted(self.models),
            "params": self.params.learning(),
            "calibration": json.loads(self.calibration.to_json()),
        }
        found = {CARD: json.dumps(card, sort_keys=True).encode()}
        for model in self.models.values():
            found |= model.dump()
        return found

    @classmethod
    def of(cls, name: str, models: dict[str, Model], params: Params, calibration: Calibration) -> Bundle:
        model = models[name]
        needed = {name, *(model.members if isinstance(model, Blender) else ())}
        return cls(name, params, {k: v for k, v in models.items() if k in needed}, calibration)

    @classmethod
    def restored(cls, files: Files) -> Bundle:
        """Raises ArtefactRefused for anything that the present code does not know how to read."""
        try:
            card: dict[str, Any] = json.loads(files[CARD])
            params = Params.model_validate(card["params"])
            models = {name: build(name, params) for name in card["models"]}
            for model in models.values():
                model.restore(files)
            return cls(card["model"], params, models, Calibration.from_json(json.dumps(card["calibration"]).encode()))
        except (KeyError, ValueError, TypeError, AttributeError, RecursionError, ValidationError, BadInput) as error:
            raise ArtefactRefused(f"a model file cannot be read: {error!r}; train again") from None


def load(settings: Settings, row: dict[str, Any]) -> Bundle:
    """The version of a row of ml.model_versions."""
    return Bundle.restored(read_files(settings, str(row["model_version"]), row["artefact_sha256"]))


def champion(settings: Settings, dataset: str, now: datetime, *, besides: str = "") -> dict[str, Any] | None:
    """The version in production at `now` (a row of ml.model_versions), None before the first was put there.

    `besides`: a run whose own events do not count (a training judges against what was there before it).
    """
    known = {row["model_version"]: row for row in results.versions(settings, dataset, now)}
    for event in results.champion_events(settings, dataset, now):
        if event["model_version"] in known and event["run_id"] != besides:
            return known[event["model_version"]]
    return None


def role(row: dict[str, Any]) -> str:
    """What a version was saved as: champion, challenger, statistical or naive."""
    return str(json.loads(str(row["metrics"])).get("role", ""))


def ladder(settings: Settings, dataset: str, now: datetime) -> list[tuple[str, dict[str, Any]]]:
    """(rung, version) from the champion down, the lower rungs from the champion's own training.

    A version put in production by hand may have been trained as a lower rung: the best of its training steps in for it
    as challenger.
    """
    top = champion(settings, dataset, now)
    if top is None:
        return []
    others = [
        row
        for row in results.versions(settings, dataset, now)
        if row["run_id"] == top["run_id"] and row["model_version"] != top["model_version"]
    ]
    rungs = [("champion", top)]
    for rung, roles in LOWER_RUNGS.items():
        able = sorted((row for row in others if role(row) in roles), key=lambda row: roles.index(role(row)))
        rungs += [(rung, row) for row in able[:1]]
    return rungs
