from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from loader.source import Checked, Context
from loader.sources import open_meteo
from tests.loader.open_meteo_bodies import NAMES, START, check, good, request
from tests.loader.upstream import HOUR


def reason(context: Context, document: Any, *subjects: str) -> str:
    """The reason of a body that must be rejected."""
    found = check(context, document, *subjects)
    assert {c.status for c in found} == {"rejected"}
    assert found[0].document is not None or found[0].text is not None, "nothing of the body is kept"
    return found[0].reason or ""


def accepted(context: Context, document: Any) -> Checked:
    [found] = check(context, document)
    assert found.status == "ok", found.reason
    return found


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "an empty body"),
        (b"<!doctype html><html>502</html>", "an HTML page"),
        (b"Service Unavailable", "plain text ('Service Unavailable')"),
        (b'{"latitude": 1.4, "hourly": {"time": ["2026', "cut off after 43 bytes"),
        (
            b'{"hourly": {"temperature_2m": [1.0, Unexpected error while streaming data: timeout',
            "invalid JSON at byte 36",
        ),
        (b'{"hourly": {"temperature_2m": [NaN]}}', "NaN at byte 31, which is not JSON"),
        (b'{"hourly": {"temperature_2m": [-Infinity]}}', "Infinity at byte"),
        (b'{"hourly": {"temperature_2m": [1e400]}}', "a number too large for a double"),
        (b'{"a": "\xff"}', "invalid JSON"),
        (b'{"error":true,"reason":"internal"}', "an error with status 200: 'internal'"),
        (b"[]", "a list of 0; expected an object"),
        (b"null", "expected"),
        (b"{}", "'latitude' is None; expected a number near 1.3521"),
    ],
)
def test_what_is_no_body_at_all_is_rejected_and_named(context: Context, content: bytes, expected: str):
    assert expected in reason(context, content)


Change = Callable[[dict[str, Any]], Any]


def hourly(name: str, n: int, value: Any) -> Change:
    return lambda body: body["hourly"][name].__setitem__(n, value)


