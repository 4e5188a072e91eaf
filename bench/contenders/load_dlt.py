"""dlt: two resources that yield rows, normalised and appended by the library to DuckDB."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import dlt
import duckdb

from bench.contender import Job, answer
from bench.contenders import fetch


def load(job: Job) -> dict[str, object]:
    started = time.monotonic()
    target = dlt.destinations.duckdb(job["database"])
    pipeline = dlt.pipeline("bench", destination=target, dataset_name="hours", pipelines_dir=job["folder"])
    weather = dlt.resource(_weather(job), name="weather", write_disposition="append")
    numbers = {"pm2_5": {"data_type": "double"}}  # the first rows alone would make it an integer
    pm25 = dlt.resource(_pm25(job), name="pm25", write_disposition="append", columns=numbers)
    pipeline.run([weather, pm25])
    written = time.monotonic()
    with duckdb.connect(job["database"], read_only=True) as con:
        found = con.execute(
            f"select (select count(*) from hours.weather), {', '.join(f'sum({name})' for name in fetch.WEATHER)}, "
            "(select count(*) from hours.pm25), (select sum(pm2_5) from hours.pm25) from hours.weather"
        ).fetchone()
    return {"fetch": None, "write": written - started, "found": found}


def _weather(job: Job) -> Iterator[list[dict[str, Any]]]:
    for place, body in fetch.weather(job):
        columns = [body["hourly"][name] for name in ("time", *fetch.WEATHER)]
        names = ("place", "time", *fetch.WEATHER)
        yield [dict(zip(names, (place, *values), strict=True)) for values in zip(*columns, strict=True)]


def _pm25(job: Job) -> Iterator[list[dict[str, Any]]]:
    for body in fetch.pm25(job):
        yield [
            {"region": region, "time": item["timestamp"], "pm2_5": value}
            for item in (body["data"] or {}).get("items", [])
            for region, value in item["readings"]["pm25_one_hourly"].items()
            if value is not None
        ]


if __name__ == "__main__":
    answer(load)
