"""A run that ends with an error is an alarm, too: told once, and over with the next good run of its kind.

It is raised where a run can still end in any way, so nothing here may hide the run's own error.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from flows.notify import Message, send
from flows.run import Run
from warehouse import alarms as store
from warehouse.alarms import Alarm
from warehouse.errors import BadInput, DataTestFailed, UpstreamFailed

KIND = "run"
SCHEDULED = {"daily": "skyduck run", "retrain": "skyduck train"}  # whoever starts another flow is there to see it end


@contextmanager
def told(run: Run) -> Iterator[None]:
    """Tells of an error that leaves the block, or that an earlier run's is over. May be nested; a stop is no error.

    Entered with the lock held: a run that lost the race for it never comes here.
    """
    if run.flow not in SCHEDULED:
        yield
        return
    try:
        yield
    except Exception as error:
        if run.failure is None:  # not told by an inner block
            run.failure = error
            went_on = run.published is not None or run.nothing_new
            if isinstance(error, UpstreamFailed) and went_on:  # an alarm of the source's own
                recover(run, f"{KIND}:{run.flow}")
            else:
                raise_once(run, alarm_of(run, error))
        raise
    recover(run, f"{KIND}:{run.flow}")


def alarm_of(run: Run, error: Exception) -> Alarm:
    """What ended the run, and what to do."""
    said = (run.mask.text(str(error)).strip().splitlines() or [type(error).__name__])[0]
    command = SCHEDULED[run.flow]
    steps = {
        DataTestFailed: f"See the rows of what it names (the queries are in dbt/target/compiled), then `{command}`",
        BadInput: f"Mend what it names, then `{command}`",
        UpstreamFailed: f"`skyduck doctor` tries to reach it; `{command}` asks again",
    }
    step = next((text for kind, text in steps.items() if isinstance(error, kind)), "")
    what = f"the {run.flow} run ended before it published: {said}"
    return Alarm(f"{KIND}:{run.flow}", KIND, "critical", what, step or f"`{command} --debug` shows where", "fct_runs")


def raise_once(run: Run, alarm: Alarm) -> None:
    """Where the warehouse cannot say what was told before, it is told again."""
    with suppress(Exception):
        at, known = run.clock.read(), False
        with suppress(Exception):
            known = alarm.alarm_id in store.open_before(run.settings, "", at)
        if known:
            return
        with suppress(Exception):
            store.add(run.settings, run.run_id, at, alarm, "raised")
        run.warnings += send(run.settings, Message(run.run_id, run.now, [alarm], [], 0))


def recover(run: Run, alarm_id: str) -> None:
    """Tells that it is over, where it is open."""
    with suppress(Exception):
        at = run.clock.read()
        alarm = store.open_before(run.settings, "", at).get(alarm_id)
        if alarm is not None:
            store.add(run.settings, run.run_id, at, alarm, "recovered")
            run.warnings += send(run.settings, Message(run.run_id, run.now, [], [alarm], 0))
