"""What a script asks for: a city and a year a call, a day of Singapore a call. Bodies as they come."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from http import HTTPStatus
from typing import Any

import requests

from bench.contender import Job

WEATHER = ("temperature_2m", "relative_humidity_2m", "cloud_cover", "wind_speed_10m")


def weather(job: Job) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, body) for every place and calendar year of the range."""
    first, last = (date.fromisoformat(text) for text in job["weather_days"])
    with requests.Session() as session:
        for place in job["places"]:
            for year in range(first.year, last.year + 1):
                params = {
                    "latitude": place["latitude"], "longitude": place["longitude"], "hourly": ",".join(WEATHER),
                    "timezone": "GMT", "start_date": max(first, date(year, 1, 1)).isoformat(),
                    "end_date": min(last, date(year, 12, 31)).isoformat(),
                }  # fmt: skip
                url = f"{job['url']}/archive-api.open-meteo.com/v1/archive"
                yield place["place_id"], _body(session.get(url, params=params, timeout=120))


def pm25(job: Job) -> Iterator[dict[str, Any]]:
    """The body of every day of the range that has one."""
    first, last = (date.fromisoformat(text) for text in job["pm25_days"])
    with requests.Session() as session:
        for n in range((last - first).days + 1):
            day = first + timedelta(days=n)
            params = {"date": day.isoformat()}
            url = f"{job['url']}/api-open.data.gov.sg/v2/real-time/api/pm25"
            response = session.get(url, params=params, timeout=120)
            if response.status_code != HTTPStatus.NOT_FOUND:
                yield _body(response)


def _body(response: requests.Response) -> dict[str, Any]:
    response.raise_for_status()
    body: dict[str, Any] = response.json()
    return body
