"""Every page on a real publication: whole, without rows, without marts, and where nothing is published."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from bench.publication import ORIGIN, contracts, publish
from dashboard import data, health, sign_in
from warehouse.settings import ROOT

PAGES = ("", "forecast", "accuracy", "monitoring", "models", "operations")
SECTIONS = ("Performance", "Drift", "Alarms", "Fallback", "Data quality", "Reports")
SERIES = "weather.city-1.temperature_c"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    publish(folder)
    return folder


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """A server starts with nothing in its caches."""
    st.cache_resource.clear()
    st.cache_data.clear()
    yield
    st.cache_resource.clear()


def opened(data_dir: Path, patch: pytest.MonkeyPatch, page: str, **query: str) -> AppTest:
    """A page opened by its address. AppTest goes to pages that are files only, so it is told the address's hash."""
    patch.setenv("SKYDUCK_DATA_DIR", str(data_dir))
    app = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=60)
    app._page_hash = calc_hash(page)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, app.exception
    return app


def said(app: AppTest) -> str:
    """All that the page says in words."""
    kinds = (app.title, app.subheader, app.markdown, app.caption, app.info, app.warning, app.success, app.error)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_a_whole_publication(whole: Path, monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    app = opened(whole, monkeypatch, page)
    assert app.title[0].value == (page or "today").capitalize()
    assert "as of 21 Nov 2026 06:00 UTC" in said(app)
    assert re.search(r"published \S.* by run run-1$", said(app), re.MULTILINE), "the API says it of every answer, too"
    assert "yet" not in said(app), "nothing is missing here"


def test_a_publication_of_a_training_does_not_hide_that_the_daily_run_is_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = publish(tmp_path, origin=datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=1))
    monkeypatch.setenv("SKYDUCK_DATA_DIR", str(tmp_path))
    assert not [problem for problem in health.read().problems if "daily run" in problem]
    data.reader().close()
    with closing(duckdb.connect(str(path))) as con:
        con.execute("alter table main.publication add column daily_at timestamp")
        con.execute("update main.publication set daily_at = published_at - interval 2 day")
    st.cache_resource.clear()
    (told,) = [problem for problem in health.read().problems if "daily run" in problem]
    assert told == "a daily run last published 2 days ago. `make run` makes up for it"


@pytest.mark.parametrize("section", SECTIONS)
def test_a_link_opens_a_section_of_monitoring(whole: Path, monkeypatch: pytest.MonkeyPatch, section: str) -> None:
    app = opened(whole, monkeypatch, "monitoring", look=section)
    assert app.query_params["look"] == section
    assert len(app.markdown) + len(app.info) > 0


@pytest.mark.parametrize("page", PAGES)
def test_a_publication_without_rows_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    publish(tmp_path, rows=False)
    assert "make run" in said(opened(tmp_path, monkeypatch, page))


@pytest.mark.parametrize("page", PAGES)
def test_a_publication_of_an_older_version_lacks_marts_and_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    publish(tmp_path, without=tuple(sorted(set(contracts()) - {"dim_series", "fct_observations"})))
    app = opened(tmp_path, monkeypatch, page)
    assert app.title
    if page == "monitoring":
        for section in SECTIONS:
            opened(tmp_path, monkeypatch, page, look=section)


@pytest.mark.parametrize("page", ["", "forecast"])
def test_where_nothing_is_published_the_page_says_how_to_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    app = opened(tmp_path, monkeypatch, page)
    assert "nothing is published" in app.info[0].value
    assert "make run" in said(app)


def test_a_link_opens_its_series_and_the_address_follows_the_choice(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(whole, monkeypatch, "forecast", series=SERIES)
    assert app.selectbox(key="series").value == SERIES
    app.selectbox(key="series").select("sgpm.region-2.pm2_5_ugm3").run()
    assert app.query_params["series"] == "sgpm.region-2.pm2_5_ugm3"


def test_a_link_to_an_unknown_series_says_so(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(whole, monkeypatch, "forecast", series="sgpm.nowhere.pm2_5_ugm3")
    assert "no series 'sgpm.nowhere.pm2_5_ugm3'" in said(app)
    assert not app.error


def test_earlier_predictions_are_drawn_when_asked_for(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(whole, monkeypatch, "forecast", series=SERIES)
    app.toggle(key="earlier").set_value(True).run()
    assert not app.exception
    assert "no earlier prediction" not in said(app)


def test_names_from_the_seeds_cannot_put_markup_into_the_page(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = [element.proto.body for element in opened(whole, monkeypatch, "").get("html")]
    assert any("Singapore &lt;b&gt;" in body for body in bodies)
    assert not any("<b>" in body for body in bodies)


def test_a_new_publication_is_shown_at_the_next_interaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(tmp_path, rows=False)
    app = opened(tmp_path, monkeypatch, "models")
    assert "No version was trained yet" in said(app)
    publish(tmp_path, run_id="run-2", origin=ORIGIN + timedelta(days=1))
    app.run()
    assert not app.exception
    assert "Comparison" in said(app)


def test_an_operator_decides_with_a_reason_and_others_cannot(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(whole, monkeypatch, "models")
    assert "Read-only" in said(app)
    assert not app.radio
    monkeypatch.setattr(sign_in, "operator", lambda: "ada@example.org")  # an identity provider cannot be had here
    app = opened(whole, monkeypatch, "models")
    assert app.radio[0].options == ["Approve a version that waits", "Promote a version", "Roll back"]
    next(button for button in app.button if button.label.startswith("Approve")).click().run()
    assert "A reason is needed" in said(app)
