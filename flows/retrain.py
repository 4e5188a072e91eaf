"""The retrain flow: the models compete again, whether due or not."""

from __future__ import annotations

from prefect import flow

from flows import sequence
from flows.shell import artifacts, as_task, begin_or_take, run_name


@flow(name="skyduck-retrain", flow_run_name=run_name("retrain"), persist_result=False)
def retrain(
    datasets: list[str] | None = None,
    reason: str = "scheduled retraining",
    as_of: str | None = None,
    upstream: str | None = None,
) -> str:
    """Train and name champions; waits its turn beside the daily run. Returns the run id."""
    run = begin_or_take("retrain", as_of=as_of, upstream=upstream, wait=True)
    try:
        sequence.retrain(run, datasets=datasets, reason=reason, call=as_task(run))
    finally:
        artifacts(run)
    return run.run_id
