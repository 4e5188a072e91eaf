"""A tiny upstream on loopback: right answers for every host of the default catalogue, and any wrong one on demand."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SINGAPORE = timedelta(hours=8)
REGIONS = ("north", "south", "east", "west", "central")


@dataclass(frozen=True)
class Reply:
    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drip: float = 0.0  # seconds before each byte
    reset: bool = False  # close without an answer


@dataclass
class Upstream:
    """`faults`: (substring of host+path?query, reply, how often). `seen`: what was asked for, in order."""

    now: datetime
    url: str = ""
    archive_lag: timedelta = timedelta(0)
    faults: list[list[Any]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    change: Callable[[str, Any], Any] = lambda target, document: document

    def fault(self, match: str, reply: Reply, times: int = 1) -> None:
        self.faults.append([match, reply, times])

    def answer(self, target: str) -> Reply:
        for rule in self.faults:
            if rule[0] in target and rule[2] > 0:
                rule[2] -= 1
                reply: Reply = rule[1]
                return reply
        url = urlsplit(target)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        host = url.path.split("/")[1]
        makers = {"api-open.data.gov.sg": self.pm25, "api.energy-charts.info": self.power}
        document = makers.get(host, lambda q: self.hourly(host, q))(query)
        if document is None:
            missing = {"code": 17, "name": "REAL_TIME_API_DATA_NOT_FOUND", "data": None, "errorMsg": "Data not found"}
            return Reply(orjson.dumps(missing), 404)
        return Reply(orjson.dumps(self.change(target, document)))

    def hourly(self, host: str, query: dict[str, str]) -> Any:
        if "past_days" in query:
            start = self.now.date() - int(query["past_days"]) * DAY
            end = self.now.date() + (int(query["forecast_days"]) - 1) * DAY
        else:
            start, end = date.fromisoformat(query["start_date"]), date.fromisoformat(query["end_date"])
        known = self.now - (self.archive_lag if host.startswith("archive") else timedelta(0))
        if host in ("api.open-meteo.com", "previous-runs-api.open-meteo.com"):
            known = datetime.max  # forecasts have values for hours to come
        places = zip(query["latitude"].split(","), query["longitude"].split(","), strict=True)
        made = [hourly_body(float(a), float(b), query["hourly"].split(","), start, end, known) for a, b in places]
        for n, element in enumerate(made[1:], 1):
            element["location_id"] = n
        return made[0] if len(made) == 1 else made

    def pm25(self, query: dict[str, str]) -> Any:
        return pm25_body(date.fromisoformat(query["date"]), self.now)

    def power(self, query: dict[str, str]) -> Any:
        start, end = (datetime.fromisoformat(query[key]).timestamp() for key in ("start", "end"))
        return power_body(int(start), int(end), self.now)


UNITS = {
    "temperature_2m": "°C", "relative_humidity_2m": "%", "cloud_cover": "%", "wind_speed_10m": "km/h",
    "pm2_5": "μg/m³", "nitrogen_dioxide": "μg/m³",
}  # fmt: skip


def hourly_body(
    latitude: float, longitude: float, names: list[str], start: date, end: date, known: datetime
) -> dict[str, Any]:
    """An Open-Meteo element of whole days start..end; hours from `known` on are null."""
    first = datetime.combine(start, datetime.min.time())
    stamps = [first + n * HOUR for n in range(24 * ((end - start).days + 1))]
    values = {
        name: [round(15 + 5 * math.sin(n / 4) + k, 1) if stamp < known else None for n, stamp in enumerate(stamps)]
        for k, name in enumerate(names)
    }
    return {
        "latitude": round(latitude, 1), "longitude": round(longitude, 1), "generationtime_ms": time.monotonic(),
        "utc_offset_seconds": 0, "timezone": "GMT", "timezone_abbreviation": "GMT", "elevation": 20.0,
        "hourly_units": {"time": "iso8601"} | {name: UNITS[name.partition("_previous")[0]] for name in names},
        "hourly": {"time": [f"{stamp:%Y-%m-%dT%H:%M}" for stamp in stamps]} | values,
    }  # fmt: skip


def pm25_body(day: date, now: datetime) -> dict[str, Any] | None:
    """A Singapore day, newest hour first; None where nothing of it is there yet."""
    start = datetime.combine(day, datetime.min.time()) - SINGAPORE
    stamps = [start + n * HOUR for n in range(24) if start + n * HOUR < now]
    items = [
        {
            "date": f"{day}",
            "updatedTimestamp": f"{now + SINGAPORE:%Y-%m-%dT%H:%M:%S}+08:00",
            "timestamp": f"{stamp + SINGAPORE:%Y-%m-%dT%H:%M:%S}+08:00",
            "readings": {"pm25_one_hourly": {region: 10 + stamp.hour % 7 + k for k, region in enumerate(REGIONS)}},
        }
        for stamp in reversed(stamps)
    ]
    return {"code": 0, "data": {"regionMetadata": [], "items": items}, "errorMsg": ""} if items else None


def power_body(start: int, end: int, now: datetime, step: int = 900) -> dict[str, Any]:
    """Generation from start to end (unix seconds, both included); later than now is null."""
    seconds = list(range(start, end + 1, step))
    limit = now.replace(tzinfo=UTC).timestamp()
    rows = {"Fossil gas": 5000.0, "Solar": 300.0, "Wind onshore": 900.5, "Load": 9000.0}
    types = [{"name": n, "data": [v + s % 97 if s < limit else None for s in seconds]} for n, v in rows.items()]
    return {"unix_seconds": seconds, "production_types": types, "deprecated": False}


@contextmanager
def serving(now: datetime) -> Iterator[Upstream]:
    upstream = Upstream(now)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            upstream.seen.append(self.path.lstrip("/"))
            upstream.headers.append(dict(self.headers))
            reply = upstream.answer(self.path)
            if reply.reset:
                self.close_connection = True
                return
            self.send_response_only(reply.status)
            for key, value in ({"Content-Length": str(len(reply.body))} | reply.headers).items():
                self.send_header(key, value)
            self.end_headers()
            try:
                for n in range(len(reply.body) if reply.drip else 0):
                    self.wfile.write(reply.body[n : n + 1])
                    self.wfile.flush()
                    time.sleep(reply.drip)
                self.wfile.write(b"" if reply.drip else reply.body)
            except OSError:
                self.close_connection = True  # the client hung up on a slow or huge answer

        def log_message(self, format: str, *args: object) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    upstream.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield upstream
    finally:
        server.shutdown()
        server.server_close()
