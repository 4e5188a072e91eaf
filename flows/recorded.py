"""Places found in a folder of recordings, registered as seeds of a scratch warehouse.

Layout: `open_meteo/archive*/<place>.json.gz`, `open_meteo/air_quality*/<place>.json.gz`,
`data_gov_sg/pm25*/<YYYY-MM>.jsonl.gz`, `files/electricity_maps/<zone>_<year>_hourly.csv.gz`.
"""

from __future__ import annotations

import csv
import gzip
import json
import math
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from warehouse.errors import BadInput

TARGETS = {"weather": "open_meteo", "air": "open_meteo", "sgpm": "data_gov_sg", "carbon": "files"}
PLACES = ("place_id", "name", "country", "latitude", "longitude", "timezone")
SERIES = ("dataset", "place_id", "source", "subject")


@dataclass(frozen=True)
class Found:
    """One recorded subject and the days it covers."""

    dataset: str
    place_id: str
    latitude: float
    longitude: float
    first: date
    last: date


def read_text(path: Path) -> str:
    return gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text(encoding="utf-8")


def find(recordings: Path) -> list[Found]:
    """Every subject recorded there. Raises BadInput for a folder with none."""
    found = [
        *(_open_meteo(path, "weather") for path in sorted(recordings.glob("open_meteo/archive*/*.json*"))),
        *(_open_meteo(path, "air") for path in sorted(recordings.glob("open_meteo/air_quality*/*.json*"))),
        *_regions(sorted(recordings.glob("data_gov_sg/pm25*/*.jsonl*"))),
    ]
    known = {place.place_id: (place.latitude, place.longitude) for place in found}
    found += _zones(sorted(recordings.glob("files/**/*_hourly.csv*")), known)
    if not found:
        raise BadInput(f"{recordings} holds no recordings: expected open_meteo/, data_gov_sg/ or files/ in it")
    return found


def _open_meteo(path: Path, dataset: str) -> Found:
    body: dict[str, Any] = json.loads(read_text(path))
    days = [date.fromisoformat(body["hourly"]["time"][i][:10]) for i in (0, -1)]
    return Found(dataset, path.name.split(".json")[0], body["latitude"], body["longitude"], days[0], days[1])


def _regions(paths: list[Path]) -> list[Found]:
    if not paths:
        return []
    first, last = (read_text(path).splitlines() for path in (paths[0], paths[-1]))
    opening, closing = json.loads(first[0]), json.loads(last[-1])
    days = date.fromisoformat(opening["date"]), date.fromisoformat(closing["date"])
    return [
        Found("sgpm", region["name"], region["labelLocation"]["latitude"], region["labelLocation"]["longitude"], *days)
        for region in opening["body"]["data"]["regionMetadata"]
    ]


def _zones(paths: list[Path], known: dict[str, tuple[float, float]]) -> list[Found]:
    """Electricity zones lie where the weather of the same name was recorded, else in the main city of their country."""
    years: dict[str, list[int]] = {}
    for path in paths:
        matched = re.fullmatch(r"(.+)_(\d{4})_hourly\.csv(\.gz)?", path.name)
        if matched:
            years.setdefault(matched[1], []).append(int(matched[2]))
    return [
        Found("carbon", zone, *(known.get(zone) or _country(zone[:2])), date(min(of), 1, 1), date(max(of), 12, 31))
        for zone, of in years.items()
    ]


def _tz_lines() -> list[tuple[list[str], float, float, str]]:
    """The tz database's table of zones: countries, coordinates of the main city, name."""
    text = files("tzdata").joinpath("zoneinfo", "zone1970.tab").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    parts = [(row[0].split(","), re.fullmatch(r"([+-]\d+)([+-]\d+)", row[1]), row[2]) for row in rows]
    return [(codes, _degrees(at[1], 2), _degrees(at[2], 3), name) for codes, at, name in parts if at]


def _degrees(text: str, width: int) -> float:
    """ISO 6709 sign, degrees, minutes and perhaps seconds."""
    digits = text[1:]
    value = int(digits[:width]) + int(digits[width : width + 2]) / 60 + int(digits[width + 2 :] or 0) / 3600
    return -value if text[0] == "-" else value


def _country(code: str) -> tuple[float, float]:
    for codes, latitude, longitude, _ in _tz_lines():
        if code in codes:
            return latitude, longitude
    raise BadInput(f"no country '{code}' for a zone named {code}…: name files <country code>[-zone]_<year>_hourly.csv")


def nearest_zone(latitude: float, longitude: float) -> tuple[str, str]:
    """Country code and time zone whose main city is nearest: right for cities, good enough near a border."""

    def apart(line: tuple[list[str], float, float, str]) -> float:
        east = (line[2] - longitude + 180) % 360 - 180
        return (line[1] - latitude) ** 2 + (east * math.cos(math.radians(latitude))) ** 2

    codes, _, _, name = min(_tz_lines(), key=apart)
    return codes[0], name


def write_seeds(found: list[Found], *, product: Path, folder: Path) -> None:
    """The product's own variables, sources and factors, with the places and series found.

    One thing is the protocol's and not the product's: a value counts as known at its own stamp, in files too. The
    product waits for the end of the hour that a stamp begins.
    """
    shutil.copytree(product, folder, dirs_exist_ok=True)
    places = {item.place_id: item for item in reversed(found)}
    rows = []
    for item in places.values():
        country, zone = nearest_zone(item.latitude, item.longitude)
        rows.append((item.place_id, item.place_id, country, item.latitude, item.longitude, zone))
    with (folder / "sources.csv").open(encoding="utf-8", newline="") as file:
        header, *sources = csv.reader(file)
    lag = header.index("known_lag_hours")
    of_protocol = [[*row[:lag], "0", *row[lag + 1 :]] if row[0] == "files" else row for row in sources]
    _write(folder / "sources.csv", tuple(header), [tuple(row) for row in of_protocol])
    _write(folder / "places.csv", PLACES, rows)
    _write(folder / "series.csv", SERIES, [(i.dataset, i.place_id, TARGETS[i.dataset], i.place_id) for i in found])


def _write(path: Path, header: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def span(found: list[Found], source: str) -> tuple[date, date]:
    """First day and the day after the last one recorded for a source."""
    mine = [item for item in found if TARGETS[item.dataset] == source]
    return min(item.first for item in mine), max(item.last for item in mine) + timedelta(days=1)
