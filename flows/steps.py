"""The steps of a day as plain functions. Each measures and records itself; none knows of Prefect."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Literal

from flows import dbt
from flows.ahead import Ahead
from flows.clock import origin_of
from flows.dvc import project_of
from flows.fingerprint import fingerprint
from flows.reproduce import at_once, push, record_news, reproduce
from flows.run import Run
from flows.upstream import upstream
from warehouse.catalog import load_catalog
from warehouse.errors import BadInput, SkyduckError
from warehouse.overview import waiting
from warehouse.privacy import pseudonyms, settle
from warehouse.publish import publish as publish_copy
from warehouse.published import publication, published_copy
from warehouse.retention import drop_old_reports, drop_old_vintages
from warehouse.runs import watermark

if TYPE_CHECKING:
    from loader.summary import LoadSummary


def load(
    run: Run,
    *,
    mode: Literal["live", "backfill"] = "live",
    since: date | None = None,
    until: date | None = None,
    sources: list[str] | None = None,
    subjects: list[str] | None = None,
) -> LoadSummary:
    """Fetches what is missing. A source that fails is named in the summary and does not stop the others.

    What the loader says of private places is said with their pseudonyms, and `subjects` may name them so.
    """
    from loader.load import load as load_windows

    with run.step("load") as note, upstream(run.settings, now=run.now, progress=run.progress) as settings:
        true = {shown: name for name, shown in pseudonyms(settings, load_catalog(settings.seeds_dir)).items()}
        note.detail["upstream"] = settings.upstream
        run.loads = load_windows(
            settings,
            now=run.now,
            run_id=run.run_id,
            mode=mode,
            since=since,
            until=until,
            sources=sources,
            subjects=subjects and [true.get(subject, subject) for subject in subjects],
            progress=lambda line: run.progress(run.mask.text(line)),
        )
        for source in run.loads.sources:
            source.error = run.mask.text(source.error) if source.error else None
        note.n_rows = sum(source.n_hours for source in run.loads.sources)
        note.n_calls = sum(source.n_calls for source in run.loads.sources)
        note.detail |= {"new_bodies": run.loads.n_new_bodies, "failed": run.loads.failed}
        note.detail["allowances"] = [vars(allowance) for allowance in run.loads.allowances]
    return run.loads


def freshness(run: Run) -> None:
    """Asks dbt how old each source is. Old data is shown, and forecast from: it does not stop the run."""
    with run.step("freshness") as note:
        _, run.stale = dbt.freshness(run.settings, now=run.now, progress=run.progress)
        note.detail["stale"] = run.stale


def check_knobs(run: Run, *, by_dvc: bool = False) -> None:
    """Raises BadInput, before anything is begun, where params.yaml, DVC's own or the seeds would end the run later."""
    from ml.monitor.params import check_monitoring
    from ml.params import PARAMS_FILE, check_params

    check_params(PARAMS_FILE)
    check_monitoring(PARAMS_FILE)
    pseudonyms(run.settings, load_catalog(run.settings.seeds_dir))
    if by_dvc:
        check_params(project_of(run.settings).params)


def has_anything(run: Run) -> bool:
    """Whether a body was ever received."""
    return watermark(run.settings)[0] > 0


def is_nothing_new(run: Run) -> bool:
    """The published copy was made from the same code, data, champions and origin: a rerun would only repeat it."""
    if run.force:
        return False
    try:
        _, _, made_from = publication(published_copy(run.settings))
    except BadInput:
        return False
    return made_from == fingerprint(run.settings, run.now)


def build(run: Run, half: Literal["before", "after"]) -> None:
    """One half of the dbt graph. Raises DataTestFailed where the data broke a test or a contract."""
    with run.step(f"dbt {half} ml") as note:
        if half == "before" and (renamed := settle(run.settings, run.now)):
            run.warnings.append(f"other names than before for private places: {', '.join(renamed)}; all is built anew")
        select = dbt.BEFORE_ML if half == "before" else dbt.AFTER_ML
        result = dbt.build(run.settings, now=run.now, select=select, progress=run.progress)
        run.dbt.append(result)
        run.warnings += [f"dbt: {warning}" for warning in result.warnings]
        note.detail |= {"n_ok": result.n_ok, "n_warn": result.n_warn, "n_error": result.n_error}
        result.raise_for_failures()
        if half == "before":
            record_news(run, datasets(run))


