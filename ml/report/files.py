"""Where reports lie: <models>/reports/<model_version>.html, named relative to the models' folder in the registry."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.artefact import folder_of
from ml.competition import Progress
from ml.explain import explainable, weight_of
from ml.learn import Learnt
from ml.registry import role
from ml.report.importance import Importance, importance
from ml.report.learning import learning_curve
from warehouse.catalog import load_catalog
from warehouse.errors import BadInput
from warehouse.settings import Settings

if TYPE_CHECKING:
    from ml.report.page import Told

FOLDER = "reports"
ROLES = ("champion", "challenger")


def write_reports(
    settings: Settings, learnt: Learnt, versions: Sequence[Mapping[str, Any]], progress: Progress = lambda _: None
) -> dict[str, str]:
    """model_version -> path of its report, for the versions (rows of ml.model_versions) that may go into production.

    A report that cannot be made is told to `progress` and missing here: the training stands without it.
    """
    wanted = [row for row in versions if role(dict(row)) in ROLES]
    written: dict[str, str] = {}
    try:
        from ml.report.page import render  # matplotlib: half a second of import that only a training pays

        told = _told(settings, learnt, progress)
        found: dict[str, Importance] = {}
        for row in wanted:
            name = str(row["model"])
            progress(f"{learnt.asked.dataset}: report of {name}")
            page = render(told, row, role(dict(row)), _importance(told, name, found))
            written[str(row["model_version"])] = write_page(settings, str(row["model_version"]), page)
    except Exception as error:
        progress(f"{learnt.asked.dataset}: no model report: {error!r}")
    return written


def report_of(settings: Settings, row: Mapping[str, Any]) -> Path:
    """The report of a version (a row of ml.model_versions). Raises BadInput where it has none."""
    version = str(row["model_version"])
    if not row.get("report"):
        raise BadInput(f"{version} has no report: only what may go into production gets one, when it is trained")
    return page_of(settings, version)


def page_of(settings: Settings, version: str) -> Path:
    """Where the report of a version lies. Raises BadInput where it is gone."""
    path = folder_of(settings, version).parent / FOLDER / f"{version}.html"
    if not path.is_file():
        raise BadInput(f"the report of {version} is not at {path}: it was moved or deleted; train again for a new one")
    return path


def write_page(settings: Settings, version: str, page: str) -> str:
    """Puts the page in place in one step; gives its path relative to the models' folder."""
    folder = folder_of(settings, version).parent / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{version}.{os.getpid()}.draft"
    draft.write_text(page, encoding="utf-8")
    os.replace(draft, folder / f"{version}.html")
    return f"{FOLDER}/{version}.html"


def _told(settings: Settings, learnt: Learnt, progress: Progress) -> Told:
    from ml.report.page import Told

    dataset, series = learnt.asked.dataset, learnt.panels.report.series
    units = {v.variable: v.unit for v in load_catalog(settings.seeds_dir).variables if v.dataset == dataset}
    variable = str(series["variable"].iloc[0]) if len(series) else ""
    return Told(
        learnt=learnt,
        unit=units.get(variable, ""),
        variable=variable,
        zones=dict(zip(series["series_id"].astype(str), series["timezone"].astype(str), strict=True)),
        curve=learning_curve(learnt.panels, learnt.windows, learnt.final.params, progress),
    )


def _importance(told: Told, name: str, found: dict[str, Importance]) -> Importance | None:
    """A combination and its member are explained by the same model: worked out once."""
    models = told.learnt.final.models
    explained = explainable(name, models)
    if explained is None:
        return None
    key, model = explained
    panel = told.learnt.panels.report
    if key not in found:
        found[key] = importance(key, model, panel, told.unit)
    weight = weight_of(name, key, models, panel)
    return replace(found[key], weight=float(weight.mean()) if len(weight) else None)
