"""What every file in loader/sources promises: a new one is tested on arrival."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import loader.sources
from loader.source import Context, Planned, Request, Source, Window, choose, discover
from tests.loader.conftest import NOW
from tests.loader.upstream import DAY
from warehouse.catalog import Catalog
from warehouse.errors import BadInput

FILES = sorted(f.stem for f in Path(next(iter(loader.sources.__path__))).glob("*.py") if f.stem != "__init__")
SOURCES = discover()
START = NOW.replace(hour=0, minute=0) - 4 * DAY


@pytest.fixture(params=FILES)
def source(request: pytest.FixtureRequest) -> Source:
    return SOURCES[request.param]


def asked(source: Source, context: Context) -> list[Request]:
    made: list[Request] = []
    for endpoint in source.endpoints(context.catalog):
        start = START - endpoint.day_offset
        days = [start + n * DAY for n in range(0, 4, min(endpoint.max_days, 2))]
        planned = [
            Planned(subject, Window(day, day + min(endpoint.max_days, 2) * DAY), "live")
            for subject in endpoint.subjects
            for day in days
        ]
        made += source.requests(endpoint, planned, context)
        if not endpoint.by_file:
            assert [p for r in made for p in r.planned if r.endpoint == endpoint], "planned windows are not asked for"
            found = sorted((p.subject, p.window) for r in made if r.endpoint == endpoint for p in r.planned)
            assert found == sorted((p.subject, p.window) for p in planned), "not every window exactly once"
    return made


def test_a_file_is_a_source_of_its_own_name():
    assert list(SOURCES) == FILES


def test_it_speaks_the_protocol(source: Source):
    for name in ("hosts", "endpoints", "requests", "check"):
        expected = list(inspect.signature(getattr(Source, name)).parameters)[1:]
        assert list(inspect.signature(getattr(source, name)).parameters) == expected
    assert source.__doc__


def test_every_endpoint_has_a_line_in_sources_csv(source: Source, catalog: Catalog):
    known = {(s.source, s.endpoint) for s in catalog.sources}
    assert {(e.source, e.name) for e in source.endpoints(catalog)} <= known


def test_every_planned_window_is_asked_for_once_by_a_polite_request(source: Source, context: Context):
    for request in asked(source, context):
        assert request.host is not None
        assert request.path.startswith("/")
        assert request.weight > 0
        assert request.host.limits, "a free host without a documented or cautious limit"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    content=st.one_of(
        st.binary(max_size=60), st.sampled_from([b"{}", b"[]", b"null", b'""', b"1", b"[{}]", b'{"data":1}'])
    )
)
def test_any_bytes_get_a_verdict_for_every_window_and_never_an_exception(
    source: Source, context: Context, content: bytes
):
    for request in asked(source, context)[:6]:
        found = source.check(request, content, context)
        assert [c.planned for c in found] == list(request.planned)
        assert {c.status for c in found} == {"rejected"}
        assert found[0].document is not None or found[0].text is not None
        assert all(c.reason for c in found)


def test_a_source_that_does_not_exist_is_named_with_those_that_do():
    with pytest.raises(
        BadInput, match="unknown source 'weather'; there are data_gov_sg, energy_charts, files, open_meteo"
    ):
        choose(["weather"])
