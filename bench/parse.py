"""JSON bodies to typed rows and on to fct_observations, beside hand-written SQL and pandas over the same bodies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from bench.report import ratio, show
from bench.scratch import machine, scratch, settings_in, write_seeds
from warehouse.connection import connect
from warehouse.settings import ROOT, Settings

BAR_OF_BEST, BAR_WHOLE = 0.7, 300_000
FULL, QUICK = (50, 2), (4, 1)  # places, years: 50 places × 4 variables are 200 series
HOURS = 8760
START = datetime(2022, 1, 1)
USUAL = {"temperature_2m": 15, "relative_humidity_2m": 60, "cloud_cover": 50, "wind_speed_10m": 20}
UNITS = {"time": "iso8601", "temperature_2m": "°C", "wind_speed_10m": "km/h"}
BEST = """
with bodies as (
    select payload_seq, subject, endpoint, fetched_at, mode, from_json(body, '{shape}') as parsed
    from raw.payloads where source = 'open_meteo' and status = 'ok'
)
select
    payload_seq, subject, endpoint, fetched_at, mode,
    unnest(parsed.hourly.time)::timestamp - to_seconds(parsed.utc_offset_seconds) as observed_at,
    {values}
from bodies
"""
Figure = tuple[str, float]


def main(quick: bool = False) -> None:
    places, years = QUICK if quick else FULL
    about = machine()
    with scratch("parse") as folder:
        names = [f"P{n:03d}" for n in range(places)]
        seeds = write_seeds(
            folder / "seeds",
            places=[(name, name, "XX", 1, 2, "UTC") for name in names],
            series=[("weather", name, "open_meteo", name) for name in names],
        )
        settings = settings_in(folder, seeds_dir=seeds, memory_limit="4GiB")
        with connect(settings) as con:
            receive(con, names, years)
        n_rows = places * years * HOURS * len(USUAL)
        parsing, whole = measure(settings)
    best = parsing[0][1]
    rows = [(what, f"{s:.2f}", f"{n_rows / s:,.0f}", ratio(best, s)) for what, s in parsing]
    rows += [(what, f"{s:.2f}", f"{n_rows / s:,.0f}", "") for what, s in whole]
    show(
        f"parse: {n_rows:,} readings in {places * years} bodies ({about})",
        ("what", "seconds", "readings/s", "of the best"),
        rows,
        f"Bars: {BAR_OF_BEST} of the best query for the staging model, {BAR_WHOLE:,} readings/s to fct_observations.",
        "Each query creates the same table; the fastest of three counts. pandas keeps no raw body.",
    )


def receive(con: duckdb.DuckDBPyConnection, places: Sequence[str], years: int) -> None:
    """One archive body per place and year, seeded."""
    rng = np.random.default_rng(1)
    fetched = START + timedelta(hours=HOURS * years + 6)
    for n, (place, year) in enumerate((place, year) for place in places for year in range(years)):
        start = START + timedelta(hours=HOURS * year)
        hourly: dict[str, list[object]] = {
            "time": [f"{start + timedelta(hours=h):%Y-%m-%dT%H:%M}" for h in range(HOURS)]
        }
        for variable, usual in USUAL.items():
            hourly[variable] = rng.normal(usual, 6, HOURS).clip(0, 59).round(1).tolist()
        text = json.dumps({"utc_offset_seconds": 0, "hourly_units": UNITS, "hourly": hourly}, ensure_ascii=False)
        con.execute(
            "insert into raw.payloads values "
            "(?, 'bench', 'open_meteo', 'archive', ?, ?, ?, ?, 'backfill', 'ok', null, ?, ?, null, ?)",
            [n + 1, place, start, start + timedelta(hours=HOURS), fetched, str(n), text, len(text)],
        )


def measure(settings: Settings) -> tuple[list[Figure], list[Figure]]:
    """Seconds of parsing alone, and of the whole way."""
    dbt(settings, "seed")
    dbt(settings, "compile", "--select", "stg_open_meteo__hourly")
    compiled = target(settings) / "compiled/skyduck/models/staging/open_meteo/stg_open_meteo__hourly.sql"
    with connect(settings) as con:
        parsing = [
            ("best hand-written query", fastest(lambda: store(con, best_query()))),
            ("staging model", fastest(lambda: store(con, compiled.read_text(encoding="utf-8")))),
            ("json → pandas → insert", fastest(lambda: through_pandas(con), times=1)),
        ]
        con.execute("drop table raw.bench")
    seconds = dbt(settings, "run", "--select", "+fct_observations")
    results = json.loads((target(settings) / "run_results.json").read_text(encoding="utf-8"))["results"]
    models = sum(result["execution_time"] for result in results)
    return parsing, [("to fct_observations: all models", models), ("to fct_observations: dbt with its start", seconds)]


def store(con: duckdb.DuckDBPyConnection, query: str) -> None:
    con.execute(f"create or replace table raw.bench as {query}")


def best_query() -> str:
    shape = {"utc_offset_seconds": "BIGINT", "hourly": {"time": ["VARCHAR"], **{v: ["DOUBLE"] for v in USUAL}}}
    return BEST.format(shape=json.dumps(shape), values=", ".join(f"unnest(parsed.hourly.{v}) as {v}" for v in USUAL))


def through_pandas(con: duckdb.DuckDBPyConnection) -> None:
    columns = ", ".join(f"{variable} double" for variable in USUAL)
    con.execute(f"create or replace table raw.bench (subject varchar, observed_at timestamp, {columns})")
    for subject, text in con.execute("select subject, body from raw.payloads order by payload_seq").fetchall():
        hourly = json.loads(text)["hourly"]
        stamps = pd.to_datetime(hourly.pop("time"))
        con.register("frame", pd.DataFrame({"subject": subject, "observed_at": stamps, **hourly}))
        con.execute("insert into raw.bench select * from frame")
    con.unregister("frame")


def fastest(work: Callable[[], object], *, times: int = 3) -> float:
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def target(settings: Settings) -> Path:
    return settings.data_dir.resolve() / "target"


def dbt(settings: Settings, *command: str) -> float:
    """Seconds of one dbt command, its start included."""
    paths = {
        "project-dir": ROOT / "dbt_project",
        "profiles-dir": ROOT,
        "target-path": target(settings),
        "log-path": target(settings),
    }
    options = [word for option, path in paths.items() for word in (f"--{option}", str(path))]
    env = os.environ | {
        "SKYDUCK_WAREHOUSE_PATH": str(settings.warehouse_path),
        "SKYDUCK_SEEDS_DIR": str(settings.seeds_dir),
        "SKYDUCK_THREADS": str(settings.threads),
        "SKYDUCK_MEMORY_LIMIT": settings.memory_limit,
    }
    started = time.perf_counter()
    code = "from dbt.cli.main import cli; cli()"
    done = subprocess.run(
        [sys.executable, "-c", code, *command, *options], cwd=ROOT, env=env, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"dbt {command[0]} failed: {done.stdout[-2000:]}")
    return time.perf_counter() - started
