"""Forecasts a day ahead: the product's backtest beside the recipe (mlforecast) and the naive methods."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from bench.contender import Job, Outcome, contend
from bench.loading import DATASETS, recorded
from bench.report import ratio, show
from bench.scratch import NOW, RECORDINGS, begin, environment, machine, scratch, settings_in, write_seeds
from flows import steps
from flows.recorded import SERIES
from flows.scoreboard import prepare
from flows.screen import Screen
from ml.forecaster import is_naive
from warehouse.catalog import load_catalog
from warehouse.connection import connect
from warehouse.settings import Settings

PLAN = RECORDINGS.parent / "tools" / "plan.json"
SAMPLE_DAYS, REPORT_DAYS, QUICK_REPORT_DAYS = 730, 90, 14


@dataclass(frozen=True)
class Entry:
    """Train on what came before the cut, forecast 24 h from 00 UTC of each day in [cut, end)."""

    dataset: str
    places: tuple[str, ...]
    cut: date
    end: date


def main(quick: bool = False) -> None:
    screen, about = Screen(), machine()
    with scratch("forecasting") as folder:
        settings, entries = _prepared(folder, screen)
        for entry in entries[:1] if quick else entries:
            if quick:
                end = min(entry.end, entry.cut + timedelta(days=QUICK_REPORT_DAYS))
                entry = Entry(entry.dataset, entry.places, entry.cut, end)
            _compare(settings, entry, folder / entry.dataset, screen, about)


def _prepared(folder: Path, screen: Screen) -> tuple[Settings, list[Entry]]:
    """A warehouse built up to the feature marts, and what to forecast: the recordings' plan, else the sample."""
    found = recorded()
    if found and PLAN.exists():
        plan = {name: entry for name, entry in json.loads(PLAN.read_text(encoding="utf-8")).items() if name in DATASETS}
        os.environ["SKYDUCK_DATA_DIR"] = str(folder / "data")  # where the scoreboard makes its scratch warehouse
        settings = prepare(RECORDINGS, found, progress=screen.tick)
        days = {name: [date.fromisoformat(entry[key]) for key in ("cut", "end")] for name, entry in plan.items()}
        return settings, [Entry(name, tuple(plan[name]["series"]), *days[name]) for name in sorted(plan)]
    catalog = load_catalog(settings_in(folder).seeds_dir)
    wanted = [spec for spec in catalog.series if spec.dataset in DATASETS]
    seeds = write_seeds(folder / "seeds", series=[tuple(getattr(spec, name) for name in SERIES) for spec in wanted])
    settings = settings_in(folder / "data", seeds_dir=seeds, history_days=SAMPLE_DAYS)
    run = begin(settings, NOW, screen)
    steps.load(run)
    steps.build(run, "before")
    end = NOW.date() - timedelta(days=3)
    cut = end - timedelta(days=REPORT_DAYS)
    places = {name: tuple(spec.place_id for spec in wanted if spec.dataset == name) for name in DATASETS}
    return settings, [Entry(name, places[name], cut, end) for name in sorted(DATASETS)]


def _compare(settings: Settings, entry: Entry, folder: Path, screen: Screen, about: str) -> None:
    folder.mkdir(parents=True)
    job: Job = {
        "dataset": entry.dataset, "places": entry.places, "hours": str(folder / "hours.parquet"),
        "cut": datetime.combine(entry.cut, time()).isoformat(), "end": datetime.combine(entry.end, time()).isoformat(),
    }  # fmt: skip
    _export(settings, entry, Path(job["hours"]))
    outcomes, files = {}, {}
    for name in ("recipe", "backtest"):
        files[name] = folder / f"{name}.parquet"
        asked = job | {"forecasts": str(files[name])}
        outcomes[name] = contend(name, asked, folder=folder / name, env=environment(settings))
        screen.say(f"{entry.dataset} by {name}: {outcomes[name].seconds:.1f} s")
    _show(entry, outcomes, _scores(files["recipe"], files["backtest"]), about)


def _export(settings: Settings, entry: Entry, path: Path) -> None:
    """The same hours for the recipe: one line per series and hour, null where missing."""
    sql = """
        select series_id as unique_id, observed_at as ds, value as y
        from marts.fct_observations
        where series_id in (
            select series_id from marts.dim_series
            where is_target and dataset = $dataset and list_contains($places, place_id)
        )
        order by all
    """
    with connect(settings, read_only=True) as con:
        named = {"dataset": entry.dataset, "places": list(entry.places)}
        pq.write_table(con.execute(sql, named).to_arrow_table(), path)


@dataclass(frozen=True)
class Score:
    """Over the hours that the product and the recipe both answered. inside: share within the 80 % interval."""

    mae: float
    inside: float | None
    n_rows: int


def _scores(recipe: Path, backtest: Path) -> dict[str, Score]:
    """Every model of the product, and the recipe."""
    mine, other = pd.read_parquet(backtest), pd.read_parquet(recipe)
    mine["ds"] = mine["origin_at"] + pd.to_timedelta(mine["horizon_h"], unit="h")
    keys = ["series_id", "origin_at", "ds"]
    other = other.rename(columns={"unique_id": "series_id", "point": "recipe"})
    both = mine.merge(other[[*keys, "recipe"]], on=keys)
    found = {}
    for name, rows in both.groupby("model"):
        inside = rows["actual"].between(rows["q10"], rows["q90"]).mean()
        found[str(name)] = Score(float((rows["point"] - rows["actual"]).abs().mean()), float(inside), len(rows))
    mae = float((rows["recipe"] - rows["actual"]).abs().mean())  # the rows of any model: they are the same hours
    return found | {"recipe": Score(mae, None, len(rows))}


def _show(entry: Entry, outcomes: dict[str, Outcome], scores: dict[str, Score], about: str) -> None:
    product, recipe = outcomes["backtest"], outcomes["recipe"]
    champion = product.said["champion"]
    naive = min((name for name in scores if is_naive(name)), key=lambda name: scores[name].mae)
    rows = [(f"best naive ({naive})", *_accuracy(scores, naive, naive), "", "", "", "", "")]
    entrants = (("recipe (mlforecast)", "recipe", recipe), (f"skyduck ({champion})", champion, product))
    for title, name, outcome in entrants:
        fit, predict = outcome.said["fit"], outcome.said["predict"]
        rows.append(
            (title, *_accuracy(scores, name, naive), f"{fit:.1f}", f"{predict:.1f}", f"{outcome.seconds:.1f}",
             f"{outcome.peak_mib:,.0f}", ratio(outcome.peak_mib, recipe.peak_mib))
        )  # fmt: skip
    what = "the recordings" if recorded() else "the sample"
    show(
        f"versus, forecasting: {entry.dataset} of {what}, {len(entry.places)} series, 24 h from 00 UTC of each day "
        f"{entry.cut} to {entry.end}, {scores['recipe'].n_rows:,} hours scored ({about})",
        ("contender", "MAE", "of naive", "80 % holds", "fit s", "predict s", "process s", "peak MiB", "of recipe"),
        rows,
        f"skyduck fits {product.said['models']} models, twice: for the competition, then on all that is known at the "
        "cut; its predict is all models' answers with intervals, reading and scoring. The recipe gives a point only.",
    )


def _accuracy(scores: dict[str, Score], name: str, naive: str) -> tuple[str, str, str]:
    score = scores[name]
    inside = "–" if score.inside is None else f"{score.inside:.0%}"
    return f"{score.mae:.3f}", ratio(score.mae, scores[naive].mae), inside
