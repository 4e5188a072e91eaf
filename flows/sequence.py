"""What follows what. The same sequences run plainly and under Prefect: only how a step is called differs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial

from flows import alarms, decide, drift, failure, steps
from flows.ahead import Ahead
from flows.export.step import export
from flows.run import Call, Run, plainly
from warehouse.errors import BadInput, UpstreamFailed
from warehouse.lock import hold


def daily(run: Run, call: Call = plainly) -> None:
    """load → freshness → dbt → decide → train where due → predict → alerts → drift → dbt → alarms → publish → export.

    A source that fails does not stop the rest; the run then ends with UpstreamFailed naming it. Nothing is published
    after a failed data test. Where nothing is new since the last publication, or nothing was ever received, it ends
    after the load. It exports only where SKYDUCK_EXPORT_TO names a place: what is published, be it new or not.
    """
    with _whole(run):
        steps.check_knobs(run)
        call("load", lambda: steps.load(run))
        if not steps.has_anything(run):
            raise_for_sources(run)
        call("freshness", lambda: steps.freshness(run))
        run.nothing_new = steps.is_nothing_new(run)
        if not run.nothing_new:
            call("dbt before ml", lambda: steps.build(run, "before"))
            due = call("decide", lambda: decide.look(run))
            with Ahead(run, [dataset for dataset, _ in due]) as ahead:
                for dataset, reason in due:
                    call(f"train {dataset}", partial(steps.train, run, dataset, reason, ahead))
            try:
                call("predict", lambda: steps.predict(run))
            except BadInput:
                raise_for_sources(run)  # nothing to forecast because nothing was ever loaded
                raise
            call("alerts", lambda: steps.alerts(run))
            call("drift", lambda: drift.look(run))
            with drift.page(run):
                call("dbt after ml", lambda: steps.build(run, "after"))
            call("alarms", lambda: alarms.look(run))
            call("publish", lambda: steps.publish(run))
        if run.settings.export_to:
            call("export", lambda: export(run))
        raise_for_sources(run)


def backfill(
    run: Run,
    *,
    since: date,
    until: date | None = None,
    sources: list[str] | None = None,
    subjects: list[str] | None = None,
    call: Call = plainly,
) -> None:
    """Loads a range and builds the observations from it. What was loaded before a kill is not asked for again."""
    with _whole(run):
        call(
            "load",
            lambda: steps.load(run, mode="backfill", since=since, until=until, sources=sources, subjects=subjects),
        )
        call("dbt before ml", lambda: steps.build(run, "before"))
        raise_for_sources(run)


def retrain(run: Run, *, datasets: list[str] | None = None, reason: str, call: Call = plainly) -> None:
    """Competes the models again by `dvc repro`, whether due or not, and publishes the outcome for the next forecast."""
    with _whole(run):
        steps.check_knobs(run, by_dvc=True)
        for dataset in datasets or steps.datasets(run):
            call(f"train {dataset}", partial(steps.train, run, dataset, reason))
        call("push artefacts", lambda: steps.push_artefacts(run))
        call("dbt after ml", lambda: steps.build(run, "after"))
        call("publish", lambda: steps.publish(run, with_forecasts=False))


def raise_for_sources(run: Run) -> None:
    if run.failed_sources:
        rest = "" if run.published is None else " What the other sources gave is built, forecast and published."
        raise UpstreamFailed("; ".join(run.failed_sources) + "." + rest)


@contextmanager
def _whole(run: Run) -> Iterator[None]:
    """The lock, one row for the run as a whole, and an alarm where it ends with an error."""
    lock = hold(run.settings, run_id=run.run_id, now=run.now, wait=run.wait, notice=run.progress)
    with lock, failure.told(run), run.step("total"):
        yield
