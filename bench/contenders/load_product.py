"""The product: its loader (checks, ledger, bodies kept as received), then dbt to typed staging rows."""

from __future__ import annotations

import time
from datetime import date, datetime

from bench.contender import Job, answer
from flows import dbt, logs
from loader.load import load as load_windows
from warehouse.connection import connect
from warehouse.errors import SkyduckError
from warehouse.settings import load_settings

NOTHING = ("--select", "tag:nothing")
STAGING = ("--select", "stg_open_meteo__hourly", "stg_data_gov_sg__pm25")


def load(job: Job) -> dict[str, object]:
    logs.quiet()
    settings, now, started = load_settings(), datetime.fromisoformat(job["now"]), time.monotonic()
    n_calls = 0
    for source, days in (("open_meteo", job["weather_days"]), ("data_gov_sg", job["pm25_days"])):
        since, until = (date.fromisoformat(text) for text in days)
        summary = load_windows(
            settings, now=now, run_id=f"{source}-{job['turn']}", mode="backfill", since=since, until=until,
            sources=[source], progress=_silent,
        )  # fmt: skip
        if summary.failed:
            raise SkyduckError("; ".join(summary.failed))
        n_calls += sum(each.n_calls for each in summary.sources)
    fetched = time.monotonic()
    dbt.build(settings, now=now, select=STAGING, progress=_silent).raise_for_failures()
    written = time.monotonic()
    start = dbt.build(settings, now=now, select=NOTHING, progress=_silent).seconds if job["turn"] == 1 else 0.0
    with connect(settings, read_only=True) as con:
        found = con.execute(
            "select count(*), sum(temperature_c), sum(relative_humidity_pct), sum(cloud_cover_pct), "
            "sum(wind_speed_kmh), (select count(pm2_5_ugm3) from staging.stg_data_gov_sg__pm25), "
            "(select sum(pm2_5_ugm3) from staging.stg_data_gov_sg__pm25) from staging.stg_open_meteo__hourly"
        ).fetchone()
    took = {"fetch": fetched - started, "write": written - fetched, "start": start}
    return {**took, "found": found, "calls": n_calls}


def _silent(line: str) -> None:
    """The figures are the report."""


if __name__ == "__main__":
    answer(load)
