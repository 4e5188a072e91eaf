from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from loader.source import Checked, Context, Planned, Window
from loader.sources import open_meteo
from tests.loader.open_meteo_bodies import NAMES, START, check, good, request
from tests.loader.upstream import DAY, HOUR, hourly_body
from warehouse.catalog import Catalog
from warehouse.errors import BadInput


def accepted(context: Context, document: Any) -> Checked:
    [found] = check(context, document)
    assert found.status == "ok", found.reason
    return found


def test_a_whole_body_counts_every_hour_and_value(context: Context):
    found = accepted(context, good(context))
    assert (len(found.present), found.n_values, found.reason, found.incomplete) == (48, 192, None, None)


Change = Callable[[dict[str, Any]], Any]


def test_a_grid_point_that_moved_a_little_is_accepted_and_noted(context: Context):
    before = replace(context, previous={"SG": {"latitude": 1.5, "longitude": 103.8}})
    found = open_meteo.check(request(context, "SG"), orjson.dumps(good(context)), before)[0]
    assert (found.status, found.reason) == ("ok", "grid point moved from 1.5, 103.8 to 1.4, 103.8")


def test_of_a_private_place_no_note_tells_its_grid_point(context: Context):
    hidden = replace(context.catalog.places["SG"], is_private=True)
    private = replace(context, catalog=replace(context.catalog, places=context.catalog.places | {"SG": hidden}))
    moved = replace(private, previous={"SG": {"latitude": 1.5, "longitude": 103.8}})
    [found] = check(moved, good(context))
    assert (found.status, found.reason) == ("ok", "grid point moved")
    far = good(context) | {"latitude": 51.4921, "longitude": -0.1321}
    [found] = check(private, far)
    assert "a body for 51.5, -0.1; expected one within" in (found.reason or "")
    same = replace(context, previous={"SG": {"latitude": 1.4, "longitude": 103.8}})
    assert open_meteo.check(request(context, "SG"), orjson.dumps(good(context)), same)[0].reason is None


def test_a_place_beside_the_date_line_is_not_taken_for_another(context: Context):
    places = context.catalog.places | {"SG": replace(context.catalog.places["SG"], latitude=-17, longitude=179.9)}
    moved = replace(context, catalog=replace(context.catalog, places=places))
    body = good(context) | {"latitude": -17.0, "longitude": -179.9}
    assert open_meteo.check(request(moved, "SG"), orjson.dumps(body), moved)[0].status == "ok"


def test_a_list_is_split_into_one_body_per_location_and_one_bad_element_spares_the_others(context: Context):
    documents = [good(context, s) for s in ("SG", "LON", "ROM")]
    documents[1]["hourly_units"]["temperature_2m"] = "K"
    found = check(context, documents, "SG", "LON", "ROM")
    assert [(c.planned.subject, c.status) for c in found] == [("SG", "ok"), ("LON", "rejected"), ("ROM", "ok")]
    assert found[2].document["latitude"] == 41.9


def test_elements_in_another_order_are_rejected_rather_than_swapped(context: Context):
    found = check(context, [good(context, "LON"), good(context, "SG")], "SG", "LON")
    assert [c.status for c in found] == ["rejected", "rejected"]


def test_an_object_instead_of_a_list_is_kept_once_and_every_place_is_told(context: Context):
    found = check(context, good(context), "SG", "LON")
    assert "an object; expected a list of 2" in (found[0].reason or "")
    assert [c.document is not None for c in found] == [True, False]
    assert "kept with SG" in (found[1].reason or "")


def test_the_hash_ignores_generation_time_and_hours_to_come(context: Context):
    window_to_come = copy.deepcopy(good(context))
    early = replace(context, now=START + 30 * HOUR)
    window_to_come["generationtime_ms"] = 99
    window_to_come["hourly"]["temperature_2m"][40] = -1.0
    first, second = (
        open_meteo.check(request(context, "SG"), orjson.dumps(b), early)[0].digest
        for b in (good(context), window_to_come)
    )
    assert first == second
    window_to_come["hourly"]["temperature_2m"][30] = -1.0
    assert open_meteo.check(request(context, "SG"), orjson.dumps(window_to_come), early)[0].digest != first


