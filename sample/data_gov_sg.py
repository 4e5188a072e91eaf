"""PM2.5 of data.gov.sg, v2: one Singapore day by region, newest item first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from sample.answer import Answer, Refused, json_answer
from sample.backend import Backend
from sample.generated_regions import SINGAPORE
from sample.limits import SlidingWindow

BAD_DATE = (
    "Invalid date format. Date format must be YYYY-MM-DD (2024-06-01) or YYYY-MM-DDTHH:mm:ss (2024-06-01T08:30:00)."
)
TOO_MANY = "Rate limit exceeded. Please try again in 10 seconds and sign up for an API key for higher rate limits."
LIMITS = {"": 6, "dev": 12, "production": 30}  # calls in 10 seconds


def error(status: int, code: int, name: str, message: str) -> Answer:
    return json_answer({"code": code, "name": name, "data": None, "errorMsg": message}, status)


NOT_FOUND = error(404, 17, "REAL_TIME_API_DATA_NOT_FOUND", "Data not found")


class KeyLimits:
    """6 calls in 10 seconds without a key, 12 with one, 30 with one that starts with `prod`."""

    def __init__(self) -> None:
        self.windows: dict[str, SlidingWindow] = {}

    def exceeded(self, key: str) -> Answer | None:
        tier = "production" if key.startswith("prod") else "dev" if key else ""
        window = self.windows.setdefault(key, SlidingWindow(LIMITS[tier], 10))
        return error(429, 24, "TOO_MANY_REQUESTS", TOO_MANY) if window.wait() > 0 else None


def _moment(text: str) -> tuple[date, datetime | None]:
    """A whole day, or the moment up to which the newest item is wanted (Singapore time)."""
    try:
        if len(text) == 10:
            return date.fromisoformat(text), None
        if len(text) == 19:
            moment = datetime.fromisoformat(text)
            return moment.date(), moment
    except ValueError:
        raise Refused(error(400, 4, "ERROR_PARAMS", BAD_DATE)) from None
    raise Refused(error(400, 4, "ERROR_PARAMS", BAD_DATE))


def answer(params: Mapping[str, str], now: datetime, backend: Backend) -> Answer:
    """Raises Refused."""
    if params.get("paginationToken"):
        raise Refused(error(400, 4, "ERROR_PARAMS", "Invalid pagination token."))
    local = now + timedelta(hours=8)
    day, moment = _moment(params["date"]) if params.get("date") else (local.date(), local)
    data = backend.pm25(day, now)
    if data and moment:
        until = moment.replace(tzinfo=SINGAPORE)
        items = [item for item in data["items"] if datetime.fromisoformat(item["timestamp"]) <= until]
        data = data | {"items": items[:1]} if items else None
    if data is None:
        raise Refused(NOT_FOUND)
    return json_answer({"code": 0, "data": data, "errorMsg": ""})
