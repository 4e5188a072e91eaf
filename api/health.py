"""Whether it is up, how old what it serves is, and the same as figures for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from pydantic import BaseModel, Field

from api.clock import Clock
from api.formats import stamp
from api.lists import told
from api.problems import told_outside
from warehouse.errors import SkyduckError
from warehouse.reader import Publication, Reader, Row
from warehouse.settings import Settings

health = APIRouter()
OLD_HOURS = 36.0  # a daily run and half a day
_AGES = """
    select dataset, max(last_observed_at) as last_observed_at from marts.dim_series where is_target
    group by dataset order by dataset
"""
_FIGURES: dict[str, tuple[str, tuple[str, ...], str]] = {
    "skyduck_forecast_rows": (
        "Hours forecast in the publication, by the rung that answered",
        ("dataset", "rung"),
        "select dataset, rung, count(*) as value from marts.fct_current_forecasts group by all",
    ),
    "skyduck_alerts_raised": (
        "Alerts raised and not silenced",
        ("rule_id",),
        "select rule_id, count(*) filter (where is_alert and not is_silenced) as value "
        "from marts.fct_alerts group by all",
    ),
    "skyduck_alarms_open": (
        "Alarms of the pipeline that are open",
        ("severity",),
        "select severity, count(*) filter (where is_open) as value from marts.fct_alarms group by all",
    ),
    "skyduck_forecast_mae_ratio": (
        "Realised mean absolute error over the one promised by the backtest",
        ("dataset", "lead_to_h"),
        "select dataset, lead_to_h, ratio as value from marts.fct_realised_errors "
        "inner join marts.dim_champions using (dataset, model_version) where series_id = 'all' and ratio is not null",
    ),
    "skyduck_coverage_80": (
        "Share of truths within the 80 % interval",
        ("dataset", "lead_to_h"),
        "select dataset, lead_to_h, coverage_80 as value from marts.fct_realised_errors "
        "inner join marts.dim_champions using (dataset, model_version) "
        "where series_id = 'all' and coverage_80 is not null",
    ),
    "skyduck_series_drifting": (
        "Series whose newest data drifts, by what is compared",
        ("dataset", "kind"),
        "select dataset, kind, count(distinct series_id) filter (where is_drift) as value from marts.fct_drift "
        "where run_id = (select arg_max(run_id, (created_at, run_id)) from marts.fct_drift) group by all",
    ),
    "skyduck_hours_late": (
        "Hours that a source owes",
        ("source",),
        "select source, sum(n_hours_late) as value from marts.fct_loads group by all",
    ),
    "skyduck_allowance_used_ratio": (
        "Call weight used of what a source allows within so many seconds, at the end of the newest load",
        ("source", "seconds"),
        "with newest as (select unnest(from_json(detail -> 'allowances', "
        '\'[{"source": "varchar", "most": "double", "seconds": "bigint", "used": "double"}]\'), recursive := true) '
        "from (select detail from marts.fct_runs where step = 'load' order by as_of desc, started_at desc limit 1)) "
        "select source, seconds, used / most as value from newest",
    ),
    "skyduck_run_seconds": (
        "Duration of the newest run of a flow",
        ("flow",),
        "select flow, arg_max(seconds, started_at) as value from marts.fct_run_costs group by all",
    ),
    "skyduck_run_cost": (
        "Cost of the newest run of a flow, in the currency of prices.csv",
        ("flow", "currency"),
        "select flow, arg_max(currency, started_at) as currency, arg_max(cost, started_at) as value "
        "from marts.fct_run_costs group by flow",
    ),
}


class Age(BaseModel):
    dataset: str
    last_observed_at: datetime | None
    age_hours: float | None = Field(description="Hours since the newest value.")


class Health(BaseModel):
    """`ready`: forecasts can be served. `status`: ok, degraded (served, and something is wrong) or unavailable."""

    status: str
    live: bool
    ready: bool
    run_id: str | None
    published_at: datetime | None
    age_hours: float | None = Field(description="Hours since the publication.")
    data: list[Age]
    problems: list[str]


@health.get(
    "/health",
    summary="Live, ready, and how old the data is",
    response_class=Response,
    responses={200: {"model": Health}, 503: {"model": Health, "description": "Nothing can be served."}},
)
def look(request: Request) -> Response:
    found = state(request.app.state.reader, request.app.state.settings, request.app.state.clock())
    return Response(orjson.dumps(found), 200 if found["ready"] else 503, media_type="application/json")


@health.get("/", include_in_schema=False)
def index(request: Request) -> Response:
    """Where to go on, for who opens the address."""
    lists = sorted(path for path in request.app.openapi()["paths"] if path.startswith("/v1"))
    found = {"skyduck": request.app.version, "contract": "/openapi.json", "health": "/health", "lists": lists}
    return Response(orjson.dumps(found, option=orjson.OPT_INDENT_2), media_type="application/json")


@health.get("/health/live", summary="The process answers", status_code=204, response_class=Response)
def live() -> Response:
    return Response(status_code=204)


@health.get("/metrics", summary="Figures for Prometheus", response_class=Response,
            responses={200: {"content": {"text/plain": {}}}, **told(401, 429)})  # fmt: skip
def metrics(request: Request) -> Response:
    return Response(generate_latest(request.app.state.registry), media_type=CONTENT_TYPE_LATEST)


def state(reader: Reader, settings: Settings, now: datetime) -> Row:
    """As the class Health."""
    found: Row = {"status": "unavailable", "live": True, "ready": False, "run_id": None, "published_at": None}
    found |= {"age_hours": None, "data": [], "problems": []}
    try:
        with reader.publication() as publication:
            ages = publication.rows(_AGES) if publication.has("dim_series") else []
            problems = [reader.problem] if reader.problem else []
            problems += [] if publication.has("fct_current_forecasts") else ["the publication holds no forecasts"]
            hours = _hours(publication.published_at, now)
            problems += _missed(publication.daily_at, now)
            found |= {
                "ready": publication.has("fct_current_forecasts"),
                "run_id": publication.run_id,
                "published_at": stamp(publication.published_at),
                "age_hours": round(hours, 2),
                "data": [_age(row, now) for row in ages],
                "problems": problems,
            }
    except SkyduckError as error:
        found["problems"] = [told_outside(error, settings)]
    if found["ready"]:
        found["status"] = "degraded" if found["problems"] else "ok"
    return found


def _missed(daily_at: datetime | None, now: datetime) -> list[str]:
    """Whatever else may have published since: a training does, too, and forecasts nothing."""
    if daily_at is None:
        return ["no daily run has published yet (`skyduck watchdog`)"]
    hours = _hours(daily_at, now)
    if hours > OLD_HOURS:
        return [f"a daily run published {hours:.0f} hours ago: the next is missed (`skyduck watchdog`)"]
    return []


def _age(row: Row, now: datetime) -> Row:
    last = row["last_observed_at"]
    return {
        "dataset": row["dataset"],
        "last_observed_at": stamp(last) if last else None,
        "age_hours": round(_hours(last, now), 2) if last else None,
    }


def _hours(then: datetime, now: datetime) -> float:
    return (now - then).total_seconds() / 3600


class Figures(Collector):
    """What the publication says of itself, read when Prometheus asks; the marts once per publication."""

    def __init__(self, reader: Reader, settings: Settings, clock: Clock) -> None:
        self._reader, self._settings, self._clock = reader, settings, clock
        self._of, self._kept = "", list[Metric]()

    def describe(self) -> list[Metric]:
        return []  # nothing is read before it is asked for

    def collect(self) -> Iterator[Metric]:
        found = state(self._reader, self._settings, self._clock())
        yield GaugeMetricFamily("skyduck_ready", "Whether forecasts can be served", value=float(found["ready"]))
        if found["age_hours"] is None:
            return
        yield GaugeMetricFamily(
            "skyduck_publication_age_seconds", "Since the publication", value=3600 * found["age_hours"]
        )
        ages = GaugeMetricFamily("skyduck_data_age_seconds", "Since the newest value", labels=["dataset"])
        for row in found["data"]:
            if row["age_hours"] is not None:
                ages.add_metric([row["dataset"]], 3600 * row["age_hours"])
        yield ages
        with self._reader.publication() as publication:
            if publication.daily_at is not None:
                hours = _hours(publication.daily_at, self._clock())
                yield GaugeMetricFamily("skyduck_daily_age_seconds", "Since a daily run published", value=3600 * hours)
            if publication.name != self._of:
                self._kept = list(_figures(publication))
                self._of = publication.name
        yield from self._kept


def _figures(publication: Publication) -> Iterator[Metric]:
    for name, (text, labels, sql) in _FIGURES.items():
        family = GaugeMetricFamily(name, text, labels=list(labels))
        try:
            rows = publication.rows(sql)
        except SkyduckError:  # published by an older version
            continue
        for row in rows:
            if row["value"] is not None:
                family.add_metric([str(row[label]) for label in labels], float(row["value"]))
        yield family


class Requests:
    """Counts and times of requests, by route."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.total = Counter(
            "skyduck_http_requests_total", "Requests", ["method", "route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "skyduck_http_request_seconds", "Time to the last byte", ["route"], registry=registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 10),
        )  # fmt: skip
        self._children: dict[tuple[str, str, int], tuple[Any, Any]] = {}

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        key = (method, route, status)
        if (children := self._children.get(key)) is None:
            children = (self.total.labels(method, route, str(status)), self.seconds.labels(route))
            self._children[key] = children
        children[0].inc()
        children[1].observe(seconds)
