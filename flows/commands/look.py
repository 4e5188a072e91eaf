"""Commands that only look: status and doctor."""

from __future__ import annotations

import typer

from flows.clock import parse_as_of
from flows.commands.options import AsOf, Json, Upstream, print_json
from flows.options import command_settings


def register(app: typer.Typer) -> None:
    app.command("status")(status)
    app.command("doctor")(doctor)


def status(as_of: AsOf = None, upstream: Upstream = None, as_json: Json = False) -> None:
    """Show the last runs, how fresh the data is, the champions, gaps, and what is published."""
    from flows import status as page

    settings = command_settings(upstream)
    found = page.read(settings, as_of=parse_as_of(as_of)) if as_of else page.read(settings)
    if as_json:
        print_json(found)
    else:
        page.show(found)


def doctor(upstream: Upstream = None, as_json: Json = False) -> None:
    """Check this machine: versions, lock, tokens, reach, disk, warehouse, published copy. Ends with 2 if unwell."""
    from flows import doctor as room

    checks = room.examine(command_settings(upstream))
    if as_json:
        print_json({"ok": not room.unwell(checks), "checks": checks})
    else:
        room.show(checks)
    if room.unwell(checks):
        raise typer.Exit(2)
