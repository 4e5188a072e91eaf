"""A Prefect server of a folder of its own, asked as any client asks."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from warehouse.settings import ROOT

WAIT_S = 240  # a busy machine takes its time to start a server
BUSY_TIMES = 20


class Server:
    """`url` is the API's; `env` is what whoever works with it needs to know."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/api"
        env = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "SKYDUCK_"))}
        path = os.pathsep.join([str(Path(sys.executable).parent), env["PATH"]])
        quiet = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1", "PATH": path}
        self.env = env | quiet | {"PREFECT_HOME": str(home), "PREFECT_API_URL": self.url, "SKYDUCK_ROOT": str(ROOT)}
        command = ["uvicorn", "--factory", "prefect.server.api.server:create_app"]
        command += ["--host", "127.0.0.1", "--port", str(port), "--log-level", "error"]
        self.process = start(command, self.env, subprocess.DEVNULL)

    def ask(self, path: str, body: dict[str, Any] | None = None, *, method: str | None = None) -> Any:
        headers = {"content-type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/{path}", data, headers, method=method)
        for _ in range(BUSY_TIMES):
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return json.loads(answer.read() or "null")
            except urllib.error.HTTPError as error:
                if error.code != 503:  # its database is busy, as any client of it has to expect
                    raise
                time.sleep(0.5)
        raise AssertionError(f"{path} was busy {BUSY_TIMES} times")

    def until(
        self, path: str, body: dict[str, Any] | None, found: Callable[[Any], Any] = bool, *, seconds: float = WAIT_S
    ) -> Any:
        """The answer, once there is one to the purpose."""
        end = time.monotonic() + seconds
        while True:
            try:
                if found(answer := self.ask(path, body)):
                    return answer
            except OSError:
                answer = None
            assert time.monotonic() < end, f"{path} never said what was waited for, but {answer}"
            time.sleep(0.2)

    def prefect(self, *arguments: str) -> str:
        """What the command said."""
        return self.shell(f"prefect --no-prompt {' '.join(arguments)}")

    def shell(self, line: str) -> str:
        """A line as a person types it, from the root of the repository."""
        done = subprocess.run(
            ["sh", "-c", line], cwd=ROOT, env=self.env, capture_output=True, text=True, check=False, timeout=180,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout


def start(command: list[str], env: dict[str, str], sink: IO[bytes] | int) -> subprocess.Popen[bytes]:
    """`python -m` the command, in a group of its own that ends with this process, however that ends."""
    return subprocess.Popen(
        [sys.executable, "-m", "flows.child", *command], cwd=ROOT, env=env, start_new_session=True,
        stdin=subprocess.PIPE, stdout=sink, stderr=sink,
    )  # fmt: skip


@contextmanager
def running(home: Path) -> Iterator[Server]:
    """It answers from the start of the block and is gone at its end."""
    made = Server(home)
    try:
        made.until("health", None)
        yield made
    finally:
        with made.process:
            made.process.kill()
