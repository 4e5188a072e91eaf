"""A real server over a real publication, in a thread of the test."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from api.app import create_app
from bench.publication import ORIGIN
from warehouse.settings import Settings

NOW = ORIGIN + timedelta(hours=1)


def settings_of(folder: Path, **more: Any) -> Settings:
    return Settings(**{"data_dir": folder, "api_rate_limit": "1000000/minute", **more})


@contextmanager
def served(settings: Settings, *, now: datetime = NOW, is_guarded: bool = False) -> Iterator[httpx.Client]:
    """A client of it; the server ends with the block."""
    app = create_app(settings, clock=lambda: now, is_guarded=is_guarded)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    (socket,) = server.servers[0].sockets
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{socket.getsockname()[1]}", trust_env=False) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(timeout=20)


def rows(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def problem(answer: httpx.Response, status: int) -> str:
    """The detail of a problem of that status, in the shape that every problem has."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == status
    assert told["type"] == "about:blank"
    assert told["title"]
    return str(told["detail"])
