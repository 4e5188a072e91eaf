"""The backfill flow: a range of days, resumable after a kill."""

from __future__ import annotations

from datetime import date

from prefect import flow

from flows import sequence
from flows.shell import artifacts, as_task, begin_or_take


@flow(name="skyduck-backfill", flow_run_name="backfill {since} to {until}", persist_result=False)
def backfill(
    since: date,
    until: date | None = None,
    sources: list[str] | None = None,
    subjects: list[str] | None = None,
    as_of: str | None = None,
    upstream: str | None = None,
) -> str:
    """Load the range and build the observations from it; waits its turn beside the daily run. Returns the run id."""
    run = begin_or_take("backfill", as_of=as_of, upstream=upstream, wait=True)
    try:
        sequence.backfill(run, since=since, until=until, sources=sources, subjects=subjects, call=as_task(run))
    finally:
        artifacts(run)
    return run.run_id
