"""What a search left on disk, `<data_dir>/tuning/<dataset>/`: its study, its trials and its outcome."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.json_files import write_json
from ml.params import Params, load_params
from warehouse.errors import BadInput
from warehouse.settings import Settings

if TYPE_CHECKING:
    from ml.tune import TuneResult

OUTCOME, TRIALS, STUDY = "tuned.json", "trials.parquet", "study.log"


def folder_of(settings: Settings, dataset: str) -> Path:
    return settings.data_dir.resolve() / "tuning" / dataset


def save(settings: Settings, result: TuneResult, *, now: datetime) -> Path:
    """Writes the trials and the outcome; gives the outcome's path."""
    folder = folder_of(settings, result.dataset)
    folder.mkdir(parents=True, exist_ok=True)
    result.trials.to_parquet(folder / TRIALS, index=False)
    path = folder / OUTCOME
    found = {**json.loads(result.to_json()), "as_of": now.isoformat(timespec="seconds")}
    write_json(path, found)
    return path


def overlay(
    settings: Settings, dataset: str, *, now: datetime | None = None, report_from: datetime | None = None
) -> dict[str, Any]:
    """Accepted parameters that had been found by `now`, on windows that end before `report_from`; else nothing.

    Raises BadInput for a file that cannot be read.
    """
    path = folder_of(settings, dataset) / OUTCOME
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        early = now is not None and now < datetime.fromisoformat(found["as_of"])
        reported = report_from is not None and not is_unreported(found, report_from)
        return {} if early or reported or not found["accepted"] else dict(found["overlay"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path} cannot be read ({error!r}); remove it or run `skyduck tune` again") from None


def is_unreported(found: dict[str, Any], report_from: datetime) -> bool:
    """Whether no report from then on is made on windows that chose these parameters."""
    return report_from > datetime.fromisoformat(found["windows"]["confirm_to"])


def tuned_params(
    settings: Settings, dataset: str, *, now: datetime | None = None, report_from: datetime | None = None
) -> Params:
    """params.yaml with what a search found laid over it."""
    return load_params(dataset, overlay=overlay(settings, dataset, now=now, report_from=report_from))
