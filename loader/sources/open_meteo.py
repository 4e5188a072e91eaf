"""Open-Meteo: weather (archive, and the forecast model for hours the archive has not got yet), air quality, and
weather forecasts as they were issued (previous_runs for the past, the forecast's hours to come for today).

GMT and ISO stamps are asked for; a body in another zone is read by its own `utc_offset_seconds`. Hours later than
now are forecasts, not observations: they are kept in the body, and the ledger does not count them.
https://open-meteo.com/en/docs/historical-weather-api, https://open-meteo.com/en/docs/previous-runs-api
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import loader.body as body
from loader.body import Rejected, need, rejected, rejected_all
from loader.plan import by_window, local_day
from loader.source import DAY, Checked, Context, Endpoint, Host, Planned, Request, Window
from warehouse.catalog import Catalog
from warehouse.errors import BadInput
from warehouse.settings import Settings

NAME = "open_meteo"
STABLE = {"latitude": "$.latitude", "longitude": "$.longitude"}
VOLATILE = ("generationtime_ms",)
FARTHEST_DEGREES = 0.5
MOST_OFFSET_SECONDS = 14 * 3600  # the easternmost zone on earth
ARCHIVE_LAG_DAYS = 5  # what the archive may not have yet comes from the forecast endpoint
FORECAST_DAYS = 3  # today and two more: 48 hours from any hour of today
ISSUED_DAYS_BEFORE = (1, 2, 3)  # a run's forecasts reach 48 hours, and the newest at hand may be a day old
LOCATION_DAYS = 3660  # per call: about 4 MB of JSON and a tenth of a minute's allowance

Variables = dict[str, tuple[str, tuple[str, ...]]]  # ours -> theirs, accepted units
_WEATHER: Variables = {
    "temperature_c": ("temperature_2m", ("°C",)),
    "relative_humidity_pct": ("relative_humidity_2m", ("%",)),
    "cloud_cover_pct": ("cloud_cover", ("%",)),
    "wind_speed_kmh": ("wind_speed_10m", ("km/h",)),
}
_AIR: Variables = {  # the API writes the Greek letter, many others the micro sign
    "pm2_5_ugm3": ("pm2_5", ("μg/m³", "µg/m³")),
    "nitrogen_dioxide_ugm3": ("nitrogen_dioxide", ("μg/m³", "µg/m³")),
}
_ISSUED: Variables = {
    f"{ours}_previous_day{n}": (f"{theirs}_previous_day{n}", units)
    for ours, (theirs, units) in _WEATHER.items()
    for n in ISSUED_DAYS_BEFORE
}
_SERVED: dict[str, tuple[str, str, Variables]] = {
    "archive": ("archive-api.open-meteo.com", "/v1/archive", _WEATHER),
    "forecast": ("api.open-meteo.com", "/v1/forecast", _WEATHER),
    "air_quality": ("air-quality-api.open-meteo.com", "/v1/air-quality", _AIR),
    "previous_runs": ("previous-runs-api.open-meteo.com", "/v1/forecast", _ISSUED),
}
_NO_DATA = ("No data is available",)
_FREE = ((600.0, 60.0), (5_000.0, 3600.0), (10_000.0, 86_400.0), (300_000.0, 2_592_000.0))


def hosts(settings: Settings) -> list[str]:
    return [_named(host, settings) for host, _, _ in _SERVED.values()]


def _named(host: str, settings: Settings) -> str:
    return f"customer-{host}" if settings.open_meteo_api_key and settings.upstream == "live" else host


def endpoints(catalog: Catalog) -> list[Endpoint]:
    """Archive for places with a weather variable, air_quality for places with one of the air.

    Where there is weather at all, forecast and previous_runs serve every place of the catalogue: wind and temperature
    to come tell of the air and of the grid, too.
    """
    wanted: dict[str, list[str]] = {"archive": [], "air_quality": []}
    for spec in catalog.series_of(NAME):
        if spec.subject != spec.place_id:
            raise BadInput(f"series.csv: subject {spec.subject!r} of {NAME} must be its place_id ({spec.place_id})")
        for variable in catalog.variables_of(spec.dataset):
            name = next((n for n in wanted if variable.variable in _SERVED[n][2]), None)
            if name is None:
                known = ", ".join([*_WEATHER, *_AIR])
                raise BadInput(f"{spec.dataset}.{variable.variable} cannot come from {NAME}; it serves {known}")
            if spec.subject not in wanted[name]:
                wanted[name].append(spec.subject)
    weather, air = tuple(wanted["archive"]), tuple(wanted["air_quality"])
    others = (spec.place_id for spec in catalog.series if weather)
    every = tuple(dict.fromkeys([*weather, *others]))
    made = [
        Endpoint(NAME, "archive", weather, repull_days=7, earliest=datetime(1940, 1, 1)),
        Endpoint(NAME, "air_quality", air, repull_days=2, earliest=datetime(2013, 1, 1)),
        Endpoint(NAME, "forecast", every, reach_days=ARCHIVE_LAG_DAYS, to_now=True),
        Endpoint(NAME, "previous_runs", every, earliest=datetime(2024, 1, 1)),
    ]
    return [endpoint for endpoint in made if endpoint.subjects]


def requests(endpoint: Endpoint, planned: Sequence[Planned], context: Context) -> list[Request]:
    """Many locations a call, as many as keep it small."""
    made = []
    for group in by_window(planned, most=1000):
        step = max(1, LOCATION_DAYS // group[0].window.n_days)
        for start in range(0, len(group), step):
            made.append(_request(endpoint, group[start : start + step], context))
    return made


def _request(endpoint: Endpoint, group: tuple[Planned, ...], context: Context) -> Request:
    host, path, variables = _SERVED[endpoint.name]
    window, places = group[0].window, [context.catalog.places[p.subject] for p in group]
    params = [
        ("latitude", ",".join(f"{place.latitude:g}" for place in places)),
        ("longitude", ",".join(f"{place.longitude:g}" for place in places)),
        ("hourly", ",".join(name for name, _ in variables.values())),
        ("timezone", "GMT"),
        ("timeformat", "iso8601"),
    ]
    n_days = window.n_days
    if endpoint.name == "forecast":
        past = (local_day(context.now, endpoint) - window.start) // DAY
        params += [("past_days", str(past)), ("forecast_days", str(FORECAST_DAYS))]
        n_days = past + FORECAST_DAYS
    else:
        params += [("start_date", f"{window.start:%Y-%m-%d}"), ("end_date", f"{window.end - DAY:%Y-%m-%d}")]
    key = context.settings.open_meteo_api_key
    return Request(
        endpoint, group,
        host=Host(
            _named(host, context.settings),
            bucket=NAME,
            limits=() if key else _FREE,
            give_up_words=("Hourly", "Daily", "Monthly"),
            busy_words=("concurrent",),
            empty_words=_NO_DATA,
        ),
        path=path,
        params=tuple(params),
        weight=call_weight(len(variables), n_days, len(group)),
        secret_params=(("apikey", key.get_secret_value()),) if key else (),
    )  # fmt: skip


def call_weight(n_variables: int, n_days: int, n_locations: int) -> float:
    """What a call counts against the limits, as the server's own source computes it."""
    tenths = n_variables / 10
    return n_locations * max(1.0, tenths, tenths * n_days / 14)


