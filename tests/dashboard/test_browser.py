"""The pages in a real browser, from a real server: both themes, a phone, a screen reader, a publication swapped in."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from bench.browser import chromium, served, settle
from bench.publication import ORIGIN, publish

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

PAGES = ("", "forecast", "accuracy", "monitoring", "models", "operations")
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
}
# Streamlit asks for its own address below the page's path first, and answers itself with 404.
OWN_PROBE = re.compile(r"/_stcore/(health|host-config)$")


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


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(os.environ.get("SKYDUCK_SCREENSHOTS") or tmp_path_factory.mktemp("shots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def watched(context: BrowserContext) -> tuple[Page, list[str]]:
    """A page, and what went wrong on it: errors of the console, requests to any other machine."""
    page, wrong = context.new_page(), []
    page.on("request", lambda asked: wrong.append(asked.url) if _is_outside(asked.url) else None)
    page.on(
        "console",
        lambda said: (
            wrong.append(said.text)
            if said.type == "error" and not OWN_PROBE.search(said.location.get("url", ""))
            else None
        ),
    )
    page.on("pageerror", lambda error: wrong.append(str(error)))
    return page, wrong


def _is_outside(url: str) -> bool:
    return re.match(r"(https?|wss?)://(?!127\.0\.0\.1[:/])", url) is not None


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_is_whole_in_every_look(address: str, browser: Browser, shots: Path, look: str) -> None:
    context = browser.new_context(**LOOKS[look])
    for name in PAGES:
        page, wrong = watched(context)
        page.goto(f"{address}/{name}")
        settle(page)
        _photograph(page, shots / f"{name or 'today'}-{look}.png")
        assert wrong == [], name
        assert page.get_by_test_id("stException").count() == 0, name
        sideways = "document.querySelector('[data-testid=stMain]').scrollWidth - innerWidth"
        assert page.evaluate(sideways) <= 0, f"{name} scrolls sideways"
        if look != "phone":
            assert _faults(page) == [], name
        page.close()
    context.close()


def _photograph(page: Page, path: Path) -> None:
    """The page whole: Streamlit scrolls inside of it, so the window is made as high as the page."""
    size = page.viewport_size
    assert size is not None
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": size["width"], "height": min(height, 8000)})
    page.wait_for_timeout(300)
    page.screenshot(path=path)


def _faults(page: Page) -> list[str]:
    """What axe-core calls serious or critical, with the elements it found it on."""
    found = Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {fault['nodes'][0]['html'][:200]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]


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