def datasets(run: Run) -> list[str]:
    """Every dataset with a series to forecast."""
    from warehouse.marts import target_series

    return sorted(set(target_series(run.settings).column("dataset").to_pylist()))


def train(run: Run, dataset: str, reason: str, ahead: Ahead | None = None) -> None:
    """Competes the models of one dataset. A dataset that cannot be trained is a warning: the forecast goes on.

    `ahead`: learns beside what else is done, from the marts. Without it by DVC, kept to be repeated and fetched
    elsewhere: the same models, some seconds later.
    """
    try:
        with run.step(f"train {dataset}") as note:
            by_dvc = ahead is None
            result, stages = reproduce(run, dataset, reason) if by_dvc else at_once(run, dataset, reason, ahead)
            run.trained.append(result)
            note.detail |= {"reason": reason, "action": result.action, "decision": result.decision, "stages": stages}
            _say_what_waits(run)
    except SkyduckError as error:
        run.warnings.append(f"{dataset} was not trained: {error}")


def push_artefacts(run: Run) -> None:
    """What was trained, and on what, to the default DVC store."""
    with run.step("push artefacts"):
        push(run)


def predict(run: Run) -> None:
    """Every target series, 48 hours ahead, from this hour."""
    from ml.predict import predict as predict_all

    with run.step("predict") as note:
        run.predicted = predict_all(run.settings, now=run.now, run_id=run.run_id, progress=run.progress)
        run.warnings += run.predicted.notes
        run.warnings += [f"{series_id} has no reading at all: not forecast" for series_id in run.predicted.not_forecast]
        note.n_rows = run.predicted.n_rows
        note.detail["origin_at"] = f"{origin_of(run.now):%Y-%m-%d %H:%M}"
        _say_what_waits(run)


def _say_what_waits(run: Run) -> None:
    """The forecast stays with the champion until a person has decided: every run says so."""
    for row in waiting(run.settings, as_of=run.now):
        line = f"{row['dataset']}: {row['model_version']} waits for `skyduck models approve {row['model_version']}`"
        run.warnings += [] if line in run.warnings else [line]


def alerts(run: Run) -> None:
    """Trains the alert rules that are due and writes every rule's probabilities. A failure never stops the forecast."""
    from ml.alerts.predict import predict as predict_alerts
    from ml.alerts.rules import due as due_rules
    from ml.alerts.train import train as train_rules

    try:
        with run.step("alerts") as note:
            asked = due_rules(run.settings, run.now)
            rules = [rule for rule, _ in asked]
            trained, failed = train_rules(run.settings, rules, now=run.now, run_id=run.run_id, progress=run.progress)
            run.alerts = predict_alerts(run.settings, now=run.now, run_id=run.run_id, progress=run.progress)
            run.warnings += [*failed, *run.alerts.notes]
            note.n_rows = run.alerts.n_rows
            note.detail |= {"trained": {rule.rule_id: rule.method for rule in trained}, "active": run.alerts.active}
    except Exception as error:  # whatever went wrong here, the forecast goes out
        run.warnings.append(
            f"no alerts in this run: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
        )


def publish(run: Run, *, with_forecasts: bool = True) -> None:
    """Copies, checks and swaps in. `with_forecasts`: of this very run, for every series."""
    with run.step("publish") as note:
        run.published = publish_copy(
            run.settings,
            run_id=run.run_id,
            now=run.clock.read(),
            forecasts_of=run.run_id if with_forecasts else None,
            fingerprint=fingerprint(run.settings, run.now) if with_forecasts else "",
        )
        note.n_rows = run.published.n_rows
        note.detail["old_rows_deleted"] = drop_old_vintages(run.settings, run.now)
        note.detail["old_reports_deleted"] = drop_old_reports(run.settings, run.now)
        note.detail["path"] = run.published.path.name
        run.warnings += run.published.not_announced
        if run.published.masked:
            run.warnings.append(f"names of private places were replaced in {', '.join(run.published.masked)}")
