"""requests → json → DataFrame → insert: the loader most people write first. It keeps no body and no ledger."""

from __future__ import annotations

import time

import duckdb
import pandas as pd

from bench.contender import Job, answer
from bench.contenders import fetch


def load(job: Job) -> dict[str, object]:
    started = time.monotonic()
    frames = [pd.DataFrame(body["hourly"]).assign(place=place) for place, body in fetch.weather(job)]
    weather = pd.concat(frames, ignore_index=True)
    weather["time"] = pd.to_datetime(weather["time"])
    items = [item for body in fetch.pm25(job) for item in (body["data"] or {}).get("items", [])]
    wide = pd.DataFrame([item["readings"]["pm25_one_hourly"] for item in items])
    wide["time"] = pd.to_datetime([item["timestamp"] for item in items], utc=True).tz_localize(None)
    regions = wide.melt("time", var_name="region", value_name="pm2_5").dropna()
    fetched = time.monotonic()
    with duckdb.connect(job["database"]) as con:
        con.register("weather_frame", weather)
        con.register("region_frame", regions)
        con.execute("create table weather as select * from weather_frame")
        con.execute("create table pm25 as select * from region_frame")
        found = con.execute(
            f"select (select count(*) from weather), {', '.join(f'sum({name})' for name in fetch.WEATHER)}, "
            "(select count(*) from pm25), (select sum(pm2_5) from pm25) from weather"
        ).fetchone()
    return {"fetch": fetched - started, "write": time.monotonic() - fetched, "found": found}


if __name__ == "__main__":
    answer(load)