def check(request: Request, content: bytes, context: Context) -> list[Checked]:
    """A list is split into one body per location, in the order asked."""
    planned, document = request.planned, None
    try:
        document = body.parse_json(content)
        if isinstance(document, dict) and document.get("error"):
            raise Rejected(f"an error with status 200: {str(document.get('reason'))[:200]!r}; expected hourly data")
        if len(planned) == 1 and not isinstance(document, dict):
            raise Rejected(f"{_sized(document)}; expected an object for one location")
        if len(planned) > 1 and (not isinstance(document, list) or len(document) != len(planned)):
            raise Rejected(f"{_sized(document)}; expected a list of {len(planned)} for as many locations")
    except Rejected as no:
        return rejected_all(planned, content, str(no), document)
    elements = document if isinstance(document, list) else [document]
    alone = content.decode() if len(planned) == 1 else None
    return [_check_one(request, p, e, alone, context) for p, e in zip(planned, elements, strict=True)]


def _sized(document: Any) -> str:
    return f"a list of {len(document)}" if isinstance(document, list) else "an object"


def _check_one(request: Request, planned: Planned, element: Any, text: str | None, context: Context) -> Checked:
    variables = _SERVED[request.endpoint.name][2]
    try:
        notes = _moved(element, planned, context)
        hourly = need(element, "hourly", dict, "the body")
        units = need(element, "hourly_units", dict, "the body")
        times = need(hourly, "time", list, "'hourly'")
        offset = need(element, "utc_offset_seconds", int, "the body")
        if abs(offset) > MOST_OFFSET_SECONDS:
            raise Rejected(f"'utc_offset_seconds' is {offset}; expected at most 14 hours")
        body.need_lists(hourly, len(times))
        asked = dict(variables.values())
        columns = {name: hourly[name] for name in asked if name in hourly}
        if not columns:
            raise Rejected(f"'hourly' has {', '.join(hourly)}; expected {', '.join(asked)}")
        for name, values in columns.items():
            if units.get(name) not in asked[name]:
                raise Rejected(f"'{name}' is in {units.get(name)!r}; expected {asked[name][0]!r}")
            body.need_numbers(name, values, len(times))
        stamps = body.hourly_stamps(times, offset)
        body.need_inside(stamps, _asked(request, planned), "the days asked for")
        grid = body.read_grid(stamps, columns)
    except Rejected as no:
        return rejected(planned, b"", str(no), element)
    missing = [name for name in asked if name not in columns]
    extra = [name for name in hourly if name not in asked and name != "time"]
    notes += [f"'{name}' was not asked for" for name in extra]
    notes += [f"offset of {offset} s although GMT was asked for"] if offset else []
    notes += [f"'{name}' has no value" for name, values in columns.items() if set(values) == {None}]
    return Checked(
        planned, "ok", element, text, _digest(element, stamps, context.now), body.joined([*notes, *grid.notes]),
        incomplete=f"missing variable {', '.join(missing)}" if missing else None,
        present=grid.present, n_values=grid.n_values,
    )  # fmt: skip


