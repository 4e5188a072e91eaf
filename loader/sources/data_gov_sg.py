"""data.gov.sg: hourly PM2.5 of Singapore's five regions, one call per Singapore day (v2 of the real-time API).

-1, null and an absent region all mean that the station was offline; items come newest first and hours may be absent.
Values are back-filled later, and `updatedTimestamp` is rewritten even where they are not: it is no part of the hash.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from loader.body import Rejected, joined, kind, need, need_inside, need_numbers, parse_json, read_grid, rejected
from loader.source import Checked, Context, Endpoint, Host, Planned, Request
from warehouse.catalog import Catalog
from warehouse.errors import BadInput
from warehouse.settings import Settings

NAME = "data_gov_sg"
STABLE: dict[str, str] = {}
REGIONS = ("north", "south", "east", "west", "central")
OFFSET = timedelta(hours=8)  # Singapore, which has no summer time
HOST = "api-open.data.gov.sg"


def hosts(settings: Settings) -> list[str]:
    return [HOST]


def endpoints(catalog: Catalog) -> list[Endpoint]:
    """One subject, `sg`: a body has all regions."""
    series = catalog.series_of(NAME)
    for spec in series:
        if spec.subject not in REGIONS:
            raise BadInput(f"series.csv: {NAME} has no region {spec.subject!r}; it has {', '.join(REGIONS)}")
    return [Endpoint(NAME, "pm25", ("sg",), max_days=1, repull_days=2, day_offset=OFFSET)] if series else []


def requests(endpoint: Endpoint, planned: Sequence[Planned], context: Context) -> list[Request]:
    """One call a day."""
    key = context.settings.data_gov_sg_api_key
    host = Host(
        HOST,
        bucket=NAME,
        limits=((12.0 if key else 6.0, 10.0),),
        concurrency=4,
        wait_429=10.0,
        empty_words=("REAL_TIME_API_DATA_NOT_FOUND",),
    )
    headers = (("x-api-key", key.get_secret_value()),) if key else ()
    return [
        Request(
            endpoint, (item,), host, "/v2/real-time/api/pm25",
            (("date", f"{item.window.start + OFFSET:%Y-%m-%d}"),), secret_headers=headers,
        )
        for item in planned
    ]  # fmt: skip


def check(request: Request, content: bytes, context: Context) -> list[Checked]:
    planned, document = request.planned[0], None
    try:
        document = parse_json(content)
        if not isinstance(document, dict):
            raise Rejected(f"{kind(document)}; expected an object")
        if document.get("data") is None and "items" not in document:
            said = f"code {document.get('code')}, {document.get('errorMsg') or document.get('name')!r:.120}"
            raise Rejected(f"'data' is null ({said}); expected items")
        items = need(need(document, "data", dict, "the body"), "items", list, "'data'")
        stamps, columns, extra = _readings(items)
        need_inside(stamps, planned.window, f"the Singapore day {planned.window.start + OFFSET:%Y-%m-%d}")
        grid = read_grid(stamps, {region: [_known(v) for v in values] for region, values in columns.items()})
    except Rejected as no:
        return [rejected(planned, content, str(no), document)]
    absent = [region for region, values in columns.items() if not any(_known(v) is not None for v in values)]
    notes = [f"region {region} was not asked for" for region in extra]
    notes += [f"region {region} has no value" for region in absent if items]
    notes += [note for note in grid.notes if note != "stamps out of order"]  # newest first is how they come
    return [
        Checked(
            planned, "ok", document, content.decode(), _digest(document), joined(notes),
            present=grid.present, n_values=grid.n_values,
        )
    ]  # fmt: skip


def _readings(items: list[Any]) -> tuple[list[datetime], dict[str, list[Any]], list[str]]:
    """Stamps in UTC, a column per region (null where its key is absent), and regions that nobody asked for."""
    stamps, extra = [], set()
    columns: dict[str, list[Any]] = {region: [] for region in REGIONS}
    for n, item in enumerate(items):
        readings = need(need(item, "readings", dict, f"item {n}"), "pm25_one_hourly", dict, f"'readings' of item {n}")
        stamps.append(_stamp(need(item, "timestamp", str, f"item {n}")))
        extra |= readings.keys() - columns.keys()
        for region, column in columns.items():
            column.append(readings.get(region))
    for region, column in columns.items():
        need_numbers(region, column, len(stamps))
    return stamps, columns, sorted(extra)


def _stamp(text: str) -> datetime:
    try:
        stamp = datetime.fromisoformat(text)
    except ValueError:
        raise Rejected(f"the stamp {text!r:.40}; expected ISO with an offset") from None
    if stamp.tzinfo is None or stamp.minute or stamp.second:
        raise Rejected(
            f"the stamp {text!r:.40}; expected a full hour with its offset, such as 2026-01-31T00:00:00+08:00"
        )
    try:
        return stamp.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        raise Rejected(f"the stamp {text!r:.40} lies before or after time itself") from None


def _known(value: float | None) -> float | None:
    """-1 is how an offline station is written; any other negative is a reading, which staging judges."""
    return None if value == -1 else value


def _digest(document: dict[str, Any]) -> dict[str, Any]:
    items = [{k: v for k, v in item.items() if k != "updatedTimestamp"} for item in document["data"]["items"]]
    return {"code": document.get("code"), "items": items}