BAD: dict[str, tuple[Change, str]] = {
    "arrays of unequal length": (
        lambda b: b["hourly"]["cloud_cover"].pop(),
        "'cloud_cover' has 47 values for 48 stamps",
    ),
    "too few stamps": (lambda b: b["hourly"]["time"].pop(), "48 values for 47 stamps"),
    "an array that is a number": (lambda b: b["hourly"].update(cloud_cover=7), "'cloud_cover' has a number for 48"),
    "a changed unit": (
        lambda b: b["hourly_units"].update(temperature_2m="°F"),
        "'temperature_2m' is in '°F'; expected '°C'",
    ),
    "a missing unit": (lambda b: b["hourly_units"].pop("temperature_2m"), "is in None; expected '°C'"),
    "no units at all": (lambda b: b.pop("hourly_units"), "has no 'hourly_units'"),
    "no hourly block": (lambda b: b.pop("hourly"), "has no 'hourly'"),
    "hourly as a list": (lambda b: b.update(hourly=[1]), "'hourly' of the body is a list; expected an object"),
    "no variable asked for": (lambda b: b.update(hourly={"time": b["hourly"]["time"]}), "expected temperature_2m"),
    "a number as a string": (hourly("temperature_2m", 3, "21.5"), "value 3 of 'temperature_2m' is a string ('21.5')"),
    "a boolean": (hourly("temperature_2m", 3, True), "is a boolean"),
    "unix stamps": (
        lambda b: b["hourly"].update(time=[1700000000 + 3600 * n for n in range(48)]),
        "the stamp 1700000000",
    ),
    "a stamp that is none": (hourly("time", 5, "yesterday"), "the stamp 'yesterday'; expected ISO"),
    "half hours": (hourly("time", 5, "2026-11-01T05:30"), "not a full hour"),
    "an offset of half an hour": (lambda b: b.update(utc_offset_seconds=19800), "not a full hour"),
    "an offset beyond any zone": (lambda b: b.update(utc_offset_seconds=-(10**14)), "expected at most 14 hours"),
    "a stamp before time": (hourly("time", 0, "0001-01-01T00:00"), "expected"),
    "no offset": (lambda b: b.pop("utc_offset_seconds"), "no 'utc_offset_seconds'"),
    "another year": (
        lambda b: b["hourly"].update(time=[t.replace("2026", "2025") for t in b["hourly"]["time"]]),
        "stamps from 2025-11-01 00:00 to 2025-11-02 23:00 UTC; expected the days asked for",
    ),
    "another place": (
        lambda b: b.update(latitude=51.5, longitude=-0.1),
        r"a body for 51.5, -0.1; expected one within 0.5° of SG",
    ),
    "an hour twice with different values": (hourly("time", 7, "2026-11-01T06:00"), "2026-11-01 06:00 twice, with"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_body_that_cannot_be_trusted_is_rejected_with_what_was_seen(context: Context, name: str):
    change, expected = BAD[name]
    body = good(context)
    change(body)
    assert expected in reason(context, body)


def test_a_missing_variable_is_accepted_noted_and_counts_as_incomplete(context: Context):
    body = good(context)
    body["hourly"]["cloudcover"] = body["hourly"].pop("cloud_cover")
    found = accepted(context, body)
    assert found.incomplete == "missing variable cloud_cover"
    assert found.reason == "'cloudcover' was not asked for"
    assert found.n_values == 3 * 48


def test_an_extra_variable_is_accepted_and_noted(context: Context):
    body = good(context)
    body["hourly"]["rain"] = [0.0] * 48
    assert accepted(context, body).reason == "'rain' was not asked for"


def test_nulls_are_accepted_and_an_hour_without_any_value_is_not_present(context: Context):
    body = good(context)
    for name in NAMES:
        body["hourly"][name][10] = None
    body["hourly"]["cloud_cover"][11] = None
    found = accepted(context, body)
    assert START + 10 * HOUR not in found.present
    assert START + 11 * HOUR in found.present


def test_an_all_null_variable_is_noted(context: Context):
    body = good(context)
    body["hourly"]["cloud_cover"] = [None] * 48
    assert accepted(context, body).reason == "'cloud_cover' has no value"


def test_identical_duplicate_hours_are_accepted_and_noted(context: Context):
    body = good(context)
    for values in body["hourly"].values():
        values.insert(5, values[5])
    found = accepted(context, body)
    assert (found.reason, len(found.present)) == ("1 duplicate stamps with the same values", 48)


def test_unordered_hours_are_accepted_and_noted(context: Context):
    body = good(context)
    for values in body["hourly"].values():
        values.reverse()
    found = accepted(context, body)
    assert (found.reason, len(found.present)) == ("stamps out of order", 48)


def test_a_body_in_another_offset_is_read_by_its_own_offset(context: Context):
    body = good(context) | {"utc_offset_seconds": 28800}
    found = accepted(context, body)
    assert found.reason == "offset of 28800 s although GMT was asked for"
    assert min(found.present) == START - 8 * HOUR


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(data=st.data())
def test_no_body_makes_the_check_fail_and_no_window_goes_without_a_verdict(context: Context, data: st.DataObject):
    """Whatever is done to one value of a good answer, there is one verdict per place and nothing is raised."""
    document: Any = [good(context, "SG"), good(context, "LON")]
    at = data.draw(
        st.sampled_from(
            [
                (0,),
                (1, "hourly"),
                (0, "hourly", "time"),
                (1, "hourly", "cloud_cover", 3),
                (0, "hourly", "time", 0),
                (0, "latitude"),
                (1, "hourly_units"),
                (0, "utc_offset_seconds"),
            ]
        )
    )
    junk = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**53), 2**53),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(),
        st.lists(st.integers(0, 9), max_size=3),
        st.dictionaries(st.text(max_size=5), st.none(), max_size=2),
    )
    target = document
    for key in at[:-1]:
        target = target[key]
    target[at[-1]] = data.draw(junk)
    found = open_meteo.check(request(context, "SG", "LON"), orjson.dumps(document), context)
    assert [c.planned.subject for c in found] == ["SG", "LON"]
    assert all(c.reason for c in found if c.status == "rejected")
