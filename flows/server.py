"""Where Prefect keeps its runs: the server that PREFECT_API_URL names, or a temporary one that ends with this process.

The temporary server's files lie under the data directory: a user's own Prefect is neither read nor written. Nothing
here imports Prefect before its settings stand in the environment, because it reads them once, at import.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.dbt_log import Progress
from flows.process import child
from warehouse.errors import BadInput, SkyduckError
from warehouse.settings import Settings

START_SECONDS = 90.0
DRAIN_SECONDS = 10.0
WITHOUT = "`skyduck run --plain` does the same steps without Prefect"
_SERVER = {
    "PREFECT_UI_ENABLED": "false",
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
    # Nobody waits for these on a server that lives as long as one run.
    "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
}


@contextmanager
def prefect_api(settings: Settings, *, progress: Progress) -> Iterator[str]:
    """The URL of an API that answers. Raises BadInput or SkyduckError naming the way around it."""
    _quiet_console()
    configured = os.environ.get("PREFECT_API_URL")
    if configured:
        _ask(configured)
        yield configured
        return
    home = settings.data_dir.resolve() / "prefect"
    home.mkdir(parents=True, exist_ok=True)
    log = settings.data_dir.resolve() / "logs" / "prefect.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("", encoding="utf-8")
    port = _free_port()
    url = f"http://127.0.0.1:{port}/api"
    changed = {"PREFECT_HOME": str(home), "PREFECT_API_URL": url}
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        progress("starting a temporary Prefect server")
        arguments = ["--factory", "prefect.server.api.server:create_app", "--host", "127.0.0.1", "--port", str(port)]
        with child("uvicorn", [*arguments, "--log-level", "error"], env=_SERVER, log=log) as process:
            import prefect  # noqa: F401  # beside the server's own start: it takes seconds, too

            _wait(process, url, log)
            _close_the_dead()
            try:
                yield url
            finally:
                drain()
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _quiet_console() -> None:
    """Prefect's log goes to its API; the screen shows our own progress."""
    if os.environ.get("SKYDUCK_DEBUG") != "1":
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")


def _ask(url: str) -> None:
    from prefect.client.orchestration import get_client

    try:
        with get_client(sync_client=True) as client:
            problem = client.api_healthcheck()
    except Exception as error:
        problem = error
    if problem is not None:
        reason = " ".join(str(problem).split()) or type(problem).__name__
        raise BadInput(f"Prefect at PREFECT_API_URL={url} does not answer ({reason[:200]}). {WITHOUT}")


def _wait(process: subprocess.Popen[str], url: str, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    said = " ".join(log.read_text(encoding="utf-8", errors="replace").split())[-300:]
    raise SkyduckError(
        f"the temporary Prefect server did not start: {said or 'it said nothing'} (see {log}). {WITHOUT}"
    )


def _close_the_dead() -> None:
    """Runs of this server that still count as running were killed: the lock says that nobody else is at work."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
    from prefect.client.schemas.objects import StateType
    from prefect.client.schemas.sorting import FlowRunSort
    from prefect.states import Crashed

    open_states = FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING])
    wanted = FlowRunFilter(state=FlowRunFilterState(type=open_states))
    with get_client(sync_client=True) as client:
        for run in client.read_flow_runs(flow_run_filter=wanted, limit=50, sort=FlowRunSort.START_TIME_DESC):
            client.set_flow_run_state(run.id, Crashed(message="its process ended without a word"), force=True)


def drain() -> None:
    """Sends what Prefect still holds back. Left to its own, it tries for a minute to reach a server that has ended."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    for worker in (EventsWorker, APILogWorker):
        worker.drain_all(timeout=DRAIN_SECONDS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
