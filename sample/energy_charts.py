"""public_power of energy-charts: MW by production type, with the rows that are not generation among them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from sample.answer import Answer, Refused, json_answer, text_answer
from sample.backend import Backend
from sample.clock import epoch
from sample.countries import COUNTRIES, KNOWN
from sample.limits import SlidingWindow
from sample.noise import Floats

RENEWABLE = (
    "Hydro Run-of-River", "Hydro water reservoir", "Biomass", "Geothermal", "Wind offshore", "Wind onshore", "Solar",
)  # fmt: skip
NOT_GENERATION = ("Hydro pumped storage consumption", "Cross border electricity trading", "Load")


class Pace:
    """30 calls in a minute; beyond that 429 with Retry-After. The host publishes no figure: this one is a guess."""

    def __init__(self) -> None:
        self.window = SlidingWindow(30, 60)

    def exceeded(self) -> Answer | None:
        wait = self.window.wait()
        return text_answer("Too Many Requests", 429, headers={"Retry-After": str(int(wait) + 1)}) if wait > 0 else None


def _refuse(parameter: str, value: str, message: str) -> Refused:
    detail = {"type": "value_error", "loc": ["query", parameter], "msg": message, "input": value}
    return Refused(json_answer({"detail": [detail]}, 422))


def _seconds(parameter: str, text: str, zone: ZoneInfo, *, last: bool) -> int:
    """Unix seconds, a local day (from its first or up to its last minute), or ISO 8601 with or without an offset."""
    if text.isdigit() and len(text) >= 9:
        return int(text)
    try:
        if len(text) == 10:
            day = date.fromisoformat(text) + timedelta(days=1 if last else 0)
            moment = datetime(day.year, day.month, day.day, tzinfo=zone)
            return int(moment.timestamp()) - (60 if last else 0)
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except (ValueError, OverflowError):
        raise _refuse(parameter, text, "Value error, invalid timestamp format") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp())


def _shares(rows: dict[str, Floats]) -> dict[str, Floats]:
    """Residual load and the two percentages, from the other rows."""
    made = sum((np.nan_to_num(v) for k, v in rows.items() if k not in NOT_GENERATION), np.zeros(1))
    green = sum((np.nan_to_num(rows[k]) for k in RENEWABLE if k in rows), np.zeros(1))
    variable = sum((np.nan_to_num(rows[k]) for k in RENEWABLE[4:] if k in rows), np.zeros(1))
    known = np.where(made > 0, made, np.nan)
    return {
        "Residual load": rows["Load"] - variable,
        "Renewable share of generation": 100 * green / known,
        "Renewable share of load": 100 * np.where(made > 0, green, np.nan) / rows["Load"],
    }


def answer(params: Mapping[str, str], now: datetime, backend: Backend) -> Answer:
    """Raises Refused with a 422 for a parameter that cannot be read."""
    country = params.get("country", "de").lower()
    if country not in KNOWN:
        raise _refuse("country", country, "Value error, country is not known")
    zone = ZoneInfo(COUNTRIES[country].zone if country in COUNTRIES else "Europe/Berlin")
    today = (now.replace(tzinfo=ZoneInfo("UTC"))).astimezone(zone).date().isoformat()
    start_text = params.get("start") or today
    start = _seconds("start", start_text, zone, last=False)
    end = _seconds("end", params.get("end") or start_text, zone, last=True)
    if end < start:
        raise _refuse("end", params.get("end", ""), "Value error, end is before start")
    power = backend.power(country, start, end + 1, now) if start <= epoch(now) else None
    if power is None:
        return text_answer("no content available")
    rows = power.rows | _shares(power.rows)
    kinds: list[dict[str, Any]] = [{"name": name, "data": np.round(values, 1) + 0.0} for name, values in rows.items()]
    body = {"unix_seconds": power.seconds.astype(np.int64), "production_types": kinds, "deprecated": False}
    return json_answer(body)
