"""`skyduck export`: what is published, as files for other programs."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.options import Json, Upstream, as_date, print_json
from flows.export.files import Format
from flows.options import command_settings
from flows.screen import Screen
from warehouse.errors import BadInput


def register(app: typer.Typer) -> None:
    app.command("export")(export)


def export(
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="PLACE",
            help="A folder, or s3://, gs:// or az:// with bucket and prefix. Default: SKYDUCK_EXPORT_TO.",
            show_default=False,
        ),
    ] = None,
    kind: Annotated[Format, typer.Option("--format", help="`csv` is gzipped.")] = "parquet",
    dataset: Annotated[
        list[str] | None, typer.Option("--dataset", help="Only this dataset (repeatable).", show_default=False)
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="DATE", help="Only days from this one on (UTC).", show_default=False),
    ] = None,
    upstream: Upstream = None,
    as_json: Json = False,
) -> None:
    """Make a folder or bucket hold what is published: forecasts, alerts and observations by dataset and day.

    Only days that changed are written. Columns, units and what holds for them: docs/contract.md.
    """
    from flows.export.deliver import deliver
    from flows.export.manifest import Scope

    settings, screen = command_settings(upstream), Screen()
    place = to if to is not None else settings.export_to
    if place is None:
        raise BadInput("name the place: `skyduck export --to FOLDER`, or SKYDUCK_EXPORT_TO in the environment or .env")
    scope = Scope(kind, tuple(sorted(set(dataset))) if dataset else None, as_date(since, "--since") if since else None)
    with screen.moving():
        found = deliver(settings, place, scope, progress=screen.tick)
    if found.problem:
        screen.say(found.problem)
    print_json(found) if as_json else typer.echo(found)
