"""The pages in a real browser, from a real server: both themes, a phone, a screen reader, a publication swapped in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from bench.browser import chromium, served, settle
from bench.publication import ORIGIN, publish
from tests.dashboard.walking import LOOKS, walk, watched

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    publish(folder)
    return folder


@pytest.fixture(scope="module")
def address(data_dir: Path) -> Iterator[str]:
    with served(data_dir) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_is_whole_in_every_look(address: str, browser: Browser, look: str) -> None:
    walk(address, browser, look)


def test_a_link_opens_its_series_and_a_card_is_such_a_link(address: str, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"{address}/forecast?series=weather.city-1.temperature_c")
    expect(page.get_by_role("heading", name="London 1 · Temperature (weather): observed")).to_be_visible(timeout=30_000)
    page.goto(address)
    page.get_by_role("link", name="London 2").click()
    expect(page.get_by_role("heading", name="London 2 · Temperature (weather): observed")).to_be_visible(timeout=30_000)
    assert "series=weather.city-2.temperature_c" in page.url
    page.close()


def test_pages_are_reached_by_keyboard(address: str, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(address)
    settle(page)
    page.get_by_role("link", name="Accuracy").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Accuracy", exact=True)).to_be_visible(timeout=30_000)
    page.close()


def test_an_open_page_shows_a_new_publication_by_itself(address: str, browser: Browser, data_dir: Path) -> None:
    page, wrong = watched(browser.new_context())
    page.goto(address)
    settle(page)
    publish(data_dir, run_id="run-2", places=4, origin=ORIGIN + timedelta(hours=2))
    expect(page.get_by_role("link", name="London 3")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("New forecasts are shown.")).to_be_visible()
    assert wrong == []
    page.close()
