"""Do the intervals hold? Half a year of origins after the cut, models fitted once; then with inputs taken away."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from itertools import pairwise
from pathlib import Path

import numpy as np

from bench.forecasting import PLAN
from bench.report import show
from bench.scratch import RECORDINGS, machine, scratch
from flows.recorded import find
from flows.scoreboard import prepare
from flows.screen import Screen
from ml.backtest import Panels, Source, Windows, shortened, windows_before, with_covariates
from ml.competition import STAND_IN, Contest, compete
from ml.dataset import seconds_of
from ml.forecaster import Floats, Mask, is_statistical, raw_answers
from ml.metrics import Scored
from ml.missing import lacking
from ml.params import Params, load_params
from warehouse.settings import Settings

# besides the plan: the same series over the half years before
EARLIER = {
    "weather": ["2022-01-01", "2022-07-01", "2023-01-01"],
    "carbon": ["2022-01-01", "2022-07-01", "2023-01-01"],
    "carbon_it": ["2022-07-01"],
    "sgpm": ["2018-01-01", "2018-07-01", "2019-01-01"],
    "air": ["2021-07-01", "2022-01-01"],
}
MISSING = ("history:3", "history:24", "history:72", "gaps", "covariates")
QUICK = ("history:24",)
HEADER = ("cut", "model", "without", "80 % holds", "90 % holds", "80 % by hours ahead", "pinball of raw", "width")


@dataclass(frozen=True)
class Cut:
    name: str
    dataset: str
    places: tuple[str, ...]
    start: date
    end: date


def main(quick: bool = False) -> None:
    if not PLAN.exists():
        print("coverage: the recordings are not beside the project; nothing was measured")
        return
    screen, about = Screen(), machine()
    with scratch("coverage") as folder:
        os.environ["SKYDUCK_DATA_DIR"] = str(folder / "data")
        settings = prepare(RECORDINGS, find(RECORDINGS), progress=screen.tick)
        rows: list[tuple[str, ...]] = []
        for cut in list(_cuts(PLAN))[: 1 if quick else None]:
            rows += _rows(settings, cut, QUICK if quick else MISSING)
            screen.say(f"{cut.name} from {cut.start}: {rows[-1][1]}")
        show(
            f"coverage: the recordings, 24 h from 00 UTC of each day after the cut, models fitted once ({about})",
            HEADER,
            rows,
            "raw: the model's own quantiles. conformal: stretched by factors of the selection windows, as in the first "
            "hour after training. The line below: brought up to date at each origin by what was known then.",
            "1 in 5: every fifth day lacks the input, and only these are counted. width: of the 80 % interval, beside "
            "that with every input.",
            words=3,
        )


def _cuts(plan: Path) -> Iterator[Cut]:
    for name, entry in json.loads(plan.read_text(encoding="utf-8")).items():
        ends = [date.fromisoformat(day) for day in (*EARLIER.get(name, []), entry["cut"], entry["end"])]
        for start, end in reversed(list(pairwise(ends))):
            yield Cut(name, entry.get("dataset", name), tuple(entry["series"]), start, end)


def _rows(settings: Settings, cut: Cut, missing: tuple[str, ...]) -> list[tuple[str, ...]]:
    params = load_params(cut.dataset)
    few = {name: block for name, block in params.models.items() if not is_statistical(name)}
    params = shortened(params.model_copy(update={"models": few}), 24, (0,))
    params = with_covariates(settings, params)
    start, end = (datetime.combine(day, time()) for day in (cut.start, cut.end))
    windows = windows_before(params, start, end, None)
    panels = Source(settings, params, cut.places).panels(windows)
    contest = compete(panels.train.known_before(windows.select_from), panels.select, params, lambda _: None)
    contest = contest.refit(panels.train.known_before(start), lambda _: None)
    return list(_table(cut, contest, panels, windows, params, missing))


def _table(
    cut: Cut, contest: Contest, panels: Panels, windows: Windows, params: Params, missing: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    name, report, until = contest.champion.model, panels.report, seconds_of(windows.report_to)
    names = tuple({name, STAND_IN})
    raw = {key: values for key, values in raw_answers(contest.models, report, names).items() if key in names}
    whole = contest.publish(report, raw, until=until)[0][name]
    title = f"{cut.name} {cut.start}"

    def line(what: str, answers: Floats, *, pinball: bool = False) -> tuple[str, ...]:
        mine: Mask = np.asarray(np.isfinite(answers).all(axis=1))
        some, q, wide = report.rows(mine), answers[mine], whole[mine]
        scored = Scored(some.row_frame(), some.target, np.ones(len(some)), {"naive_x": q, "raw": raw[name][mine]})
        scores = scored.scores()
        own, unaided = (scores[scores["model"] == key] for key in ("naive_x", "raw"))
        by_bucket = scored.by_bucket(params.calibration.horizon_buckets)
        width = float(np.mean(q[:, 5] - q[:, 1]) / np.mean(wide[:, 5] - wide[:, 1]))
        return (
            title, name, what, f"{own['coverage80'].item():.1%}", f"{own['coverage90'].item():.1%}",
            " ".join(f"{found:.1%}" for found in by_bucket.loc[by_bucket["model"] == "naive_x", "coverage80"]),
            f"{own['pinball'].item() / unaided['pinball'].item():.4f}" if pinball else "", f"{width:.2f}",
        )  # fmt: skip

    yield line("raw", raw[name], pinball=True)
    yield line("conformal", contest.calibrations[name].apply(raw[name], report.horizon), pinball=True)
    yield line("nothing", whole, pinball=True)
    for what in missing:
        blind = lacking(report, (what,))
        if what == "covariates" and not report.covariates:
            continue
        lacked = {key: values for key, values in raw_answers(contest.models, blind, names).items() if key in names}
        yield line(what, contest.publish(blind, lacked, until=until)[0][name])
        day = report.origin_h // 24
        sometimes = np.full_like(whole, np.nan)
        for phase in range(5):
            hit = day % 5 == phase
            rows = hit[report.origin]
            mixed = {key: np.where(rows[:, None], lacked[key], raw[key]) for key in names}
            panel = replace(
                report,
                stats={key: np.where(hit, blind.stats[key], values) for key, values in report.stats.items()},
                covariates={
                    key: np.where(hit[:, None], blind.covariates[key], values)
                    for key, values in report.covariates.items()
                },
            )
            sometimes[rows] = contest.publish(panel, mixed, until=until)[0][name][rows]
        yield line(f"{what}, 1 in 5", sometimes)
