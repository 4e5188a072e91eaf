"""`skyduck alerts …`: the rules, how good their probabilities are, and what they say now."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Annotated, Any

import typer

from flows import alert_tables as page
from flows import summary
from flows.clock import parse_as_of
from flows.commands import silences
from flows.commands.data import start
from flows.commands.options import AsOf, Json, Wait, as_date, print_json
from flows.options import command_settings
from warehouse import alerts as store
from warehouse.errors import BadInput
from warehouse.lock import hold

alerts = typer.Typer(
    name="alerts",
    help="Alert rules: probabilities, what to do, and how far they can be trusted.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
Rules = Annotated[
    list[str] | None,
    typer.Option("--rule", help="Only this rule (repeatable). Default: all.", show_default=False),
]


def register(app: typer.Typer) -> None:
    silences.register(alerts)
    app.add_typer(alerts)


@alerts.command("list")
def list_(as_of: AsOf = None, as_json: Json = False) -> None:
    """List the rules with who answers for them, and the probabilities of the newest run, silenced or not."""
    from ml.alerts.rules import newest_models

    settings, now = command_settings(), parse_as_of(as_of)
    rules, told = store.rules(settings), store.probabilities(settings, as_of=now)
    models = newest_models(settings, now)
    if as_json:
        print_json({"rules": rules, "models": [page.brief(row) for row in models.values()], "probabilities": told})
        return
    summary.draw(page.rules(rules, models))
    summary.draw(page.probabilities(told))


@alerts.command("show")
def show(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="Its rule_id in alert_rules.csv.")],
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Show everything of one rule: scores of every method, reliability, lift, confusion, value, learning curve."""
    from ml.alerts.rules import find_rule, newest_models

    settings, now = command_settings(), parse_as_of(as_of)
    found = find_rule(settings, rule)
    model = newest_models(settings, now).get(rule)
    record = store.track_record(settings, as_of=now).get(rule)
    if as_json:
        print_json({"rule": found, "model": page.brief(model) if model else None, "track_record": record})
        return
    typer.echo(f"{rule}: {found['description']}\nWhat to do: {found['what_to_do']}")
    if model is None:
        typer.echo("No model yet: climatology answers. `skyduck alerts train` makes one.")
        return
    metrics = page.metrics_of(model)
    typer.echo(f"{model['method']} answers, calibration {model['calibration']}: {model['reason']}")
    summary.draw(page.methods(f"Reported from {model['report_from']:%Y-%m-%d}", metrics["methods"]))
    for table in page.details(metrics):
        summary.draw(table)
    if record:
        costs = {name.removeprefix("cost_"): f"{record[name]:g}" for name in record if name.startswith("cost_")}
        typer.echo(f"Published so far: {record['n_scored']} scored, {record['n_events']} events; cost {costs}")


@alerts.command("report")
def report(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="Its rule_id in alert_rules.csv.")],
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Print where the report of a rule's newest version lies: one HTML page that needs nothing else."""
    from ml.alerts.rules import find_rule, newest_models
    from ml.report.alert_files import alert_report_of

    settings = command_settings()
    find_rule(settings, rule)
    model = newest_models(settings, parse_as_of(as_of)).get(rule)
    if model is None:
        raise BadInput(f"no model of {rule} yet: `skyduck alerts train --rule {rule}` makes one, and its report")
    path = alert_report_of(settings, model)
    print_json({"model_version": model["model_version"], "report": path}) if as_json else typer.echo(path)


@alerts.command("train")
def train(rule: Rules = None, as_of: AsOf = None, wait: Wait = False, as_json: Json = False) -> None:
    """Let the methods of each rule compete and keep the winner, whether training is due or not."""
    from ml.alerts.rules import find_rule
    from ml.alerts.train import train as train_rules

    run, screen = start("alerts", as_of, wait=wait)
    with hold(run.settings, run_id=run.run_id, now=run.now, wait=wait, notice=screen.say), screen.moving():
        asked = [find_rule(run.settings, name) for name in rule] if rule else store.rules(run.settings)
        trained, failed = train_rules(run.settings, asked, now=run.now, run_id=run.run_id, progress=screen.tick)
    if as_json:
        print_json({"run_id": run.run_id, "trained": trained, "failed": failed})
        return
    for result in trained:
        title = f"{result.rule_id}: {result.method} answers, {result.reason}"
        summary.draw(page.methods(title, result.metrics["methods"]))
    for line in failed:
        typer.echo(f"warning: {line}")


@alerts.command("backtest")
def backtest(
    date_from: Annotated[str, typer.Option("--from", metavar="DATE", help="First origin day reported (UTC).")],
    date_to: Annotated[str, typer.Option("--to", metavar="DATE", help="Last origin day.")],
    rule: Rules = None,
    forecasts: Annotated[
        bool,
        typer.Option("--forecasts", help="Replay the forecast models, too: their quantiles compete (slow)."),
    ] = False,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Replay a range of days: methods chosen on the days before it, learnt again monthly, scored on it."""
    from ml.alerts.replay import replay
    from ml.alerts.rules import find_rule

    run, screen = start("alerts", as_of)
    first, last = as_date(date_from, "--from"), as_date(date_to, "--to")
    if first > last:
        raise BadInput(f"--from {first} lies after --to {last}")
    begin, end = datetime.combine(first, time()), datetime.combine(last, time()) + timedelta(days=1)
    found: list[dict[str, Any]] = []
    with screen.moving():
        asked = [find_rule(run.settings, name) for name in rule] if rule else store.rules(run.settings)
        for spec in asked:
            outcome = replay(run.settings, spec, begin, end, with_forecasts=forecasts, progress=screen.tick)
            if outcome is None:
                screen.say(f"{spec['rule_id']}: no outcome in this range")
                continue
            found.append({"rule_id": spec["rule_id"], "reason": outcome.reason, **outcome.metrics})
    if as_json:
        print_json(found)
        return
    for result in found:
        summary.draw(page.methods(f"{result['rule_id']}: {result['chosen']}, {result['reason']}", result["methods"]))
