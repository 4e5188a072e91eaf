"""The product's backtest: every model competes before the cut, the champion is reported after it."""

from __future__ import annotations

import time
from datetime import datetime

import pyarrow.parquet as pq

from bench.contender import Job, answer
from flows import logs
from ml.backtest import backtest
from warehouse.settings import load_settings


def forecast(job: Job) -> dict[str, object]:
    """Writes the scored rows of every model to a parquet."""
    logs.quiet()
    started = time.monotonic()
    result = backtest(
        load_settings(), job["dataset"], date_from=datetime.fromisoformat(job["cut"]),
        date_to=datetime.fromisoformat(job["end"]), places=job["places"],
    )  # fmt: skip
    seconds = time.monotonic() - started
    pq.write_table(result.scored.table(), job["forecasts"])
    return {
        "fit": result.train_seconds, "predict": seconds - result.train_seconds, "champion": result.champion,
        "models": len(result.scored.answers),
    }  # fmt: skip


if __name__ == "__main__":
    answer(forecast)
