"""A training that can be repeated: `dvc repro` finds the models, then they are put on record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows import artefacts, dvc
from flows.ahead import Ahead
from flows.run import Run
from warehouse.errors import SkyduckError, UpstreamFailed

if TYPE_CHECKING:
    from ml.train import TrainResult


def reproduce(run: Run, dataset: str, reason: str) -> tuple[TrainResult, list[str]]:
    """Registers what the stages of the dataset give, and names those that had to run.

    Where data, parameters and code are those of last time no stage runs: the same models are judged again. A dataset
    without a block in params.yaml has no stages; it is trained all the same, outside DVC.
    """
    from ml.json_files import read_json
    from ml.stage_inputs import share_search
    from ml.stages import TUNED, checked_name, learnt_of
    from ml.train import register

    project = dvc.project_of(run.settings)
    if dataset not in project.datasets():
        run.warnings.append(
            f"{dataset} was trained without DVC: `{dataset}: {{}}` under `datasets` in params.yaml adds it"
        )
        return at_once(run, dataset, reason)
    checked_name(dataset)
    set_damaged_aside(run, project, dataset)
    dvc.record_marts(run.settings, datasets=[dataset], now=run.now)
    stages = dvc.repro(run.settings, project, dataset, progress=run.progress)
    artefacts.require_sound(project, dataset)
    folder = project.artifacts(dataset)
    share_search(run.settings, dataset, run.now, read_json(folder / TUNED))
    learnt = learnt_of(folder)
    result = register(run.settings, learnt, now=run.now, run_id=run.run_id, reason=reason, progress=run.progress)
    return result, stages


def at_once(run: Run, dataset: str, reason: str, ahead: Ahead | None = None) -> tuple[TrainResult, list[str]]:
    """The same models from the marts directly, without files between; no stages. `ahead`: who learns them."""
    from ml.train import register, train

    if ahead is None:
        result = train(run.settings, dataset, now=run.now, run_id=run.run_id, reason=reason, progress=run.progress)
    else:
        learnt = ahead.learnt(dataset)
        result = register(run.settings, learnt, now=run.now, run_id=run.run_id, reason=reason, progress=run.progress)
    return result, []


def set_damaged_aside(run: Run, project: dvc.Project, dataset: str) -> None:
    """DVC would check damaged files of its cache out as they are: they are named and made, or fetched, again."""
    damaged = artefacts.in_cache(project, dataset)
    run.warnings += [f"{damage}; it was set aside and is made again" for damage in damaged]
    artefacts.set_aside(damaged)


def push(run: Run) -> None:
    """Data and models to the default store. A store that cannot be reached is a warning: the models are in use here."""
    project = dvc.project_of(run.settings)
    try:
        dvc.push(run.settings, project, progress=run.progress)
    except UpstreamFailed as error:
        run.warnings.append(f"{error}. `skyduck artefacts push` sends it again")


def record_news(run: Run, datasets: list[str]) -> None:
    """Tells the snapshot stages what is known now. Nothing else hangs on it today: a failure is a warning."""
    try:
        known = dvc.project_of(run.settings).datasets()
        dvc.record_marts(run.settings, datasets=[name for name in datasets if name in known], now=run.now)
    except (SkyduckError, OSError) as error:
        run.warnings.append(f"`dvc repro` was not told of the new data: {error}")
