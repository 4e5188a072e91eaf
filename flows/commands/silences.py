"""`skyduck alerts silence | unsilence | silences`: alerts that a person does not want to hear of, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from flows import alert_tables as page
from flows import summary
from flows.clock import parse_as_of
from flows.commands.decisions import Actor, Occasion, Reason, decided
from flows.commands.options import AsOf, Json, Wait, as_moment, print_json
from flows.options import command_settings
from warehouse import silences as store


def register(alerts: typer.Typer) -> None:
    for command in (silence, unsilence, silences):
        alerts.command(command.__name__)(command)


def silence(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="Its rule_id in alert_rules.csv.")],
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="First moment, UTC or with an offset.")],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="End, exclusive; at most 14 days ahead.")],
    reason: Reason,
    series: Annotated[
        str | None, typer.Option("--series", help="Only this series. Default: all of the rule.", show_default=False)
    ] = None,
    actor: Actor = None,
    as_of: AsOf = None,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Silence the alerts of a rule whose window overlaps a range; what the model says is kept, and scored."""
    asked = store.Asked(rule, series, as_moment(start, "--from"), as_moment(end, "--to"))
    row = decided("alerts", lambda to, by: store.add(to, asked, by), Occasion(reason, actor, as_of, wait, as_json))
    if as_json:
        print_json(row)
        return
    typer.echo(f"{row['silence_id']}: {rule} is silenced for {series or 'all its series'}, {reason}.")
    typer.echo("`skyduck alerts list` knows it now, whoever reads the published copy with the next run.")


def unsilence(
    silence_id: Annotated[str, typer.Argument(metavar="ID", help="A silence, or the last part of its name.")],
    reason: Reason,
    actor: Actor = None,
    as_of: AsOf = None,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """End a silence before its time."""
    row = decided(
        "alerts", lambda to, by: store.cancel(to, silence_id, by), Occasion(reason, actor, as_of, wait, as_json)
    )
    print_json(row) if as_json else typer.echo(f"{row['silence_id']} is over: {row['rule_id']} is told again.")


def silences(as_of: AsOf = None, as_json: Json = False) -> None:
    """List silences, and what those that are scored have saved or cost."""
    rows = store.listed(command_settings(), parse_as_of(as_of))
    if as_json:
        print_json(rows)
    elif not rows:
        typer.echo("No alert was ever silenced.")
    else:
        summary.draw(page.silences(rows))
