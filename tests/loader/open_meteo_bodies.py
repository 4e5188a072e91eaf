"""Requests to Open-Meteo, good answers to them, and the verdict on any answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from loader.source import Checked, Context, Mode, Planned, Request, Window
from loader.sources import open_meteo
from tests.loader.conftest import NOW
from tests.loader.upstream import DAY, hourly_body

START = datetime(2026, 11, 1)
NAMES = ["temperature_2m", "relative_humidity_2m", "cloud_cover", "wind_speed_10m"]


def request(context: Context, *subjects: str, days: int = 2, name: str = "archive", start: datetime = START) -> Request:
    endpoint = next(e for e in open_meteo.endpoints(context.catalog) if e.name == name)
    mode: Mode = "live"
    planned = [Planned(s, Window(start, start + days * DAY), mode) for s in subjects]
    [made] = open_meteo.requests(endpoint, planned, context)
    return made


def good(context: Context, subject: str = "SG", days: int = 2) -> dict[str, Any]:
    place = context.catalog.places[subject]
    last = START.date() + (days - 1) * DAY
    return hourly_body(place.latitude, place.longitude, NAMES, START.date(), last, NOW)


def check(context: Context, document: Any, *subjects: str) -> list[Checked]:
    content = document if isinstance(document, bytes) else orjson.dumps(document)
    return open_meteo.check(request(context, *(subjects or ("SG",))), content, context)
