"""Settings and runs as a command asks for them."""

from __future__ import annotations

import os

from flows import logs
from flows.clock import parse_as_of
from flows.dbt_log import Progress
from flows.run import Run, new_run_id
from warehouse import motherduck
from warehouse.settings import Settings, load_settings


def command_settings(upstream: str | None = None) -> Settings:
    """Settings of the environment, or of this upstream."""
    settings = load_settings(**({"upstream": upstream} if upstream else {}))
    motherduck.demand_token(settings)
    return settings


def begin(
    flow: str,
    *,
    settings: Settings,
    as_of: str | None,
    progress: Progress,
    wait: bool = False,
    force: bool = False,
) -> Run:
    """A run at its as-of time. Raises BadInput for a time that is none."""
    now = parse_as_of(as_of)
    run = Run(settings, flow, now, new_run_id(now), progress, wait=wait, force=force)
    logs.to_file(settings, run.run_id, lambda text: run.mask.text(text))
    return run


def quiet_telemetry() -> None:
    """Nothing this command starts reports home, whatever the machine's defaults are."""
    os.environ |= {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DVC_NO_ANALYTICS": "1",
        "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
