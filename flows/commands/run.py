"""`skyduck run`: one day, from the first call to the published copy."""

from __future__ import annotations

from typing import Annotated

import typer

from flows import failure, sequence, summary
from flows.commands.options import AsOf, Json, Upstream, Wait, print_json
from flows.options import begin, command_settings
from flows.run import CURRENT, Run
from flows.screen import Screen
from warehouse.errors import SkyduckError
from warehouse.lock import hold


def register(app: typer.Typer) -> None:
    app.command("run")(run)


def run(
    as_of: AsOf = None,
    upstream: Upstream = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="The same steps with no Prefect at all: no server, no import of it.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Build, forecast and publish even where nothing is new.")
    ] = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Load what is new, build, train where due, forecast 48 hours, score, publish, and sum it up.

    Runs under Prefect: on a temporary server of its own, or on the one that PREFECT_API_URL names.
    """
    screen = Screen()
    settings = command_settings(upstream)
    today = begin("daily", settings=settings, as_of=as_of, progress=screen.tick, wait=wait, force=force)
    today.announce = screen.say
    # Held before Prefect is even imported: a second run ends at once, naming the first.
    with hold(settings, run_id=today.run_id, now=today.now, wait=wait, notice=screen.say):
        error = _attempt(today, screen, plain=plain)
    if as_json:
        print_json(summary.as_dict(today, error))
    elif today.loads is not None:
        summary.show(today)
    if error:
        raise error


def _attempt(today: Run, screen: Screen, *, plain: bool) -> SkyduckError | None:
    try:
        with screen.moving(), failure.told(today):
            if plain:
                sequence.daily(today)
            else:
                _under_prefect(today)
    except SkyduckError as error:
        return error
    return None


def _under_prefect(today: Run) -> None:
    from flows.server import prefect_api

    with prefect_api(today.settings, progress=today.progress):
        from flows.daily import daily

        token = CURRENT.set(today)
        try:
            daily(as_of=today.now.isoformat(), upstream=today.settings.upstream)
        finally:
            CURRENT.reset(token)
