"""The real server, as a subprocess on loopback: one for the session, others where a test needs its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
RECORDINGS = ROOT.parent / "shared" / "recordings"
NOW = "2026-11-20T06:10"
ARCHIVE = "archive-api.open-meteo.com/v1/archive"
FORECAST = "api.open-meteo.com/v1/forecast"
AIR = "air-quality-api.open-meteo.com/v1/air-quality"
PM25 = "api-open.data.gov.sg/v2/real-time/api/pm25"
POWER = "api.energy-charts.info/public_power"


class Upstream:
    """A running sample server."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process, self.url = process, url
        self.client = httpx.Client(base_url=url, timeout=10)

    def get(self, target: str, headers: dict[str, str] | None = None, **params: Any) -> httpx.Response:
        return self.client.get(f"/{target}", params=params, headers=headers)

    def json(self, target: str, **params: Any) -> Any:
        answer = self.get(target, **params)
        assert answer.status_code == 200, answer.text[:300]
        return answer.json()

    def faults(self, *rules: dict[str, Any]) -> None:
        assert self.client.post("/_admin/faults", json=list(rules)).status_code == 200

    def counts(self) -> list[int]:
        return [rule["applied"] for rule in self.client.get("/_admin/faults").json()]

    def now(self, moment: str | None) -> None:
        assert self.client.post("/_admin/now", json={"now": moment}).status_code == 200


@contextmanager
def running(*options: str) -> Iterator[Upstream]:
    command = [sys.executable, "-m", "sample", "--exit-with-parent", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("listening http://127.0.0.1:"), line
            server = Upstream(process, line.split()[1])
            with server.client:
                yield server
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def start() -> Iterator[Callable[..., Upstream]]:
    """Starts further servers with the options given; all end with the session."""
    with ExitStack() as stack:
        yield lambda *options: stack.enter_context(running(*options))


@pytest.fixture(scope="session")
def shared(start: Callable[..., Upstream]) -> Upstream:
    return start("--now", NOW)


@pytest.fixture
def upstream(shared: Upstream) -> Iterator[Upstream]:
    """The shared server with its clock at NOW and no faults, whatever the test before did."""
    yield shared
    shared.now(NOW)
    shared.client.delete("/_admin/faults")


@pytest.fixture(scope="session")
def recordings() -> Path:
    if not RECORDINGS.is_dir():
        pytest.skip("the recordings are not beside this checkout (../shared/recordings)")
    return RECORDINGS
