"""The dead man's check as a flow, for a Prefect worker: a run that fails where a daily run is missed."""

from __future__ import annotations

from prefect import flow

from flows.clock import parse_as_of
from flows.options import command_settings
from flows.watchdog import parse_due, telling, watch


@flow(name="skyduck-watchdog", persist_result=False)
def overdue(due: str = "07:30", as_of: str | None = None, upstream: str | None = None, notify: bool = False) -> str:
    """Raises RunsMissed; needs neither the lock nor the warehouse. Returns what was found."""
    settings, now = command_settings(upstream), parse_as_of(as_of)
    with telling(settings, now, notify=notify):
        found = watch(settings, now=now, due=parse_due(due))
        found.require()
    return found.told
