"""Commands that only look: status, doctor and watchdog."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.clock import parse_as_of
from flows.commands.options import AsOf, Json, Target, Upstream, print_json
from flows.options import command_settings
from warehouse.settings import load_settings


def register(app: typer.Typer) -> None:
    app.command("status")(status)
    app.command("doctor")(doctor)
    app.command("watchdog")(watchdog)


def status(as_of: AsOf = None, upstream: Upstream = None, as_json: Json = False) -> None:
    """Show the last runs, how fresh the data is, the champions, gaps, and what is published."""
    from flows import status as page

    settings = command_settings(upstream)
    found = page.read(settings, as_of=parse_as_of(as_of)) if as_of else page.read(settings)
    if as_json:
        print_json(found)
    else:
        page.show(found)


def doctor(upstream: Upstream = None, target: Target = None, as_json: Json = False) -> None:
    """Check what a run needs: versions, lock, tokens, reach, disk, warehouse, published copy. Ends with 2 if unwell."""
    from flows import doctor as room

    named = {"upstream": upstream, "target": target}
    checks = room.examine(load_settings(**{name: value for name, value in named.items() if value}))
    if as_json:
        print_json({"ok": not room.unwell(checks), "checks": checks})
    else:
        room.show(checks)
    if room.unwell(checks):
        raise typer.Exit(2)


def watchdog(
    due: Annotated[
        str, typer.Option("--due", metavar="HH:MM", help="The time of day, UTC, by which a daily run has published.")
    ] = "07:30",
    notify: Annotated[bool, typer.Option("--notify", help="Tell SKYDUCK_NOTIFY, too, if one is missed.")] = False,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Check that the daily run published by its deadline; ends with 5 if one is missed. For cron or a workflow."""
    from flows.watchdog import parse_due, telling, watch

    settings, now, deadline = command_settings(), parse_as_of(as_of), parse_due(due)
    with telling(settings, now, notify=notify):
        found = watch(settings, now=now, due=deadline)
        if as_json:
            told = {"missed": found.missed, "run_id": found.run_id, "published_at": found.published_at}
            print_json(told | {"daily_at": found.daily_at, "due": due})
        found.require()
    if not as_json:
        typer.echo(found.told)
