from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from loader.source import Checked, Context, Planned, Request, Window
from loader.sources import energy_charts
from tests.loader.conftest import NOW
from tests.loader.upstream import DAY, HOUR, power_body

START = datetime(2026, 11, 10)
WINDOW = Window(START, START + 2 * DAY)


def request(context: Context) -> Request:
    [endpoint] = energy_charts.endpoints(context.catalog)
    [made] = energy_charts.requests(endpoint, [Planned("it", WINDOW, "live")], context)
    return made


def good(step: int = 900) -> dict[str, Any]:
    start = int(START.replace(tzinfo=UTC).timestamp())
    return power_body(start, start + 2 * 86_400 - step, NOW, step)


def check(context: Context, document: Any) -> Checked:
    content = document if isinstance(document, bytes) else orjson.dumps(document)
    [found] = energy_charts.check(request(context), content, context)
    return found


def test_moments_are_asked_for_in_utc_because_a_bare_date_is_a_local_day(context: Context):
    assert dict(request(context).params) == {"country": "it", "start": "2026-11-10T00:00Z", "end": "2026-11-11T23:45Z"}


@pytest.mark.parametrize("step", [900, 1800, 3600])
def test_every_documented_step_gives_the_same_hours(context: Context, step: int):
    found = check(context, good(step))
    assert (found.status, len(found.present), found.reason) == ("ok", 48, None)


def test_a_body_that_changes_from_hours_to_quarters_has_all_its_hours(context: Context):
    hours, quarters = good(3600), good(900)
    mixed = {
        "unix_seconds": hours["unix_seconds"][:24] + quarters["unix_seconds"][96:],
        "production_types": [
            {"name": a["name"], "data": a["data"][:24] + b["data"][96:]}
            for a, b in zip(hours["production_types"], quarters["production_types"], strict=True)
        ],
    }
    assert len(check(context, mixed).present) == 48


def test_an_hour_with_one_quarter_to_come_is_not_present_yet(context: Context):
    body = good()
    for row in body["production_types"]:
        row["data"][-1] = None
    assert START + 47 * HOUR not in check(context, body).present


def test_an_hour_known_only_by_its_load_is_not_present(context: Context):
    body = good(3600)
    for row in body["production_types"]:
        if row["name"] != "Load":
            row["data"][5] = None
    assert START + 5 * HOUR not in check(context, body).present


Change = Callable[[dict[str, Any]], Any]
BAD: dict[str, tuple[Change, str]] = {
    "arrays of unequal length": (
        lambda b: b["production_types"][1]["data"].pop(),
        "'Solar' has 191 values for 192 stamps",
    ),
    "an irregular step": (
        lambda b: b["unix_seconds"].__setitem__(7, b["unix_seconds"][7] + 60),
        "expected a grid of 15",
    ),
    "a step of ten minutes": (
        lambda b: b.update(power_body(b["unix_seconds"][0], b["unix_seconds"][-1], NOW, 600)),
        "steps of 600 s",
    ),
    "stamps as text": (lambda b: b["unix_seconds"].__setitem__(3, "2026"), "'2026' among 'unix_seconds'"),
    "stamps in milliseconds": (
        lambda b: b.update(unix_seconds=[1000 * s for s in b["unix_seconds"]]),
        "steps of 900000 s",
    ),
    "a number as a string": (
        lambda b: b["production_types"][0]["data"].__setitem__(4, "17"),
        "value 4 of 'Fossil gas' is a string",
    ),
    "a type without a name": (lambda b: b["production_types"][0].pop("name"), "production type 0 has no 'name'"),
    "a type twice": (lambda b: b["production_types"].append(b["production_types"][0]), "'Fossil gas' twice"),
    "no generation at all": (
        lambda b: b.update(production_types=b["production_types"][3:]),
        "production types Load; expected",
    ),
    "no types": (lambda b: b.pop("production_types"), "has no 'production_types'"),
    "the shape of co2eq": (
        lambda b: b.update(production_types=None, co2eq=[1]),
        "'production_types' of the body is null",
    ),
    "another date": (
        lambda b: b.update(unix_seconds=[s - 86_400 * 30 for s in b["unix_seconds"]]),
        "expected the days asked for",
    ),
    "a stamp twice with different values": (
        lambda b: b["unix_seconds"].__setitem__(4, b["unix_seconds"][3]),
        "twice, with",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_body_that_cannot_be_trusted_is_rejected_with_what_was_seen(context: Context, name: str):
    change, expected = BAD[name]
    body = good()
    change(body)
    found = check(context, body)
    assert found.status == "rejected"
    assert expected in (found.reason or "")
    assert found.document == body


def test_a_list_instead_of_an_object_is_rejected(context: Context):
    assert "a list; expected an object" in (check(context, [good()]).reason or "")


def test_gaps_unordered_and_identical_duplicate_stamps_are_accepted(context: Context):
    body = good(3600)
    for values in [body["unix_seconds"], *(row["data"] for row in body["production_types"])]:
        del values[3:5]
        values[0], values[1] = values[1], values[0]
        values.append(values[7])
    found = check(context, body)
    assert (found.status, len(found.present)) == ("ok", 46)
    assert found.reason == "1 duplicate stamps with the same values; stamps out of order"


def test_a_production_type_that_the_seed_does_not_know_is_noted(context: Context):
    body = good()
    body["production_types"].append({"name": "Fusion", "data": [1.0] * 192})
    assert check(context, body).reason == "production type 'Fusion' has no emission factor"


def test_a_type_that_the_body_before_had_makes_the_window_incomplete(context: Context):
    before = replace(context, previous={"it": {"production types": ["Fossil gas", "Nuclear", "Load", "Solar"]}})
    assert check(before, good()).incomplete == "missing production type Nuclear"


def test_negative_power_is_kept(context: Context):
    body = good()
    body["production_types"][1]["data"] = [-5.0] * 192
    assert check(context, body).status == "ok"
