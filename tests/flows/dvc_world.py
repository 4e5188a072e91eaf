"""A DVC project on a small world: three places with PM2.5, eleven weeks, small models."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from flows import dvc
from tests.ml.conftest import NOW, build_marts, small_params, small_world
from warehouse.settings import ROOT, Settings

__all__ = ["NOW", "ROOT", "clone", "dvc_says", "lock_of", "make_project", "params_of"]


def make_project(data_dir: Path) -> tuple[Settings, dvc.Project]:
    """A data folder with marts and a project of its own, not yet reproduced."""
    settings = Settings(data_dir=data_dir)
    build_marts(settings, *small_world(), NOW)
    (data_dir / "dvc").mkdir()
    defaults = small_params().model_dump(mode="json", exclude={"dataset"})
    defaults["evaluation"]["learning_curve"] = False
    models = defaults["models"]  # those that are quick to import and to fit
    quick = {"lightgbm_direct", "combination", *models["combination"]["members"]}
    defaults["models"] = {name: models[name] for name in models if name in quick or name.startswith("naive_")}
    (data_dir / "dvc" / "params.yaml").write_text(yaml.safe_dump({"defaults": defaults, "datasets": {"air": {}}}))
    dvc.record_marts(settings, datasets=["air"], now=NOW)
    return settings, dvc.project_of(settings)


def params_of(project: dvc.Project) -> dict:
    return yaml.safe_load((project.folder / "params.yaml").read_text())


def lock_of(project: dvc.Project) -> dict[str, str]:
    """Output -> md5, by dvc.lock."""
    stages = yaml.safe_load((project.folder / "dvc.lock").read_text())["stages"]
    return {out["path"]: out["md5"] for stage in stages.values() for out in stage["outs"]}


def clone(project: dvc.Project, data_dir: Path, store: Path) -> tuple[Settings, dvc.Project]:
    """What git would bring to another machine: dvc.lock and params.yaml, no data; the store by configuration."""
    (data_dir / "dvc" / ".dvc").mkdir(parents=True)
    for name in ("dvc.lock", "params.yaml"):
        shutil.copy(project.folder / name, data_dir / "dvc" / name)
    (data_dir / "dvc" / ".dvc" / "config.local").write_text(f"['remote \"store\"']\n    url = {store}\n")
    settings = Settings(data_dir=data_dir)
    return settings, dvc.project_of(settings)


def dvc_says(project: dvc.Project, *arguments: str, code: int = 0) -> str:
    """`dvc …` as a person types it, in the project's folder."""
    env = {**os.environ, "DVC_NO_ANALYTICS": "1", "SKYDUCK_DATA_DIR": str(project.folder.parent)}
    env["PATH"] = f"{Path(sys.executable).parent}:{env['PATH']}"
    command = [sys.executable, "-m", "dvc", *arguments]
    done = subprocess.run(
        command, cwd=project.folder, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr
