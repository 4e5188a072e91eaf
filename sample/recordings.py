"""A folder of recorded bodies as a backend: each file is parsed once, when first needed, and served in slices.

Layout (whatever is found there, by glob): `open_meteo/archive*/<place>.json[.gz]`,
`open_meteo/air_quality*/<place>.json[.gz]`, `data_gov_sg/pm25*/*.jsonl[.gz]`.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from math import asin, cos, radians, sin, sqrt
from pathlib import Path
from typing import Any

import orjson

from sample.answer import Refused, json_answer
from sample.backend import Column, Endpoint, Located, Place, Power, available_until
from sample.clock import epoch, parse_now
from sample.variables import canonical

NEAR = radians(0.5)  # farther away, the archive's newest hours are those of another place
FOLDERS: dict[str, str] = {"archive": "open_meteo/archive*", "air_quality": "open_meteo/air_quality*"}


def read(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


@dataclass(frozen=True)
class Recorded:
    """One place on an unbroken hourly grid from hour `start`; hours the recording lacks are None."""

    name: str
    latitude: float
    longitude: float
    elevation: float
    start: int
    columns: dict[str, Column]

    def slice(self, name: str, start: int, stop: int) -> Column:
        column = self.columns.get(canonical(name))
        if column is None:
            return [None] * (stop - start)
        low, high = max(start - self.start, 0), max(stop - self.start, 0)
        inside = column[low:high]
        before = [None] * min(max(self.start - start, 0), stop - start)
        return before + inside + [None] * (stop - start - len(before) - len(inside))


def hour_of(stamp: str | int, offset: int) -> int:
    """Hour since 1970, UTC, of a stamp that stands `offset` seconds east of UTC."""
    seconds = stamp if isinstance(stamp, int) else epoch(datetime.fromisoformat(stamp)) - offset
    return seconds // 3600


def parse_place(name: str, bodies: list[dict[str, Any]]) -> Recorded:
    """Lays the bodies of one place (several files, gaps, any order) onto one grid; later files fill what is missing."""
    stamped = [[hour_of(t, body.get("utc_offset_seconds", 0)) for t in body["hourly"]["time"]] for body in bodies]
    start = min((min(hours) for hours in stamped if hours), default=0)
    stop = max((max(hours) for hours in stamped if hours), default=start - 1) + 1
    columns: dict[str, Column] = {}
    for body, hours in zip(bodies, stamped, strict=True):
        unbroken = bool(hours) and hours == list(range(hours[0], hours[0] + len(hours)))
        for key, values in body["hourly"].items():
            if key == "time":
                continue
            column = columns.setdefault(canonical(key), [None] * (stop - start))
            if unbroken and column.count(None) == len(column):
                column[hours[0] - start : hours[-1] + 1 - start] = values
                continue
            for hour, value in zip(hours, values, strict=True):
                if column[hour - start] is None:
                    column[hour - start] = value
    first = bodies[0]
    return Recorded(name, first["latitude"], first["longitude"], first.get("elevation", 0.0), start, columns)


def distance(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Great-circle distance, in radians (haversine)."""
    (y1, x1), (y2, x2) = ((radians(p[0]), radians(p[1])) for p in (a, b))
    return 2 * asin(sqrt(min(1.0, sin((y2 - y1) / 2) ** 2 + cos(y1) * cos(y2) * sin((x2 - x1) / 2) ** 2)))


class Recordings:
    """Slices of the recordings under `folder`."""

    def __init__(self, folder: Path, archive_lag_days: int = 2) -> None:
        self.folder, self.lag_days = folder, archive_lag_days

    @cached_property
    def _recorded(self) -> dict[str, list[Recorded]]:
        return {endpoint: self._load(pattern) for endpoint, pattern in FOLDERS.items()}

    def _load(self, pattern: str) -> list[Recorded]:
        files: dict[str, list[Path]] = {}
        for path in sorted(self.folder.glob(f"{pattern}/*.json*")):
            files.setdefault(path.name.partition(".json")[0], []).append(path)
        return [parse_place(name, [orjson.loads(read(p)) for p in paths]) for name, paths in sorted(files.items())]

    @cached_property
    def _days(self) -> dict[str, bytes]:
        """The v2 body of each recorded day, still unparsed."""
        days: dict[str, bytes] = {}
        for path in sorted(self.folder.glob("data_gov_sg/pm25*/*.jsonl*")):
            for line in read(path).splitlines():
                if line.strip():
                    record = orjson.loads(line)
                    days[record["date"]] = orjson.dumps(record["body"])
        return days

    def places(self) -> list[Place]:
        return [Place(e, r.name, r.latitude, r.longitude) for e, found in self._recorded.items() for r in found]

    def hourly(
        self, endpoint: Endpoint, at: tuple[float, float], start: int, stop: int, names: list[str], now: datetime
    ) -> Located:
        """The nearest recorded place; the forecast endpoint serves the archive's newest hours. Raises Refused.

        What was forecast in the past is not recorded: the refusal is that of a host asked about a place it lacks.
        """
        if endpoint == "previous_runs":
            raise Refused(json_answer({"error": True, "reason": "No data is available for this location"}, 400))
        known = self._recorded["air_quality" if endpoint == "air_quality" else "archive"]
        place = min(known, key=lambda r: distance(at, (r.latitude, r.longitude)), default=None)
        if place is None or (endpoint == "forecast" and distance(at, (place.latitude, place.longitude)) > NEAR):
            return Located(at[0], at[1], 0.0, {name: [None] * (stop - start) for name in names})
        until = min(max(available_until(endpoint, epoch(now) // 3600, self.lag_days), start), stop)
        tail: Column = [None] * (stop - until)
        columns = {name: place.slice(name, start, until) + tail for name in names}
        return Located(place.latitude, place.longitude, place.elevation, columns)

    def pm25(self, day: date, now: datetime) -> dict[str, Any] | None:
        """The recorded day; items that were published after `now` are left out."""
        raw = self._days.get(day.isoformat())
        if raw is None:
            return None
        data: dict[str, Any] | None = orjson.loads(raw)["data"]
        if data is None:
            return None
        data["items"] = [i for i in data["items"] if parse_now(i.get("updatedTimestamp") or i["timestamp"]) <= now]
        return data if data["items"] else None

    def power(self, country: str, start: int, stop: int, now: datetime) -> Power | None:
        return None


def list_places(folder: Path) -> list[Place]:
    """Every Open-Meteo recording under `folder`: endpoint, name, latitude, longitude."""
    return Recordings(folder).places()
