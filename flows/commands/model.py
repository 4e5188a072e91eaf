"""Commands about models: train, backtest, predict, and the scoreboard."""

from __future__ import annotations

import json
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated

import typer

from flows import sequence, steps, summary
from flows.commands.data import start
from flows.commands.options import AsOf, Json, Wait, as_date, print_json
from warehouse.errors import BadInput
from warehouse.lock import hold

Datasets = Annotated[
    list[str] | None,
    typer.Option("--dataset", help="Only this dataset (repeatable). Default: every one.", show_default=False),
]


def register(app: typer.Typer) -> None:
    app.command("train")(train)
    app.command("tune")(tune)
    app.command("backtest")(backtest)
    app.command("predict")(predict)
    app.command("scoreboard", hidden=True)(scoreboard)


def train(
    dataset: Datasets = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept with the champion.")] = "asked for",
    as_of: AsOf = None,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Let the models of a dataset compete and name a champion, whether training is due or not."""
    run, screen = start("retrain", as_of, wait=wait)
    with screen.moving():
        sequence.retrain(run, datasets=dataset, reason=reason)
    if as_json:
        print_json({"run_id": run.run_id, "trained": run.trained, "warnings": run.warnings})
    else:
        summary.show_models(run)
        summary.show_warnings(run)


def backtest(
    dataset: Annotated[str, typer.Option("--dataset", help="The dataset to replay.")],
    date_from: Annotated[str, typer.Option("--from", metavar="DATE", help="First origin day, YYYY-MM-DD (UTC).")],
    date_to: Annotated[str, typer.Option("--to", metavar="DATE", help="Last origin day.")],
    refit_every: Annotated[
        int | None, typer.Option("--refit-every", min=1, metavar="DAYS", help="Train anew every so many days.")
    ] = None,
    horizon: Annotated[int, typer.Option("--horizon", min=1, max=48, help="Hours ahead.")] = 24,
    place: Annotated[
        list[str] | None, typer.Option("--place", help="Only this place (repeatable).", show_default=False)
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            "--without",
            metavar="INPUT",
            help="Take it from every replayed origin: history:<hours>, gaps, covariates or issued (repeatable).",
            show_default=False,
        ),
    ] = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Replay a range of days: every model forecasts each origin with what was known then, and is scored."""
    from ml.backtest import backtest as replay

    run, screen = start("backtest", as_of)
    first, last = as_date(date_from, "--from"), as_date(date_to, "--to")
    if first > last:
        raise BadInput(f"--from {first} lies after --to {last}")
    with screen.moving():
        result = replay(
            run.settings,
            dataset,
            date_from=datetime.combine(first, time()),
            date_to=datetime.combine(last, time()) + timedelta(days=1),
            places=place,
            refit_every_days=refit_every,
            horizon=horizon,
            known_by=run.now,
            without=tuple(without or ()),
            progress=run.progress,
        )
    if as_json:
        print_json(result)
    else:
        summary.show_backtest(result)


def tune(
    dataset: Annotated[str, typer.Option("--dataset", help="The dataset to search for.")],
    minutes: Annotated[
        float | None,
        typer.Option("--minutes", min=0.1, help="No trial starts later. Default: 5, unless --trials is given."),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option("--trials", min=1, metavar="N", help="How many trials the search shall have in the end."),
    ] = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Search for better parameters; they are kept only if they also win on windows the search has not seen."""
    from ml import tuned
    from ml.backtest import with_covariates
    from ml.learn import read_panels
    from ml.params import load_params
    from ml.tune import tune as search

    run, screen = start("tune", as_of)
    asked = load_params(dataset)
    with screen.moving():
        windows, panels = read_panels(run.settings, asked, run.now)
        result = search(
            panels,
            windows,
            with_covariates(run.settings, asked),
            storage=tuned.folder_of(run.settings, dataset) / tuned.STUDY,
            trials=trials,
            seconds=60 * minutes if minutes else None if trials else 300.0,
            progress=run.progress,
        )
        path = tuned.save(run.settings, result, now=run.now)
    if as_json:
        print_json(json.loads(path.read_text(encoding="utf-8")))
    else:
        summary.show_tuning(result, path)


def predict(as_of: AsOf = None, wait: Wait = False, as_json: Json = False) -> None:
    """Forecast every series from this hour and write it to the source `ml`; build and publish nothing."""
    run, screen = start("predict", as_of, wait=wait)
    with hold(run.settings, run_id=run.run_id, now=run.now, wait=wait, notice=screen.say), screen.moving():
        steps.predict(run)
    if as_json:
        print_json({"run_id": run.run_id, "predicted": run.predicted})
    else:
        summary.show_forecasts(run)


def scoreboard(
    recordings: Annotated[Path, typer.Option("--recordings", help="A folder laid out like the recordings.")],
    plan: Annotated[Path, typer.Option("--plan", help="JSON: what to forecast, with which cut.")],
    bars: Annotated[
        Path | None,
        typer.Option("--bars", help="JSON {plan: mae}: end with 1 where one is missed.", show_default=False),
    ] = None,
) -> None:
    """Score the product on recorded measurements: one JSON line per plan entry."""
    from flows.scoreboard import scoreboard as score

    for path in (recordings, plan, *([bars] if bars else [])):
        if not path.exists():
            raise BadInput(f"{path} does not exist")
    raise typer.Exit(score(recordings=recordings, plan=plan, bars=bars, progress=start("scoreboard", None)[1].tick))
