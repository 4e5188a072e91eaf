"""DVC as a subprocess: which data and parameters made a model, and the store where both are kept.

The repository is the DVC project of its own data folder `.data`. Any other data folder has a project of its own inside
it, without git: the same dvc.yaml, params.yaml and code by link, its own cache and lock file. Two warehouses never
share a dvc.lock.
"""

from __future__ import annotations

import configparser
import os
import re
import sys
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from flows.dbt_log import Progress
from flows.process import child
from ml.params import read_params
from warehouse.errors import BadInput, LockHeld, SkyduckError, UpstreamFailed
from warehouse.retention import turn
from warehouse.settings import ROOT, Settings

LINKED = ("dvc.yaml", "params.yaml", ".dvcignore", "ml", "warehouse", ".dvc/plots", ".dvc/config.local")
LAST_LINES = 3
STARTS = re.compile(r"Running stage '(?:.*:)?([^':]+)':")
FAILED = re.compile(r"failed to reproduce '(?:.*:)?([^':]+)'")
CODE = re.compile(r"exited with (-?\d+)")
KINDS: dict[int, type[SkyduckError]] = {2: BadInput, 3: UpstreamFailed}
LOCKED = ("Unable to acquire lock", "is busy, it is being blocked by")


@dataclass(frozen=True)
class Project:
    """A folder with dvc.yaml, .dvc/config and the artifacts of each dataset."""

    folder: Path

    @property
    def params(self) -> Path:
        return self.folder / "params.yaml"

    def artifacts(self, dataset: str) -> Path:
        return self.folder / "artifacts" / dataset

    def datasets(self) -> set[str]:
        """Those with stages: the blocks of params.yaml. Raises BadInput."""
        return set(read_params(self.params).get("datasets", {}))


def project_of(settings: Settings) -> Project:
    """The DVC project of the data folder, made where it is missing."""
    if settings.data_dir.resolve() == ROOT / ".data" and os.access(ROOT, os.W_OK):
        return Project(ROOT)
    folder = settings.data_dir.resolve() / "dvc"
    (folder / ".dvc").mkdir(parents=True, exist_ok=True)
    for name in LINKED:
        _link(folder / name, ROOT / name)
    _config(folder / ".dvc" / "config", settings)
    return Project(folder)


def _link(path: Path, target: Path) -> None:
    """A file of one's own in its place, a params.yaml say, stays."""
    if path.exists() and (not path.is_symlink() or path.readlink() == target):
        return
    path.unlink(missing_ok=True)
    if target.exists():
        path.symlink_to(target)