def test_calls_are_cut_so_that_no_body_is_large_and_every_window_is_asked_once(context: Context):
    endpoint = open_meteo.endpoints(context.catalog)[0]
    planned = [Planned(s, Window(START - 366 * DAY, START), "live") for s in endpoint.subjects * 5]
    made = open_meteo.requests(endpoint, planned, context)
    assert [p for r in made for p in r.planned] == planned
    assert max(len(r.planned) * r.window.n_days for r in made) <= open_meteo.LOCATION_DAYS
    assert max(r.weight for r in made) < 600


def test_archive_asks_by_dates_in_gmt_and_forecast_by_past_days(context: Context):
    archive = dict(request(context, "SG", "LON").params)
    assert (archive["start_date"], archive["end_date"], archive["timezone"]) == ("2026-11-01", "2026-11-02", "GMT")
    assert archive["latitude"] == "1.3521,51.5074"
    made = request(context, "SG", name="forecast", start=datetime(2026, 11, 17), days=4)
    assert dict(made.params)["past_days"] == "3"
    assert dict(made.params)["forecast_days"] == "3"


def test_a_forecast_may_go_on_for_two_days_after_today_and_no_longer(context: Context):
    place = context.catalog.places["SG"]
    asked = request(context, "SG", name="forecast", start=datetime(2026, 11, 20), days=1)
    for last, status in ((date(2026, 11, 22), "ok"), (date(2026, 11, 24), "rejected")):
        body = hourly_body(place.latitude, place.longitude, NAMES, date(2026, 11, 20), last, datetime.max)
        [found] = open_meteo.check(asked, orjson.dumps(body), context)
        assert found.status == status, found.reason


def test_weather_makes_forecasts_be_asked_for_at_every_place_of_the_catalogue(catalog: Catalog):
    found = {e.name: e.subjects for e in open_meteo.endpoints(catalog)}
    assert set(found["forecast"]) == set(found["previous_runs"]) == {s.place_id for s in catalog.series}
    assert len(found["archive"]) == 8


def test_a_key_selects_the_commercial_host_on_live_only(context: Context):
    keyed = context.settings.model_copy(update={"open_meteo_api_key": SecretStr("canary"), "upstream": "live"})
    made = request(replace(context, settings=keyed), "SG")
    assert made.host is not None
    assert made.host.name == "customer-archive-api.open-meteo.com"
    assert made.secret_params == (("apikey", "canary"),)
    assert "canary" not in repr(made)


def test_a_variable_that_open_meteo_does_not_serve_is_named(catalog: Catalog):
    odd = replace(catalog.variables[0], variable="snow_cm", is_target=False)
    with pytest.raises(BadInput, match=r"weather\.snow_cm cannot come from open_meteo; it serves temperature_c"):
        open_meteo.endpoints(replace(catalog, variables=(*catalog.variables, odd)))


def test_a_real_body_over_a_change_of_clocks_has_24_hours_every_day(context: Context, recorded):
    body = recorded("fixtures/open_meteo/archive_frankfurt_over_dst_change.json")
    document = orjson.loads(body)
    frankfurt = replace(context.catalog.places["BER"], latitude=50.1, longitude=8.7)
    where = replace(context, catalog=replace(context.catalog, places=context.catalog.places | {"BER": frankfurt}))
    first = datetime.combine(date.fromisoformat(document["hourly"]["time"][0][:10]), datetime.min.time())
    days = len(document["hourly"]["time"]) // 24
    [found] = open_meteo.check(request(where, "BER", start=first, days=days), body, where)
    assert found.status == "ok", found.reason
    assert found.incomplete == "missing variable cloud_cover, wind_speed_10m"
    assert sorted(found.present) == [first - HOUR + n * HOUR for n in range(24 * days)]
