"""The API under 50 clients at a time: one series, all of a dataset, and while publications change."""

from __future__ import annotations

import asyncio
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from bench import publication
from bench.report import show
from bench.scratch import environment, machine, scratch, settings_in
from flows.screen import Screen
from warehouse.settings import ROOT

CLIENTS, SERIES, SECONDS, QUICK_SECONDS = 50, 200, 10.0, 2.0
BARS = "bars: 95 % within 25 ms for one series, within 150 ms for all of a dataset; no error while publications change"
BEGUN = 10.0


@dataclass
class Load:
    """What the clients saw: seconds of each request, statuses that were no 200, bytes."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    n_bytes: int = 0


def main(quick: bool = False) -> None:
    screen, about, lasts = Screen(), machine(), QUICK_SECONDS if quick else SECONDS
    rows = []
    with scratch("api") as folder:
        publication.publish(folder, places=SERIES)
        with _server(folder) as port:
            for name, path, gzip in _questions():
                screen.tick(name)
                before = time.perf_counter()
                load = asyncio.run(_load(port, path, gzip, lasts, None))
                rows.append(_line(name, load, time.perf_counter() - before))
            screen.tick("publications change")
            before = time.perf_counter()
            load = asyncio.run(_load(port, _one, True, lasts, lambda n: _publish(folder, n)))
            rows.append(_line("one series, a new publication every second", load, time.perf_counter() - before))
    head = (
        "asked by 50 at a time",
        "requests",
        "a second",
        "MB a second",
        "median ms",
        "95 % ms",
        "slowest ms",
        "errors",
    )
    show(f"api: {SERIES} series × 48 h a dataset ({about}; clients on the same cores)", head, rows, BARS)


def _one() -> str:
    return f"/v1/predictions?series=weather.city-{random.randrange(SERIES)}.temperature_c"


def _questions() -> list[tuple[str, Callable[[], str], bool]]:
    def dataset() -> str:
        return "/v1/predictions?dataset=weather"

    return [
        (f"one of {SERIES} series", _one, True),
        ("all of a dataset, gzip", dataset, True),
        ("all of a dataset, as it is", dataset, False),
    ]


@contextmanager
def _server(folder: Path) -> Any:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = environment(settings_in(folder)) | {"SKYDUCK_API_RATE_LIMIT": "1000000000/minute", "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "api", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            end = time.monotonic() + BEGUN
            while time.monotonic() < end:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield port
        finally:
            server.terminate()


def _publish(folder: Path, n: int) -> None:
    publication.publish(folder, places=SERIES, run_id=f"swap-{n}", origin=publication.ORIGIN + timedelta(days=n))


async def _load(
    port: int, path: Callable[[], str], gzip: bool, lasts: float, publish: Callable[[int], None] | None
) -> Load:
    load, end = Load(), time.perf_counter() + lasts

    async def changing() -> None:
        n = 1
        while publish is not None and time.perf_counter() < end:
            await asyncio.to_thread(publish, n)
            n += 1
            await asyncio.sleep(1)

    await asyncio.gather(changing(), *(_client(port, path, gzip, end, load) for _ in range(CLIENTS)))
    return load


async def _client(port: int, path: Callable[[], str], gzip: bool, end: float, load: Load) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    encoding = "gzip" if gzip else "identity"
    while (begun := time.perf_counter()) < end:
        writer.write(f"GET {path()} HTTP/1.1\r\nHost: bench\r\nAccept-Encoding: {encoding}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = next(int(line[15:]) for line in head.lower().split("\r\n") if line.startswith("content-length:"))
        body = await reader.readexactly(length)
        load.seconds.append(time.perf_counter() - begun)
        load.n_bytes += len(body)
        if " 200 " not in head.split("\r\n")[0]:
            load.errors.append(head.split("\r\n")[0])
    writer.close()


def _line(name: str, load: Load, lasted: float) -> tuple[str, ...]:
    millis = 1000 * np.array(load.seconds)
    return (
        name, f"{len(millis):,}", f"{len(millis) / lasted:,.0f}", f"{load.n_bytes / lasted / 1e6:.0f}",
        f"{np.median(millis):.1f}", f"{np.quantile(millis, 0.95):.1f}", f"{millis.max():.0f}", str(len(load.errors)),
    )  # fmt: skip
