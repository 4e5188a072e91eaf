"""Signing in at a real provider, in a real browser: who may decide, who may not, and that a sign-in ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from bench.browser import chromium, free_port, served, settle
from bench.publication import publish
from tests.dashboard.provider import CLIENT, Provider, provided

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
SECRETS = """
[auth]
redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
cookie_secret = "a secret of this test"
client_id = "{client}"
client_secret = "another"
server_metadata_url = "{provider}/.well-known/openid-configuration"
"""


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with provided() as found:
        yield found


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("data"), free_port()
    publish(folder)
    secrets = folder / "secrets.toml"
    secrets.write_text(SECRETS.format(port=port, client=CLIENT, provider=provider.address))
    secret = ("--secrets.files", str(secrets))
    with served(folder, *secret, port=port, SKYDUCK_OPERATORS="ada@example.org, bob@example.org") as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def signed_in(browser: Browser, address: str) -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(f"{address}/models")
    settle(page)
    expect(page.get_by_text("Read-only until an operator signs in.")).to_be_visible()
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{address}/**", timeout=30_000)
    settle(page)
    return page


def test_an_operator_signs_in_and_may_decide(address: str, browser: Browser, provider: Provider) -> None:
    provider.email, provider.lasts = "Ada@example.org", 3600
    page = signed_in(browser, address)
    expect(page.get_by_text("Signed in as ada@example.org, operator")).to_be_visible(timeout=30_000)
    page.get_by_role("link", name="Models").click()
    expect(page.get_by_text("Approve a version that waits").first).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=30_000)


def test_others_sign_in_and_may_only_look(address: str, browser: Browser, provider: Provider) -> None:
    provider.email, provider.lasts = "eve@example.org", 3600
    page = signed_in(browser, address)
    expect(page.get_by_text("Signed in as eve@example.org")).to_be_visible(timeout=30_000)
    page.get_by_role("link", name="Models").click()
    expect(page.get_by_text("your address is not among")).to_be_visible(timeout=30_000)


def test_a_sign_in_ends_with_its_token(address: str, browser: Browser, provider: Provider) -> None:
    provider.email, provider.lasts = "bob@example.org", 15
    page = signed_in(browser, address)
    expect(page.get_by_text("Signed in as bob@example.org, operator")).to_be_visible(timeout=12_000)
    page.wait_for_timeout(16_000)
    page.goto(f"{address}/models")
    settle(page)
    expect(page.get_by_text("Your sign-in has ended.")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("Read-only until an operator signs in.")).to_be_visible()