def _config(path: Path, settings: Settings) -> None:
    """The repository's, without git; a store that lies in the repository's data folder lies in this one instead."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / ".dvc" / "config", encoding="utf-8")
    config["core"]["no_scm"] = "true"
    for section in config.sections():
        url = config[section].get("url", "")
        if url and "://" not in url and not Path(url).is_absolute():
            there = (ROOT / ".dvc" / url).resolve()
            inside = there.is_relative_to(ROOT / ".data")
            moved = settings.data_dir.resolve() / there.relative_to(ROOT / ".data") if inside else there
            config[section]["url"] = os.path.relpath(moved, path.parent)
    draft = path.with_suffix(".draft")
    with draft.open("w", encoding="utf-8") as file:
        config.write(file)
    draft.replace(path)


def record_marts(settings: Settings, *, datasets: list[str], now: datetime) -> None:
    """Leaves what the marts know of each dataset for its snapshot stage."""
    from ml.stage_inputs import record_inputs

    project = project_of(settings)
    for name in datasets:
        record_inputs(settings, name, now, project.artifacts(name))


def repro(settings: Settings, project: Project, dataset: str, *, progress: Progress) -> list[str]:
    """`dvc repro` of one dataset up to its scores: the stages that ran, in order; the others had nothing to do.

    Raises the stage's own kind of error, naming the stage.
    """
    ran: list[str] = []

    def hear(line: str) -> None:
        if started := STARTS.search(line):
            ran.append(started[1])
            progress(f"dvc: {started[1]}")
        elif line and not line.startswith((">", "Stage ", "Updating", "Generating", "Use `dvc")):
            progress(line)

    code, said = run(settings, project, ["repro", f"evaluate@{dataset}"], hear=hear)
    if code:
        raise _failure(said, settings)
    return ran


def push(settings: Settings, project: Project, *, progress: Progress) -> None:
    """Sends what dvc.lock names to the default store. Raises UpstreamFailed."""
    _transfer(settings, project, ["push"], progress)


def pull(settings: Settings, project: Project, *, progress: Progress) -> None:
    """Brings back what dvc.lock names, over whatever lies there. Raises UpstreamFailed."""
    _transfer(settings, project, ["pull", "--force"], progress)


def _transfer(settings: Settings, project: Project, arguments: list[str], progress: Progress) -> None:
    code, said = run(settings, project, arguments, hear=progress)
    if code:
        last = " ".join(line.removeprefix("ERROR: ") for line in said[-LAST_LINES:])
        raise UpstreamFailed(f"dvc {arguments[0]}: {last or 'it said nothing'} (see {log_path(settings)})")


def log_path(settings: Settings) -> Path:
    return settings.data_dir.resolve() / "logs" / "dvc.log"


def run(settings: Settings, project: Project, arguments: list[str], *, hear: Progress) -> tuple[int, list[str]]:
    """Exit code of one dvc command and the last lines it said; all of it goes to the log."""
    log = log_path(settings)
    log.parent.mkdir(parents=True, exist_ok=True)
    turn(log)
    said: deque[str] = deque(maxlen=40)
    command = ["--cd", str(project.folder), *arguments]
    with (
        log.open("a", encoding="utf-8") as file,
        child("dvc", command, env=_environment(settings)) as process,
    ):
        assert process.stdout is not None
        file.write(f"$ dvc {' '.join(command)}\n")
        for raw in process.stdout:
            line = _redact(raw.rstrip(), settings)
            file.write(line + "\n")
            if line:
                said.append(line)
            hear(line)
        return process.wait(), list(said)


def _failure(said: list[str], settings: Settings) -> SkyduckError:
    whole = "\n".join(said)
    if any(mark in whole for mark in LOCKED):
        return LockHeld("another dvc command is at work in this project; try again when it has ended")
    stage, code = FAILED.search(whole), CODE.search(whole)
    own = [line.removeprefix("skyduck: ") for line in said if line.startswith("skyduck: ")]
    last = own[-1:] or [line.removeprefix("ERROR: ") for line in said[-LAST_LINES:]]
    kind = KINDS.get(int(code[1]) if code else 1, SkyduckError)
    ended = " was killed (out of memory?)" if code and int(code[1]) in (-9, 137) else " failed"
    name = f"stage {stage[1]}" if stage else "repro"
    return kind(f"dvc {name}{ended}: {' '.join(last) or 'it said nothing'} (see {log_path(settings)})")


def _redact(line: str, settings: Settings) -> str:
    token = settings.motherduck_token
    return line.replace(token.get_secret_value(), "***") if token and token.get_secret_value() else line


def _environment(settings: Settings) -> dict[str, str]:
    """The stages stand in another folder: what .env or a flag says here is told to them by name."""
    env = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "SHELL": "/bin/sh",
        "DVC_NO_ANALYTICS": "1",
        "DO_NOT_TRACK": "1",
        "NO_COLOR": "1",
    }
    for name in settings.model_fields_set | {"data_dir", "seeds_dir", "upstream"}:
        value: Any = getattr(settings, name)
        if value is not None and not isinstance(value, SecretStr):
            env[f"SKYDUCK_{name.upper()}"] = str(value.resolve() if isinstance(value, Path) else value)
    if settings.is_motherduck and settings.motherduck_token is not None:
        env["MOTHERDUCK_TOKEN"] = settings.motherduck_token.get_secret_value()
    return env
