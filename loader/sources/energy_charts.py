"""energy-charts: electricity generation of a country by production type, in 15 minutes or hours.

The carbon intensity is computed from it in dbt. A body does not say its country, so a body for another country
cannot be told; everything else is checked. https://api.energy-charts.info
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from loader.body import (
    Rejected,
    full_hours,
    joined,
    kind,
    need,
    need_inside,
    need_numbers,
    parse_json,
    read_grid,
    rejected,
)
from loader.source import Checked, Context, Endpoint, Host, Planned, Request
from warehouse.catalog import Catalog
from warehouse.settings import Settings

NAME = "energy_charts"
STABLE = {"production types": "$.production_types[*].name"}
STEPS = (900, 1800, 3600)
EPOCH = datetime(1970, 1, 1)
HOST = "api.energy-charts.info"


def hosts(settings: Settings) -> list[str]:
    return [HOST]


def endpoints(catalog: Catalog) -> list[Endpoint]:
    """One subject per country."""
    countries = tuple(dict.fromkeys(spec.subject for spec in catalog.series_of(NAME)))
    return [Endpoint(NAME, "public_power", countries, max_days=92, repull_days=7)] if countries else []


def requests(endpoint: Endpoint, planned: Sequence[Planned], context: Context) -> list[Request]:
    """A quarter of a year per call. The moments are given in UTC: a bare date would be a local day of the country."""
    host = Host(
        HOST,
        bucket=NAME,
        limits=((20.0, 60.0),),  # none is published; 429s became frequent in October 2025
        wait_429=35.0,
        empty_words=("no content available",),
    )
    return [
        Request(
            endpoint, (item,), host, "/public_power",
            (
                ("country", item.subject),
                ("start", f"{item.window.start:%Y-%m-%dT%H:%MZ}"),
                ("end", f"{item.window.end - timedelta(minutes=15):%Y-%m-%dT%H:%MZ}"),
            ),
        )
        for item in planned
    ]  # fmt: skip


def check(request: Request, content: bytes, context: Context) -> list[Checked]:
    planned, document = request.planned[0], None
    try:
        document = parse_json(content)
        if not isinstance(document, dict):
            raise Rejected(f"{kind(document)}; expected an object")
        seconds = need(document, "unix_seconds", list, "the body")
        columns = _columns(need(document, "production_types", list, "the body"), len(seconds))
        generation = {f.production_type for f in context.catalog.emission_factors if f.is_generation}
        if not generation & columns.keys():
            raise Rejected(f"production types {', '.join(columns) or 'none'}; expected some that generate")
        stamps = _stamps(seconds)
        need_inside(stamps, planned.window, "the days asked for")
        grid = read_grid(stamps, {name: values for name, values in columns.items() if name in generation})
    except Rejected as no:
        return [rejected(planned, content, str(no), document)]
    known = {f.production_type for f in context.catalog.emission_factors}
    before = context.previous.get(planned.subject, {}).get("production types") or []
    gone = [name for name in before if name in generation and name not in columns]
    notes = [f"production type {name!r} has no emission factor" for name in columns if name not in known]
    notes += ["the endpoint says that it is deprecated"] if document.get("deprecated") else []
    return [
        Checked(
            planned, "ok", document, content.decode(), document, joined([*notes, *grid.notes]),
            incomplete=f"missing production type {', '.join(gone)}" if gone else None,
            present=full_hours(stamps, grid.present), n_values=grid.n_values,
        )
    ]  # fmt: skip


def _columns(types: list[Any], length: int) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {}
    for n, item in enumerate(types):
        name = need(item, "name", str, f"production type {n}")
        values = need(item, "data", list, f"production type {name!r:.60}")
        if name in columns:
            raise Rejected(f"production type {name!r:.60} twice; expected each once")
        need_numbers(name, values, length)
        columns[name] = values
    return columns


def _stamps(seconds: list[Any]) -> list[datetime]:
    """Stamps in UTC. Raises Rejected unless all lie on one regular grid."""
    if any(type(second) is not int for second in seconds):
        odd = next(second for second in seconds if type(second) is not int)
        raise Rejected(f"{odd!r:.40} among 'unix_seconds'; expected whole seconds")
    gaps = {b - a for a, b in pairwise(sorted(set(seconds)))}
    step = min(gaps, default=3600)
    odd = next((gap for gap in sorted(gaps) if gap % step), None)
    if step not in STEPS or odd or any(second % step for second in seconds):
        raise Rejected(f"steps of {step} s{f' and {odd} s' if odd else ''}; expected a grid of 15, 30 or 60 minutes")
    try:
        return [EPOCH + timedelta(seconds=second) for second in seconds]
    except OverflowError:
        raise Rejected(f"{max(seconds)} among 'unix_seconds'; expected seconds since 1970") from None
