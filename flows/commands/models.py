"""`skyduck models …`: which version is in production, which waits, and how to change it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from flows.clock import parse_as_of
from flows.commands import decisions
from flows.commands.decisions import Dataset, Version
from flows.commands.options import AsOf, Json, as_date, print_json
from flows.options import command_settings
from warehouse.settings import Settings

models = typer.Typer(
    name="models",
    help="List, compare, approve, promote and roll back model versions.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def register(app: typer.Typer) -> None:
    decisions.register(models)
    app.add_typer(models)


def _looked_at(as_of: str | None) -> tuple[Settings, datetime]:
    return command_settings(), parse_as_of(as_of)


@models.command("list")
def list_(
    dataset: Dataset = None,
    status: Annotated[
        str | None, typer.Option("--status", help="Only those: champion, candidate, retired …", show_default=False)
    ] = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """List versions with role, status and scores, newest first."""
    from flows import versions as page
    from ml import versions

    settings, now = _looked_at(as_of)
    rows = [row for row in versions.listed(settings, now, dataset) if status in (None, row["status"])]
    print_json(rows) if as_json else page.show_list(rows)


@models.command("show")
def show(version: Version, dataset: Dataset = None, as_of: AsOf = None, as_json: Json = False) -> None:
    """Show everything of one version: windows, params, scores, decisions, and its files checked by sha256."""
    from flows import versions as page
    from ml import versions

    settings, now = _looked_at(as_of)
    found = versions.shown(settings, versions.find(settings, version, now, dataset), now)
    print_json(found) if as_json else page.show_version(found)


@models.command("compare")
def compare(
    a: Annotated[str, typer.Argument(help="The version to beat, say the champion.")],
    b: Annotated[str, typer.Argument(help="The version that may be better.")],
    dataset: Dataset = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Set two versions side by side: params that differ, scores, and a paired test over the origins of both."""
    from flows import versions as page
    from ml import versions

    settings, now = _looked_at(as_of)
    pair = [versions.find(settings, name, now, dataset) for name in (a, b)]
    found = versions.compared(settings, *pair)
    print_json(found) if as_json else page.show_comparison(found)


@models.command("report")
def report(version: Version, dataset: Dataset = None, as_of: AsOf = None, as_json: Json = False) -> None:
    """Print where the model report of a version lies: one HTML page that needs nothing else."""
    from ml import versions
    from ml.report import report_of

    settings, now = _looked_at(as_of)
    found = versions.find(settings, version, now, dataset)
    path = report_of(settings, found)
    print_json({"model_version": found["model_version"], "report": path}) if as_json else typer.echo(path)


@models.command("history")
def history(
    dataset: Dataset = None,
    on: Annotated[
        str | None,
        typer.Option("--on", metavar="DATE", help="Only what was in production on this day (UTC).", show_default=False),
    ] = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Show what was in production when, put there by whom and why, and every decision there was."""
    from flows import versions as page
    from ml import versions

    settings, now = _looked_at(as_of)
    found = versions.history(settings, now, dataset=dataset, on=as_date(on, "--on") if on else None)
    print_json(found) if as_json else page.show_history(found)
