"""`python -m api` as it is started: on this machine only unless keys guard it, and it ends when told to."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from api.server import check, is_local, main
from bench import publication
from tests.api.serving import NOW, settings_of
from warehouse import api_keys
from warehouse.errors import BadInput
from warehouse.settings import ROOT


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_this_machine_is_served_without_keys(host: str, tmp_path: Path):
    assert is_local(host)
    check(settings_of(tmp_path), host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "board.example", "127.0.0.1.example"])
def test_others_are_served_only_with_a_key_in_use(host: str, tmp_path: Path):
    settings = settings_of(tmp_path)
    with pytest.raises(BadInput, match="skyduck keys issue"):
        check(settings, host)
    api_keys.issue(settings, "board", "read", NOW)
    check(settings, host)
    api_keys.revoke(settings, "board", NOW)
    with pytest.raises(BadInput, match="skyduck keys issue"):
        check(settings, host)


def test_a_server_that_is_refused_says_why_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("SKYDUCK_DATA_DIR", str(tmp_path))
    assert main(["--host", "0.0.0.0"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_process_serves_what_is_published_and_ends_on_sigterm(tmp_path: Path):
    publication.publish(tmp_path, places=1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = os.environ | {"SKYDUCK_DATA_DIR": str(tmp_path), "SKYDUCK_API_PORT": str(port)}
    with subprocess.Popen(
        [sys.executable, "-m", "api"], cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            for _ in range(600):
                try:
                    answer = httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False)
                    break
                except httpx.ConnectError:
                    time.sleep(0.05)
            assert answer.json()["ready"]
            assert "server" not in answer.headers
        finally:
            server.send_signal(signal.SIGTERM)
            _, err = server.communicate(timeout=30)
    assert "Traceback" not in err
