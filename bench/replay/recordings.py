"""The recordings with the faults in them: copies of the months that change, links to those that do not."""

from __future__ import annotations

import gzip
import json
from datetime import date
from pathlib import Path
from typing import Any

from bench.replay.faults import CHANGES, DAY, Fault
from flows.recorded import read_text

MONTHS = "data_gov_sg/pm25"
Day = dict[str, Any]  # {"date", "body"} as recorded


def write(source: Path, folder: Path, faults: tuple[Fault, ...]) -> Path:
    """`folder` in the layout of `source`, PM2.5 of Singapore alone."""
    target = folder / MONTHS
    target.mkdir(parents=True)
    wrong = {day: fault for fault in faults if fault.kind in CHANGES for day in fault.days}
    months = {f"{day:%Y-%m}" for day in wrong}
    for path in sorted((source / MONTHS).glob("*.jsonl.gz")):
        copy = target / path.name
        if path.name.split(".")[0] in months:
            days = [json.loads(line) for line in read_text(path).splitlines()]
            lines = [json.dumps(changed(day, source, wrong)) for day in days]
            copy.write_bytes(gzip.compress("\n".join(lines).encode()))
        else:
            copy.symlink_to(path.resolve())
    return folder


def changed(day: Day, source: Path, wrong: dict[date, Fault]) -> Day:
    """The day as a faulty region tells it."""
    fault = wrong.get(date.fromisoformat(day["date"]))
    if fault is None or fault.region is None:
        return day
    items = sorted(day["body"]["data"]["items"], key=lambda item: str(item["timestamp"]))
    hours = [item["readings"]["pm25_one_hourly"].get(fault.region) for item in items]
    before = last_value(source, fault.first - DAY, fault.region)
    for item, value in zip(items, CHANGES[fault.kind](hours, before), strict=True):
        item["readings"]["pm25_one_hourly"][fault.region] = value
    return day


def last_value(source: Path, day: date, region: str) -> float:
    path = source / MONTHS / f"{day:%Y-%m}.jsonl.gz"
    for line in read_text(path).splitlines():
        found = json.loads(line)
        if found["date"] == day.isoformat():
            items = sorted(found["body"]["data"]["items"], key=lambda item: str(item["timestamp"]))
            known = [item["readings"]["pm25_one_hourly"].get(region) for item in items]
            return float(next(value for value in reversed(known) if value is not None))
    raise LookupError(f"{path} has no day {day}")
