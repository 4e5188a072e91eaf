"""How soon each page of the dashboard shows something, is whole, and answers a click: in Chromium, on one machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Browser, Locator, Page

from bench.browser import chromium, served, settle
from bench.publication import publish
from bench.report import show
from bench.scratch import machine, scratch

SERIES = {"57 series": 57, "200 series": 200}
REPEATS = 5
FIRST_PAINT_MS, CLICK_MS, MANY_MS = 2_000, 500, 2_000
Times = dict[str, float]


@dataclass(frozen=True)
class Click:
    """What is clicked, and how the page shows that it has heard. `opens`: a select box to open before."""

    what: Callable[[Page], Locator]
    is_heard: Callable[[Page], None]
    opens: str | None = None


def _pressed(name: str, link: str) -> Click:
    """A button of a row; the page's script puts it into the address."""

    return Click(lambda page: page.get_by_role("radio", name=name), lambda page: page.wait_for_url(f"**{link}**"))


def _chosen(label: str, option: int, title: str) -> Click:
    """An option of a select box; it brings a chart of another title."""

    def is_heard(page: Page) -> None:
        page.get_by_role("heading", name=title).wait_for()

    return Click(lambda page: page.get_by_role("option").nth(option), is_heard, label)


CLICKS = {
    "today": _pressed("Temperature · weather", "dataset=weather"),
    "forecast": _chosen("Series", 1, "1 · PM2.5 (sgpm): observed"),
    "accuracy": _pressed("Temperature · weather", "dataset=weather"),
    "monitoring": _pressed("Alarms", "look=Alarms"),
    "models": _pressed("Temperature · weather", "dataset=weather"),
    "operations": _chosen("Steps of the run", 1, "run of 20 Nov 2026 06:00 UTC"),
}


def main(quick: bool = False) -> None:
    about, repeats = machine(), 1 if quick else REPEATS
    rows = []
    with chromium() as browser:
        for name, n in SERIES.items():
            with scratch("dashboard") as folder:
                publish(folder, places=-(-n // 2))
                with served(folder) as address:
                    _measure(browser, address, "today")  # what a server pays once: its imports
                    rows += [(name, *_row(browser, address, page, repeats)) for page in CLICKS]
    show(
        "The dashboard, in Chromium: medians in ms", ("publication", "page", "first paint", "whole", "click"), rows,
        f"Bars: first paint {FIRST_PAINT_MS} ms, a click {CLICK_MS} ms; with 200 series all of it {MANY_MS} ms.",
        "First paint: an empty browser shows the page's title and first content. Whole: every chart is drawn.",
        f"{repeats} times each, by two datasets of half the series each. {about}.", words=2,
    )  # fmt: skip


def _row(browser: Browser, address: str, page: str, repeats: int) -> tuple[str, ...]:
    found = [_measure(browser, address, page) for _ in range(repeats)]
    return (page, *(f"{statistics.median(times[kind] for times in found):.0f}" for kind in found[0]))


def _measure(browser: Browser, address: str, name: str) -> Times:
    """Milliseconds of one visit by a browser that knows nothing, and of one click."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    started = time.perf_counter()
    page.goto(f"{address}/{'' if name == 'today' else name}", wait_until="commit")
    page.locator("h1").wait_for()
    page.locator("[data-testid=stMain] :is([data-testid=stCaptionContainer], [data-testid=stMetric])").nth(1).wait_for()
    painted = time.perf_counter()
    settle(page)
    whole = time.perf_counter()
    click = CLICKS[name]
    if click.opens:
        page.get_by_role("combobox", name=click.opens).click()
    target = click.what(page)
    target.scroll_into_view_if_needed()
    before = time.perf_counter()
    target.click()
    click.is_heard(page)
    settle(page)
    clicked = time.perf_counter()
    context.close()
    return {"first": (painted - started) * 1000, "whole": (whole - started) * 1000, "click": (clicked - before) * 1000}
