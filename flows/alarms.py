"""What is wrong at the end of a run: raised once, told once, and told again when it is over."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from flows.notify import Message, send
from flows.run import Run
from ml.monitor.params import AlarmLimits, load_alarm_limits
from warehouse import alarms as store
from warehouse import costs
from warehouse.alarms import Alarm

GIB = 2**30


def look(run: Run) -> None:
    """Compares what is wrong now with what was open before, keeps both ends, and tells a person of the news.

    A failure here never stops the run.
    """
    try:
        with run.step("alarms") as note:
            now = {alarm.alarm_id: alarm for alarm in conditions(run, load_alarm_limits())}
            before = store.open_before(run.settings, run.run_id, run.now)
            # how other runs ended is not known here, nor how the export will go
            later = {"run", "export"} if run.settings.export_to else {"run"}
            own = f"run:{run.flow}"
            before = {name: alarm for name, alarm in before.items() if name == own or alarm.kind not in later}
            raised = [alarm for name, alarm in now.items() if name not in before]
            recovered = [alarm for name, alarm in before.items() if name not in now]
            store.write(run.settings, run.run_id, run.now, raised, recovered)
            note.n_rows = len(now)
            note.detail |= {"raised": [each.alarm_id for each in raised]}
            note.detail |= {"recovered": [each.alarm_id for each in recovered]}
            run.alarms = sorted(now.values(), key=lambda alarm: (alarm.severity, alarm.alarm_id))
            run.warnings += [f"alarm: {alarm.what}. {alarm.next_step}" for alarm in raised]
            run.warnings += [f"recovered: {alarm.what}" for alarm in recovered]
            still = len(now) - len(raised)
            if raised or recovered or run.decided:
                run.warnings += send(run.settings, Message(run.run_id, run.now, raised, recovered, still, run.decided))
    except Exception as error:
        run.warnings.append(f"alarms were not looked for: {(str(error).splitlines() or [repr(error)])[0]}")


def conditions(run: Run, limits: AlarmLimits) -> Iterator[Alarm]:
    """Everything that is wrong now."""
    yield from _of_sources(run)
    yield from _of_series(run, limits)
    yield from _of_models(run, limits)
    yield from _of_costs(run, limits)
    yield from _of_promises(run, limits)
    for line in [str(warning) for result in run.dbt for warning in result.warnings]:
        yield Alarm(f"dbt:{line.split(' ')[0]}", "data test", "warning", f"dbt warns: {line}", SEE_TEST, "dbt.log")
    free = shutil.disk_usage(run.settings.data_dir).free / GIB
    if free < limits.free_gib:
        what = f"{free:.1f} GiB are free where the data lies, {limits.free_gib:g} wanted"
        yield Alarm("disk", "disk", "critical", what, "Make room, or move the data folder (SKYDUCK_DATA_DIR)", "")
    if (held := _bytes_below(run.settings.data_dir) / GIB) > limits.data_gib:
        what = f"the data folder holds {held:.1f} GiB, {limits.data_gib:g} planned"
        step = "See which folder of it has grown; `dvc gc --workspace` drops snapshots nobody names"
        yield Alarm("data", "disk", "warning", what, step, "")


SEE_TEST = "The test names the model and the column; its rows are those the query in target/compiled gives"


def _of_sources(run: Run) -> Iterator[Alarm]:
    again = "It is asked again by the next run; `skyduck doctor` tries to reach it"
    for line in run.failed_sources:
        yield Alarm(f"source:{line.split(':')[0]}", "source", "warning", f"source failed: {line}", again, "fct_loads")
    for line in run.stale:
        name = line.split(":")[0].split(" ")[0]
        yield Alarm(f"stale:{name}", "freshness", "warning", f"old data: {line}", again, "fct_loads")


def _of_series(run: Run, limits: AlarmLimits) -> Iterator[Alarm]:
    for state in store.series_states(run.settings, run.now):
        name, hours = state.series_id, max(1, state.n_hours)
        if state.silent_h is None or state.silent_h > limits.silent_hours:
            what = f"{name} has been silent for {state.silent_h or 'more than 1,440'} hours"
            step = "See whether its source still has it; its forecast falls back and widens meanwhile"
            yield Alarm(f"silent:{name}", "gap", "warning", what, step, "fct_observations")
        if state.n_quarantined / hours > limits.quarantined_share:
            what = f"{state.n_quarantined} of the last {hours} hours of {name} are quarantined"
            step = "fct_quarantine says why; a range of variables.csv may be wrong, or the unit has changed"
            yield Alarm(f"quarantine:{name}", "quarantine", "warning", what, step, "fct_quarantine")
        if state.n_stuck >= limits.stuck_hours:
            what = f"{name} stood still in {state.n_stuck} of the last {hours} hours"
            step = "Ask whoever keeps the sensor; hours that stand still are not learnt from"
            yield Alarm(f"stuck:{name}", "stuck sensor", "warning", what, step, "fct_observations")
    for name, what in run.drifted.items():
        step = "Look at the run's page in drift/ of the data folder: an episode passes, a changed sensor does not"
        yield Alarm(f"drift:{name}", "data drift", "warning", f"{name} drifts: {what}", step, "fct_drift")


def _of_models(run: Run, limits: AlarmLimits) -> Iterator[Alarm]:
    for row in store.fallback(run.settings, run.run_id):
        if int(str(row["n_fallback"])) > limits.fallback_share * int(str(row["n_series"])):
            what = f"{row['n_fallback']} of {row['n_series']} series of {row['dataset']} are answered by {row['rungs']}"
            step = "rung_reason in fct_forecasts says why the champion passed"
            yield Alarm(f"fallback:{row['dataset']}", "fallback", "warning", what, step, "fct_forecasts")
    for row in store.model_drift(run.settings):
        does = {"error": "errs", "miss_80": "misses its 80 % interval"}[str(row["measure"])]
        told = f"{row['value']:.2f} for {row['promised']:.2f}"
        what = f"{row['model_version']} {does} more than its backtest promised ({told})"
        step = f"`skyduck train --dataset {row['dataset']}`, or `skyduck models rollback --dataset {row['dataset']}`"
        name = f"model_drift:{row['dataset']}:{row['measure']}"
        yield Alarm(name, "model drift", "critical", what, step, "fct_model_drift")


def _of_costs(run: Run, limits: AlarmLimits) -> Iterator[Alarm]:
    """Of the newest run that is whole: this one has not ended."""
    found = costs.newest(run.settings, run.now)
    if found is None:
        return
    step = "fct_runs says which step; prices.csv of the seeds what is paid for it"
    if found.cost_per_1000 > limits.cost_per_1000:
        what = f"run {found.run_id} cost {found}; {limits.cost_per_1000:g} are planned"
        yield Alarm("cost", "cost", "warning", what, step, "fct_run_costs")
    if found.ratio is not None and found.ratio > limits.cost_growth:
        what = f"run {found.run_id} cost {found.ratio:.1f} times as much as usual: {found}"
        yield Alarm("cost_growth", "cost", "warning", what, step, "fct_run_costs")


def _bytes_below(folder: Path) -> int:
    """Sizes of all files; one that goes meanwhile counts nothing."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(parent, name)).st_size
    return total


def _of_promises(run: Run, limits: AlarmLimits) -> Iterator[Alarm]:
    """Quantiles and probabilities against how often what they tell comes true."""
    for row in store.prediction_drift(run.settings, limits.prediction_drift_sd):
        lie = f"{row['below']:.0%} of the truths lie below its {row['worst_level']:.0%} quantile"
        what = f"{row['model_version']}: {lie} in {row['n_origins']} days, not as in its backtest"
        step = "below and promised in fct_prediction_drift say where; a training learns what is new"
        name = f"prediction_drift:{row['dataset']}"
        yield Alarm(name, "prediction drift", "warning", what, step, "fct_prediction_drift")
    for row in store.alert_drift(run.settings, run.now):
        told = f"{row['probability']:.0%} told and {row['frequency']:.0%} come on the last day"
        what = f"the event of {row['rule_id']} has come {row['comes']} than told for days ({told})"
        step = "Act on its probabilities with that in mind until the rule is learnt anew, every week"
        yield Alarm(f"alert_drift:{row['rule_id']}", "alert drift", "warning", what, step, "fct_alert_drift")
