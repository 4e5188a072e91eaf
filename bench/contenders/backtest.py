"""The product's backtest: every model competes before the cut, the champion is reported after it."""

from __future__ import annotations

import time
from datetime import datetime

import pyarrow.parquet as pq

from bench.contender import Job, answer
from flows import logs
from ml.backtest import Source, run, shortened, windows_before, with_covariates
from ml.params import load_params
from warehouse.settings import load_settings

HORIZON = 24


def forecast(job: Job) -> dict[str, object]:
    """Writes the scored rows of every model to a parquet: the steps of `ml.backtest.backtest`, timed one by one."""
    logs.quiet()
    settings, started = load_settings(), time.monotonic()
    cut, end = datetime.fromisoformat(job["cut"]), datetime.fromisoformat(job["end"])
    params = with_covariates(settings, shortened(load_params(job["dataset"]), HORIZON, (0,)))
    windows = windows_before(params, cut, end, None)
    source = Source(settings, params, tuple(job["places"]))
    train = source.training(windows.train_from, windows.refit_at[-1])
    result, contest = run(source, windows, train, lambda _: None)
    answered = time.monotonic()
    panel = source.evaluation(windows.report_from, windows.report_to, (0,))
    contest.answers(panel, names=(result.champion,))
    predicted = time.monotonic()
    pq.write_table(result.scored.table(), job["forecasts"])
    return {
        "fit": result.train_seconds, "predict": predicted - answered, "whole": answered - started,
        "champion": result.champion, "models": len(result.scored.answers),
    }  # fmt: skip


if __name__ == "__main__":
    answer(forecast)
