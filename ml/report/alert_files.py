"""Reports of alert rules lie beside those of models: <models>/reports/<model_version>.html."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ml.report.files import page_of, write_page
from warehouse.errors import BadInput
from warehouse.settings import Settings


def write_alert_report(
    settings: Settings, rule: Mapping[str, Any], row: Mapping[str, Any], progress: Callable[[str], None]
) -> str | None:
    """The path of its report relative to the models' folder. `rule`: of dim_alert_rules; `row`: of ml.alert_models.

    A report that cannot be made is told to `progress` and None: the training stands without it.
    """
    try:
        from ml.report.alert_page import render  # matplotlib: half a second of import that only a training pays

        return write_page(settings, str(row["model_version"]), render(rule, row))
    except Exception as error:
        progress(f"{row['rule_id']}: no alert report: {error!r}")
        return None


def alert_report_of(settings: Settings, row: Mapping[str, Any]) -> Path:
    """The report of a version (a row of ml.alert_models). Raises BadInput where it has none."""
    version = str(row["model_version"])
    if not row.get("report"):
        raise BadInput(
            f"{version} has no report: it could not be made, or the version is older than alert reports; "
            f"`skyduck alerts train --rule {row['rule_id']}` makes a new one"
        )
    return page_of(settings, version)
