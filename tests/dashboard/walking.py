"""A walk over every page in a real browser, and what must not be met on it."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

from bench.browser import settle

PAGES = ("", "forecast", "accuracy", "monitoring", "models", "operations")
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
}
# Streamlit asks for its own address below the page's path first, and answers itself with 404.
OWN_PROBE = re.compile(r"/_stcore/(health|host-config)$")


def walk(address: str, browser: Browser, look: str, of: str = "made") -> None:
    """Opens every page: no error, no exception box, nothing asked of another machine, no serious fault for axe-core.

    Screenshots go to the folder that SKYDUCK_SCREENSHOTS names.
    """
    shots = Path(os.environ.get("SKYDUCK_SCREENSHOTS") or tempfile.mkdtemp(prefix="skyduck-shots-"))
    shots.mkdir(parents=True, exist_ok=True)
    context = browser.new_context(**LOOKS[look])
    for name in PAGES:
        page, wrong = watched(context)
        page.goto(f"{address}/{name}")
        settle(page)
        _photograph(page, shots / f"{of}-{name or 'today'}-{look}.png")
        assert wrong == [], name
        assert page.get_by_test_id("stException").count() == 0, name
        sideways = "document.querySelector('[data-testid=stMain]').scrollWidth - innerWidth"
        assert page.evaluate(sideways) <= 0, f"{name} scrolls sideways"
        assert _faults(page) == [], name
        page.close()
    context.close()


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
