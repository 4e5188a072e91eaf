from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "sample"]


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *options], cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)


def is_up(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_help_names_the_hosts_the_faults_and_the_admin_paths():
    shown = run("--help").stdout
    for words in ("archive-api.open-meteo.com", "--recordings DIR", "/_admin/faults", "html200", "listening"):
        assert words in shown


def test_bad_options_end_with_2_and_one_clear_line(upstream):
    port = upstream.url.rpartition(":")[2]
    for options, words in (
        (["--now", "soon"], "no ISO 8601 time"),
        (["--recordings", "nowhere"], "no folder"),
        (["--fault", "{"], "no fault rule"),
        (["--port", port], "cannot be used"),
    ):
        ended = run(*options)
        assert ended.returncode == 2
        assert words in ended.stderr
        assert "Traceback" not in ended.stderr


def test_it_listens_soon_on_loopback_only_and_sigterm_ends_it_cleanly():
    began = time.monotonic()
    with subprocess.Popen(COMMAND, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition(":")[2])
        took = time.monotonic() - began
        assert httpx.get(f"http://127.0.0.1:{port}/_admin/health").json()["status"] == "ok"
        listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        assert {row[1] for row in listening if row[3] == "0A" and row[1].endswith(f":{port:04X}")} == {
            f"0100007F:{port:04X}"
        }
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=5)
    assert process.returncode == 0
    assert errors == ""
    assert took < 10  # one second on an idle machine


def test_nothing_that_is_slow_to_import_is_imported():
    code = (
        "import sys, sample.__main__; print([m for m in ('pandas', 'duckdb', 'scipy', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_it_ends_when_its_parent_is_killed():
    script = (
        "import subprocess, sys, time;"
        "command = [sys.executable, '-m', 'sample', '--exit-with-parent'];"
        "p = subprocess.Popen(command, stdout=subprocess.PIPE, text=True);"
        "print(p.pid, p.stdout.readline().rpartition(':')[2], flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        _, port = map(int, parent.stdout.readline().split())
        assert is_up(port)
        os.kill(parent.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while is_up(port) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_up(port)


def test_a_fault_can_be_given_on_the_command_line(start):
    server = start("--fault", '{"match": "pm25", "fault": "html200", "times": null}')
    answer = server.get("api-open.data.gov.sg/v2/real-time/api/pm25")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")


def test_an_unknown_host_or_path_is_a_404(upstream):
    for target in ("api.example.org/v1/forecast", "api.open-meteo.com/v2/forecast", "nowhere"):
        answer = upstream.get(target)
        assert answer.status_code == 404
        assert answer.json() == {"error": True, "reason": "Not Found"}


def test_a_request_that_hangs_does_not_hold_up_the_end():
    with subprocess.Popen([*COMMAND, "--fault", '{"fault": "timeout"}'], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition(b":")[2])
        with socket.create_connection(("127.0.0.1", port)) as hanging:
            hanging.sendall(b"GET /api.energy-charts.info/public_power HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(0.3)
            process.terminate()
            assert process.wait(timeout=10) == 0
