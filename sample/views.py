"""The three body shapes seen alike: rows stamped in time, columns by name. Faults are written once against this."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime
from typing import Any, Protocol

Cells = list[Any]
ABSENT = object()  # a column that a row does not have at all


class View(Protocol):
    """Columns of one body; every change goes straight into the body."""

    def names(self) -> list[str]: ...
    def get(self, name: str) -> Cells: ...
    def put(self, name: str, cells: Cells) -> None: ...
    def drop(self, name: str) -> None: ...
    def seconds(self) -> list[int]:
        """Seconds since 1970, UTC, of each row."""

    def take(self, rows: list[int]) -> None:
        """Keeps these rows, in this order; a row named twice is there twice."""


def _epoch(stamp: str | int, offset: int) -> int:
    if isinstance(stamp, int):
        return stamp
    moment = datetime.fromisoformat(stamp)
    if moment.tzinfo:
        return int(moment.timestamp())
    return int((moment - datetime(1970, 1, 1)).total_seconds()) - offset


class Hourly:
    """One Open-Meteo location."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.body, self.hourly = body, body["hourly"]

    def names(self) -> list[str]:
        return [name for name in self.hourly if name != "time"]

    def get(self, name: str) -> Cells:
        return list(self.hourly[name])

    def put(self, name: str, cells: Cells) -> None:
        self.hourly[name] = cells
        self.body.setdefault("hourly_units", {}).setdefault(name, "undefined")

    def drop(self, name: str) -> None:
        del self.hourly[name]
        self.body.get("hourly_units", {}).pop(name, None)

    def seconds(self) -> list[int]:
        return [_epoch(stamp, self.body.get("utc_offset_seconds", 0)) for stamp in self.hourly["time"]]

    def take(self, rows: list[int]) -> None:
        for name in list(self.hourly):
            self.hourly[name] = [self.hourly[name][row] for row in rows]


class Items:
    """One data.gov.sg day: a column is a region."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.data = body["data"]

    def _readings(self) -> list[dict[str, Any]]:
        return [item["readings"]["pm25_one_hourly"] for item in self.data["items"]]

    def names(self) -> list[str]:
        return list(dict.fromkeys(name for reading in self._readings() for name in sorted(reading)))

    def get(self, name: str) -> Cells:
        return [reading.get(name, ABSENT) for reading in self._readings()]

    def put(self, name: str, cells: Cells) -> None:
        for reading, cell in zip(self._readings(), cells, strict=True):
            if cell is ABSENT:
                reading.pop(name, None)
            else:
                reading[name] = cell

    def drop(self, name: str) -> None:
        self.put(name, [ABSENT] * len(self.data["items"]))

    def seconds(self) -> list[int]:
        return [_epoch(item["timestamp"], 0) for item in self.data["items"]]

    def take(self, rows: list[int]) -> None:
        self.data["items"] = [deepcopy(self.data["items"][row]) for row in rows]


class Production:
    """One energy-charts body: a column is a production type."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.body = body

    def names(self) -> list[str]:
        return [row["name"] for row in self.body["production_types"]]

    def get(self, name: str) -> Cells:
        return next(list(row["data"]) for row in self.body["production_types"] if row["name"] == name)

    def put(self, name: str, cells: Cells) -> None:
        for row in self.body["production_types"]:
            if row["name"] == name:
                row["data"] = cells
                return
        self.body["production_types"].append({"name": name, "data": cells})

    def drop(self, name: str) -> None:
        self.body["production_types"] = [row for row in self.body["production_types"] if row["name"] != name]

    def seconds(self) -> list[int]:
        return list(self.body["unix_seconds"])

    def take(self, rows: list[int]) -> None:
        self.body["unix_seconds"] = [self.body["unix_seconds"][row] for row in rows]
        for kind in self.body["production_types"]:
            kind["data"] = [kind["data"][row] for row in rows]


def views(body: Any) -> Iterator[View]:
    """One view per location or body; none for an error body."""
    for part in body if isinstance(body, list) else [body]:
        if not isinstance(part, dict):
            continue
        if isinstance(part.get("hourly"), dict):
            yield Hourly(part)
        elif isinstance(part.get("data"), dict) and part["data"].get("items"):
            yield Items(part)
        elif part.get("production_types"):
            yield Production(part)
