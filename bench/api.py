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
import uvloop

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
                load = uvloop.run(_load(port, path, gzip, lasts, None))
                rows.append(_line(name, load, time.perf_counter() - before))
            screen.tick("publications change")
            before = time.perf_counter()
            load = uvloop.run(_load(port, _one, True, lasts, lambda n: _publish(folder, n)))
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

    loop = asyncio.get_running_loop()
    clients = [_Client(path, "gzip" if gzip else "identity", end, load) for _ in range(CLIENTS)]
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)
    await asyncio.gather(changing(), *(client.over for client in clients))
    return load


class _Client(asyncio.BufferedProtocol):
    """Asks again as soon as it is answered. Bodies are counted and not kept: what is measured is the server."""

    def __init__(self, path: Callable[[], str], encoding: str, end: float, load: Load) -> None:
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._path, self._encoding, self._end, self._load = path, encoding, end, load
        self._room = memoryview(bytearray(2**18))
        self._head, self._left, self._begun = b"", 0, 0.0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        self._head, self._left, self._begun = b"", -1, time.perf_counter()
        self._transport.write(
            f"GET {self._path()} HTTP/1.1\r\nHost: bench\r\nAccept-Encoding: {self._encoding}\r\n\r\n".encode()
        )

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        if self._left < 0:
            self._head += self._room[:nbytes]
            head, split, body = self._head.partition(b"\r\n\r\n")
            if not split:
                return
            lines = head.lower().split(b"\r\n")
            length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
            self._left = length
            self._load.n_bytes += length
            if b" 200 " not in lines[0]:
                self._load.errors.append(lines[0].decode("latin-1"))
            nbytes = len(body)
        self._left -= nbytes
        if self._left == 0:
            self._load.seconds.append(time.perf_counter() - self._begun)
            if time.perf_counter() < self._end:
                self._ask()
            else:
                self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self._load.errors.append(str(exc))
        self.over.set_result(None)


def _line(name: str, load: Load, lasted: float) -> tuple[str, ...]:
    millis = 1000 * np.array(load.seconds)
    return (
        name, f"{len(millis):,}", f"{len(millis) / lasted:,.0f}", f"{load.n_bytes / lasted / 1e6:.0f}",
        f"{np.median(millis):.1f}", f"{np.quantile(millis, 0.95):.1f}", f"{millis.max():.0f}", str(len(load.errors)),
    )  # fmt: skip
