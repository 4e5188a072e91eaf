"""The daily flow, for a Prefect worker and for `skyduck run`."""

from __future__ import annotations

from prefect import flow

from flows import sequence
from flows.shell import artifacts, as_task, begin_or_take, run_name


@flow(name="skyduck-daily", flow_run_name=run_name("daily"), persist_result=False, validate_parameters=True)
def daily(as_of: str | None = None, upstream: str | None = None, wait: bool = False) -> str:
    """Load, build, train where due, forecast, score and publish. Returns the run id."""
    run = begin_or_take("daily", as_of=as_of, upstream=upstream, wait=wait)
    try:
        sequence.daily(run, as_task(run))
    finally:
        artifacts(run)
    return run.run_id
