"""The dashboard as a person meets it: a server of its own on a free port, and Chromium."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from warehouse.errors import SkyduckError
from warehouse.settings import ROOT

NAMES = ("chromium", "chromium-browser", "google-chrome")
ALONE = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
START_SECONDS = 60
DONE = """() => {
    const app = document.querySelector('[data-testid="stApp"]');
    const charts = [...document.querySelectorAll('[data-testid="stVegaLiteChart"]')];
    return app?.getAttribute('data-test-script-state') === 'notRunning'
        && !document.querySelector('[data-testid="stSkeleton"]')
        && document.querySelector('h1') !== null
        && charts.every(chart => chart.querySelector('canvas, svg'));
}"""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def served(data_dir: Path, *options: str, port: int | None = None, **environment: str) -> Iterator[str]:
    """The address of a dashboard on the publication below `data_dir`; `options` are Streamlit's."""
    port = port or free_port()
    env = {key: value for key, value in os.environ.items() if not key.startswith("SKYDUCK_")} | environment
    with (data_dir / "streamlit.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "dashboard/app.py", "--server.port", str(port), *options],
            cwd=ROOT, env=env | {"SKYDUCK_DATA_DIR": str(data_dir)}, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            _await(server, f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(20)


def _await(server: subprocess.Popen[bytes], address: str) -> None:
    for _ in range(START_SECONDS * 5):
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            if server.poll() is not None:
                break
            time.sleep(0.2)
    raise SkyduckError("the dashboard's server did not start: see streamlit.log in its data folder")


@contextmanager
def chromium() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        raise SkyduckError(f"no browser is installed: expected one of {', '.join(NAMES)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ALONE))
        try:
            yield browser
        finally:
            browser.close()


def settle(page: Page) -> None:
    """Until the page's script has ended and each of its charts is drawn."""
    page.wait_for_function(DONE, timeout=30_000)
