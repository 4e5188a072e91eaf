"""`skyduck override add | list | cancel`: a person's own values in place of the forecast's, and whether they helped."""

from __future__ import annotations

from typing import Annotated, Any, get_args

import typer

from flows import summary
from flows.clock import parse_as_of
from flows.commands.decisions import Actor, Occasion, Reason, decided
from flows.commands.options import AsOf, Json, Wait, as_moment, print_json
from flows.options import command_settings
from flows.tables import Table, figure, short, span
from warehouse import overrides as store
from warehouse.errors import BadInput

override = typer.Typer(
    name="override",
    help="Values that a person puts in place of the forecast's; both are scored.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
TAKES_EFFECT = "The published forecast follows with the next run; `skyduck run` makes one now."
SIGNS = {"set": "=", "add": "+", "factor": "×"}


def register(app: typer.Typer) -> None:
    app.add_typer(override)


def _one_method(**given: float | None) -> tuple[store.Method, float]:
    methods: tuple[store.Method, ...] = get_args(store.Method)
    found = [(name, value) for name in methods if (value := given[name]) is not None]
    if len(found) != 1:
        raise BadInput(f"{len(found)} of --set, --add and --factor were given; expected one")
    return found[0]


@override.command("add")
def add(
    series: Annotated[str, typer.Argument(metavar="SERIES", help="A forecast series_id of dim_series.")],
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="First hour, UTC or with an offset.")],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="End, exclusive; at most 14 days ahead.")],
    reason: Reason,
    to_value: Annotated[
        float | None, typer.Option("--set", help="The median becomes this; the spread stays.", show_default=False)
    ] = None,
    plus: Annotated[
        float | None, typer.Option("--add", help="Added to point and quantiles.", show_default=False)
    ] = None,
    factor: Annotated[
        float | None, typer.Option("--factor", help="Point and quantiles are multiplied by it.", show_default=False)
    ] = None,
    actor: Actor = None,
    as_of: AsOf = None,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Override the forecast of a series for the hours ahead in a window. The forecast itself is kept, and scored."""
    method, value = _one_method(set=to_value, add=plus, factor=factor)
    asked = store.Asked(series, as_moment(start, "--from"), as_moment(end, "--to"), method, value)
    row = decided("override", lambda to, by: store.add(to, asked, by), Occasion(reason, actor, as_of, wait, as_json))
    if as_json:
        print_json(row)
        return
    window = span(row["target_from"], row["target_to"])
    typer.echo(f"{row['override_id']}: {series} {SIGNS[method]} {value:g}, {window} UTC, {reason}.\n{TAKES_EFFECT}")


@override.command("list")
def list_(as_of: AsOf = None, as_json: Json = False) -> None:
    """List overrides with their reasons, and whether they helped."""
    rows = store.listed(command_settings(), parse_as_of(as_of))
    if as_json:
        print_json(rows)
    elif not rows:
        typer.echo("No forecast was ever overridden.")
    else:
        summary.draw(_table(rows))


@override.command("cancel")
def cancel(
    override_id: Annotated[str, typer.Argument(metavar="ID", help="An override, or the last part of its name.")],
    reason: Reason,
    actor: Actor = None,
    as_of: AsOf = None,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Cancel an override for the hours that still lie ahead. It stays on record."""
    row = decided(
        "override", lambda to, by: store.cancel(to, override_id, by), Occasion(reason, actor, as_of, wait, as_json)
    )
    print_json(row) if as_json else typer.echo(f"{row['override_id']} is cancelled. {TAKES_EFFECT}")


def _table(rows: list[dict[str, Any]]) -> Table:
    found = tuple(
        (
            *(short(row["override_id"]), row["state"], row["series_id"], f"{SIGNS[row['method']]} {row['value']:g}"),
            *(span(row["target_from"], row["target_to"]), row["actor"], row["reason"]),
            "–" if row["helped"] is None else "yes" if row["helped"] else "no",
            *(figure(row[name]) for name in ("n_hours_scored", "mae_original", "mae_overridden")),
        )
        for row in rows
    )
    header = (
        "id",
        "state",
        "series",
        "value",
        "window (UTC)",
        "by",
        "why",
        "helped",
        "hours scored",
        "MAE",
        "overridden",
    )
    return Table(
        "Overrides, the newest first; MAE of the model and of the overridden forecast", header, found, numbers=3
    )
