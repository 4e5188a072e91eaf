"""Which version is in production, and its files: text and JSON only, refused unless every byte is as trained."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ml.calibrate import Calibration
from ml.competition import raw_answers
from ml.dataset import Panel
from ml.forecaster import Blender, Files, Floats, Model, build
from ml.params import Params
from warehouse import results
from warehouse.errors import ArtefactRefused, BadInput
from warehouse.settings import Settings

VERSION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,190}")
FILE_NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)?\.(txt|json)")
MANIFEST = "manifest.json"
CARD = "bundle.json"


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
            "params": self.params.model_dump(mode="json"),
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
        except (KeyError, ValueError, ValidationError, BadInput) as error:
            raise ArtefactRefused(f"a model file cannot be read: {error!r}; train again") from None


def folder_of(settings: Settings, model_version: str) -> Path:
    """Where a version's files lie. Raises ArtefactRefused for a name that could leave the folder of models."""
    if not VERSION_NAME.fullmatch(model_version):
        raise ArtefactRefused(f"'{model_version[:80]}' is no name of a model version")
    return settings.models_path / model_version


def manifest_of(files: Files) -> bytes:
    """Names and sha256 of the files: its own sha256 is the artefact's."""
    return json.dumps({name: _sha256(files[name]) for name in sorted(files)}, indent=1).encode()


def save(settings: Settings, model_version: str, files: Files) -> str:
    """Writes the folder in one step (a reader sees all of it or nothing) and returns the artefact's sha256."""
    folder = folder_of(settings, model_version)
    for name in files:
        if not FILE_NAME.fullmatch(name) or name == MANIFEST:
            raise ArtefactRefused(f"'{name}' is not saved: models are .txt and .json files")
    manifest = manifest_of(files)
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.parent / f".{model_version}.{os.getpid()}.draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    for name, content in {**files, MANIFEST: manifest}.items():
        with (draft / name).open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    return _sha256(manifest)


def read_files(settings: Settings, model_version: str, sha256: str | None) -> dict[str, bytes]:
    """The files of a version, every byte as trained. Raises ArtefactRefused before anything is parsed."""
    folder = folder_of(settings, model_version)
    manifest = _bytes(folder / MANIFEST, model_version)
    if _sha256(manifest) != sha256:
        raise ArtefactRefused(f"{model_version}: the manifest has another sha256 than the registry's; train again")
    listed: dict[str, str] = json.loads(manifest)
    present = {path.name for path in folder.iterdir()} - {MANIFEST}
    if present - set(listed):
        unknown = sorted(present - set(listed))[0]
        raise ArtefactRefused(f"{model_version}: unknown file {unknown!r}; nothing but the trained files is loaded")
    found = {}
    for name, expected in listed.items():
        if not FILE_NAME.fullmatch(name):
            raise ArtefactRefused(f"{model_version}: a file named {name!r} is never loaded")
        found[name] = _bytes(folder / name, model_version)
        if _sha256(found[name]) != expected:
            raise ArtefactRefused(f"{model_version}: {name} is not what was trained (sha256 differs); train again")
    return found


def load(settings: Settings, row: dict[str, Any]) -> Bundle:
    """The version of a row of ml.model_versions."""
    return Bundle.restored(read_files(settings, str(row["model_version"]), row["artefact_sha256"]))


def champion(settings: Settings, dataset: str, now: datetime) -> dict[str, Any] | None:
    """The version in production at `now` (a row of ml.model_versions), None before the first training."""
    known = {row["model_version"]: row for row in results.versions(settings, dataset, now)}
    for event in results.champion_events(settings, dataset, now):
        if event["model_version"] in known:
            return known[event["model_version"]]
    return None


def role(row: dict[str, Any]) -> str:
    """What a version was saved as: champion, challenger, statistical or naive."""
    return str(json.loads(str(row["metrics"])).get("role", ""))


def ladder(settings: Settings, dataset: str, now: datetime) -> list[tuple[str, dict[str, Any]]]:
    """(rung, version) from the champion down, the lower rungs from the champion's own training."""
    top = champion(settings, dataset, now)
    if top is None:
        return []
    rows = [row for row in results.versions(settings, dataset, now) if row["run_id"] == top["run_id"]]
    rungs = [("champion", top)]
    for rung in ("challenger", "statistical", "naive"):
        rungs += [(rung, row) for row in rows if role(row) == rung and row["model_version"] != top["model_version"]]
    return rungs


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _bytes(path: Path, model_version: str) -> bytes:
    if path.is_symlink():
        raise ArtefactRefused(f"{model_version}: {path.name} is a link, not a file; train again")
    try:
        return path.read_bytes()
    except OSError:
        raise ArtefactRefused(f"{model_version}: {path.name} is missing or cannot be read; train again") from None
