"""Commands that bring data in and out: load, backfill, build, publish."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from flows import dbt, sequence, steps, summary
from flows.commands.options import AsOf, Json, Sources, Subjects, Upstream, Wait, as_date, plain, print_json
from flows.options import begin, command_settings
from flows.run import Run
from flows.screen import Screen
from warehouse.errors import BadInput, SkyduckError
from warehouse.lock import hold
from warehouse.motherduck import demand_token
from warehouse.privacy import settle
from warehouse.settings import load_settings


def register(app: typer.Typer) -> None:
    app.command("load")(load)
    app.command("backfill")(backfill)
    app.command("build")(build)
    app.command("publish")(publish)
    app.command("migrate")(migrate)
    app.command("docs")(docs)


def start(flow: str, as_of: str | None, upstream: str | None = None, *, wait: bool = False) -> tuple[Run, Screen]:
    """A run that writes to the screen."""
    screen = Screen()
    run = begin(flow, settings=command_settings(upstream), as_of=as_of, progress=screen.tick, wait=wait)
    run.announce = screen.say
    return run, screen


def load(
    as_of: AsOf = None,
    upstream: Upstream = None,
    source: Sources = None,
    subject: Subjects = None,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Fetch what is missing and append it to raw; build nothing."""
    run, screen = start("load", as_of, upstream, wait=wait)
    with hold(run.settings, run_id=run.run_id, now=run.now, wait=wait, notice=screen.say), screen.moving():
        steps.load(run, sources=source, subjects=subject)
    _end_of_load(run, as_json)


def backfill(
    since: Annotated[str, typer.Option("--since", "--from", metavar="DATE", help="First day, YYYY-MM-DD (UTC).")],
    until: Annotated[
        str | None,
        typer.Option("--until", "--to", metavar="DATE", help="Last day. Default: the as-of day.", show_default=False),
    ] = None,
    as_of: AsOf = None,
    upstream: Upstream = None,
    source: Sources = None,
    subject: Subjects = None,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Load a range of days and build the observations from it. A killed backfill goes on where it stopped."""
    run, screen = start("backfill", as_of, upstream, wait=wait)
    first, last = as_date(since, "--since"), as_date(until, "--until") if until else None
    if first > (last or run.now.date()):
        raise BadInput(f"--since {first} lies after {'--until ' + str(last) if last else 'the as-of day'}")
    error: SkyduckError | None = None
    try:
        with screen.moving():
            sequence.backfill(run, since=first, until=last, sources=source, subjects=subject)
    except SkyduckError as caught:
        error = caught
    _end_of_load(run, as_json, error)


def _end_of_load(run: Run, as_json: bool, error: SkyduckError | None = None) -> None:
    if as_json:
        print_json({"run_id": run.run_id, "as_of": run.now, "error": str(error) if error else None, **_loads(run)})
    elif run.loads is not None:
        summary.show_loads(run)
    if error:
        raise error
    sequence.raise_for_sources(run)


def _loads(run: Run) -> dict[str, object]:
    if run.loads is None:
        return {"sources": [], "failed": [], "n_new_bodies": 0}
    found: dict[str, object] = plain(run.loads)
    return found | {"failed": run.loads.failed, "n_new_bodies": run.loads.n_new_bodies}


def build(
    as_of: AsOf = None,
    select: Annotated[
        str | None, typer.Option("--select", help="A dbt selection instead of the whole graph.", show_default=False)
    ] = None,
    unit_tests: Annotated[bool, typer.Option("--unit-tests", help="Run dbt's unit tests, too.")] = False,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Build incremental tables anew from raw.")
    ] = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Run `dbt build`: every model and test, or a selection."""
    run, screen = start("build", as_of, wait=wait)
    lock = hold(run.settings, run_id=run.run_id, now=run.now, wait=wait, notice=screen.say)
    with lock, screen.moving(), run.step("build") as note:
        settle(run.settings, run.now)  # the tables that Python writes exist before dbt asks for them, too
        result = dbt.build(
            run.settings,
            now=run.now,
            select=("--select", select) if select else (),
            unit_tests=unit_tests,
            full_refresh=full_refresh,
            progress=run.progress,
        )
        note.detail |= {"n_ok": result.n_ok, "n_warn": result.n_warn, "n_error": result.n_error}
    if as_json:
        print_json(result)
    else:
        summary.show_dbt([result])
    result.raise_for_failures()


def publish(as_of: AsOf = None, wait: Wait = False, as_json: Json = False) -> None:
    """Copy the marts into a new read-only file and swap it in. The last three copies stay."""
    run, screen = start("publish", as_of, wait=wait)
    with hold(run.settings, run_id=run.run_id, now=run.now, wait=wait, notice=screen.say), screen.moving():
        steps.publish(run, with_forecasts=False)
    for warning in run.warnings:
        screen.say(warning)
    assert run.published is not None
    if as_json:
        print_json(run.published)
    else:
        typer.echo(f"{run.published.path}: {len(run.published.tables)} tables, {run.published.n_rows:,} rows")


def migrate(
    source: Annotated[Literal["dev", "staging", "prod"], typer.Option("--from", help="The warehouse that has it all.")],
    destination: Annotated[
        Literal["dev", "staging", "prod"], typer.Option("--to", help="The warehouse that gets it: empty, or begun.")
    ],
    as_of: AsOf = None,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Move what was loaded and concluded to another warehouse, compare both, build and publish there."""
    from warehouse.migrate import migrate as move

    old, new = load_settings(target=source), load_settings(target=destination)
    for settings in (old, new):
        demand_token(settings)
    screen = Screen()
    run = begin("migrate", settings=new, as_of=as_of, progress=screen.tick, wait=wait)
    with hold(new, run_id=run.run_id, now=run.now, wait=wait, notice=screen.say), screen.moving():
        moved = move(old, new, screen.say)
        for half in ("before", "after"):
            steps.build(run, half)
        steps.publish(run, with_forecasts=False)
    assert run.published is not None
    if as_json:
        print_json({"tables": moved, "published": run.published})
        return
    for table in moved:
        typer.echo(f"{table.table}: {table.n_rows:,} rows, {table.n_new:,} new, digest {table.digest}")
    typer.echo(
        f"{destination} holds what {source} holds, is built and published ({run.published.run_id}). "
        f"The model files stay in {new.models_path}: whichever machine runs next needs that folder, or `dvc pull`"
    )


def docs(
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the site. Default: <data>/docs.", show_default=False)
    ] = None,
    as_of: AsOf = None,
    upstream: Upstream = None,
    wait: Wait = False,
) -> None:
    """Write the documentation of every table, and beside it how the tests, the data and the forecasts stand."""
    from flows import docs as site

    run, screen = start("docs", as_of, upstream, wait=wait)
    with hold(run.settings, run_id=run.run_id, now=run.now, wait=wait, notice=screen.say), screen.moving():
        found = site.write(run.settings, out or run.settings.data_dir / "docs", now=run.now, progress=run.progress)
    typer.echo(found)
