"""What a run leaves for the stages of dvc.yaml: what the marts know, and what a search for parameters has found."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from ml import tuned
from ml.json_files import read_json, write_json
from warehouse.errors import ArtefactRefused
from warehouse.fingerprint import mart_fingerprint
from warehouse.settings import Settings

MART, SEARCH = "mart.json", "search.json"
NO_SEARCH: dict[str, Any] = {"accepted": False, "overlay": {}}


def record_inputs(settings: Settings, dataset: str, now: datetime, folder: Path) -> bool:
    """Writes mart.json where something else is known than when it was written last, and says whether it did.

    While nothing is, the file stays, and with it the as-of time: the snapshot need not be taken again. search.json is
    the outcome of `skyduck tune`, as far as there was one by then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = _outcome(settings, dataset, now)
    if _before(folder / SEARCH) != found:
        write_json(folder / SEARCH, found)
    record = {
        "dataset": dataset,
        "as_of": now.isoformat(timespec="seconds"),
        "known": mart_fingerprint(settings, dataset, now),
    }
    before = _before(folder / MART)
    if before.get("known") == record["known"] and str(before.get("as_of")) <= str(record["as_of"]):
        return False
    write_json(folder / MART, record)
    return True


def _outcome(settings: Settings, dataset: str, now: datetime) -> dict[str, Any]:
    if not tuned.overlay(settings, dataset, now=now):
        return NO_SEARCH
    return read_json(tuned.folder_of(settings, dataset) / tuned.OUTCOME)


def share_search(settings: Settings, dataset: str, now: datetime, found: dict[str, Any]) -> None:
    """The outcome of the tune stage's own search, won or lost, is what trainings outside DVC go by from now on."""
    if "n_trials" in found and "as_of" not in found:
        path = tuned.folder_of(settings, dataset) / tuned.OUTCOME
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {**found, "as_of": now.isoformat(timespec="seconds")})


def _before(path: Path) -> dict[str, Any]:
    with suppress(ArtefactRefused):
        return read_json(path)
    return {}
