"""archive, forecast, air-quality and previous runs of Open-Meteo: one object per location, a list for several."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np

from sample.answer import Answer, json_answer
from sample.backend import Backend, Endpoint, Located
from sample.open_meteo_query import Query, parse, window
from sample.variables import canonical, catalogue, issued


@lru_cache(maxsize=64)
def _stamps(start: int, stop: int, offset: int, unix: bool) -> tuple[Any, ...]:
    """Stamps of the hours [start, stop): local at one fixed offset, or seconds since 1970 in UTC."""
    seconds = np.arange(start, stop, dtype=np.int64) * 3600
    if unix:
        return tuple(seconds.tolist())
    shown = seconds + offset // 3600 * 3600
    return tuple(np.datetime_as_string(shown.astype("datetime64[s]"), unit="m").tolist())


def _body(query: Query, index: int, located: Located, stamps: tuple[Any, ...], ms: float) -> dict[str, Any]:
    zone = query.zone
    body: dict[str, Any] = {
        "latitude": located.latitude,
        "longitude": located.longitude,
        "generationtime_ms": ms,
        "utc_offset_seconds": zone.offset,
        "timezone": zone.name,
        "timezone_abbreviation": zone.short,
        "elevation": located.elevation,
    }
    if index:
        body["location_id"] = index
    if query.names is not None:
        known = catalogue(air=query.endpoint == "air_quality")
        units = {name: known[issued(canonical(name))[0]].unit for name in query.names}
        body["hourly_units"] = {"time": query.timeformat} | units
        columns = {name: located.columns[canonical(name)] for name in query.names}
        body["hourly"] = {"time": stamps} | columns
    return body


def answer(endpoint: Endpoint, params: Mapping[str, str], now: datetime, backend: Backend) -> tuple[Answer, float]:
    """The answer and the weight of the call; raises Refused."""
    query = parse(endpoint, params, now)
    began = time.perf_counter()
    names = list(dict.fromkeys(canonical(name) for name in query.names or []))
    bodies = []
    for index, (place, days) in enumerate(zip(query.places, query.days, strict=True)):
        start, stop = window(days, query.zone)
        located = backend.hourly(endpoint, place, start, stop, names, now)
        stamps = _stamps(start, stop, query.zone.offset, query.timeformat == "unixtime")
        elapsed = (time.perf_counter() - began) * 1000
        bodies.append(_body(query, index, located, stamps, elapsed))
    return json_answer(bodies[0] if len(bodies) == 1 else bodies), query.weight