def _asked(request: Request, planned: Planned) -> Window:
    """The days a body may have: a forecast goes on beyond its window, which ends with today."""
    ahead = (FORECAST_DAYS - 1) * DAY if request.endpoint.name == "forecast" else 0 * DAY
    return Window(planned.window.start, planned.window.end + ahead)


def _moved(element: Any, planned: Planned, context: Context) -> list[str]:
    """Notes a grid point that moved since the last body. Raises Rejected where it is not near the place asked for."""
    place = context.catalog.places[planned.subject]
    point = []
    for name, asked in (("latitude", place.latitude), ("longitude", place.longitude)):
        value = element.get(name) if isinstance(element, dict) else None
        if not isinstance(value, int | float):
            raise Rejected(f"'{name}' is {value!r:.40}; expected a number near {asked:g}")
        point.append(float(value))
    shown = [round(value, 1) for value in point] if place.is_private else point  # a grid point lies near the place
    off = abs(point[1] - place.longitude) % 360
    if max(abs(point[0] - place.latitude), min(off, 360 - off)) > FARTHEST_DEGREES:
        where = f"{shown[0]:g}, {shown[1]:g}"
        raise Rejected(
            f"a body for {where}; expected one within {FARTHEST_DEGREES}° of {planned.subject} "
            f"({place.latitude:g}, {place.longitude:g})"
        )
    before = context.previous.get(planned.subject)
    if before and [before["latitude"], before["longitude"]] != point:
        if place.is_private:
            return ["grid point moved"]
        return [f"grid point moved from {before['latitude']}, {before['longitude']} to {point[0]:g}, {point[1]:g}"]
    return []


def _digest(element: dict[str, Any], stamps: list[datetime], now: datetime) -> dict[str, Any]:
    """Without the volatile fields, and without the hours to come: those are forecasts, new in every body."""
    n = bisect_right(stamps, now) if stamps == sorted(stamps) else len(stamps)
    kept = {key: value for key, value in element.items() if key not in VOLATILE}
    return kept | {"hourly": {name: values[:n] for name, values in element["hourly"].items()}}
