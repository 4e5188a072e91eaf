"""The step that decides on evidence, before anything is trained."""

from __future__ import annotations

from flows.run import Run
from flows.steps import datasets
from warehouse.errors import BadInput


def look(run: Run) -> list[tuple[str, str]]:
    """Goes back to an older version where the policy says so, and gives (dataset, reason) of what must be trained.

    A policy that fails does not stop the forecast: what is due by age is trained all the same.
    """
    from ml.monitor.decide import decide_all
    from ml.train import is_due

    try:
        with run.step("decide") as note:
            found = decide_all(run.settings, datasets(run), now=run.now, run_id=run.run_id)
            wanted = [(each.dataset, each.decision.reason) for each in found if each.decision.action == "retrain"]
            run.decided = [str(each) for each in found if each.is_news]
            run.warnings += run.decided
            note.detail["decided"] = [str(each) for each in found]
    except Exception as error:
        run.warnings.append(f"nothing was decided on evidence: {(str(error).splitlines() or [repr(error)])[0]}")
        wanted = [(name, reason) for name in datasets(run) if (reason := is_due(run.settings, name, run.now))]
    return [(dataset, reason) for dataset, reason in wanted if _may_train(run, dataset)]


def _may_train(run: Run, dataset: str) -> bool:
    from ml.production import require_newest

    try:
        require_newest(run.settings, dataset, run.now)
    except BadInput as error:
        run.warnings.append(f"{dataset} was not trained: {error}")
        return False
    return True
