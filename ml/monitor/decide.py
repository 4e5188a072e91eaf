"""The policy at work: evidence read, production changed where it is to be, every decision put on record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from ml import registry
from ml.arms.beside import predecessor, versions_beside
from ml.arms.choose import ab_outcome, trial_of
from ml.artefact import read_files
from ml.monitor.policy import Against, Before, Decision, Errors, Evidence, decide
from ml.params import Params, load_params
from ml.production import decide as put_on_record
from ml.production import rollback
from ml.recipe import Row
from ml.train import is_due
from warehouse import evidence as store
from warehouse import results
from warehouse.arms import paired_losses
from warehouse.decider import Decider
from warehouse.errors import ArtefactRefused, BadInput
from warehouse.settings import Settings

ACTOR = "policy"


@dataclass(frozen=True)
class Decided:
    dataset: str
    decision: Decision

    @property
    def is_news(self) -> bool:
        """A person wants to know of it: more than a training that was due by its age."""
        by_age = self.decision.action == "retrain" and self.decision.triggers == ("age",)
        return self.decision.action not in ("hold", "warn") and not by_age

    def __str__(self) -> str:
        return f"{self.dataset}: {self.decision.action}: {self.decision.reason}"


def decide_all(
    settings: Settings,
    datasets: list[str],
    *,
    now: datetime,
    run_id: str,
    params_of: Callable[[str], Params] = load_params,
    due_of: Callable[[Settings, str, datetime], str | None] = is_due,
) -> list[Decided]:
    """Decides on every dataset and acts on what concerns production; trainings are left to who asked."""
    found, rows = [], []
    for dataset in datasets:
        params = params_of(dataset)
        seen, trial_version = gather(settings, params, now, due=due_of(settings, dataset, now))
        manual = (settings.promotion_policy or params.promotion.policy) == "manual"
        for decision in decide(seen, params.policy, manual=manual):
            decision = _act(settings, dataset, decision, trial_version, now, run_id)
            found.append(Decided(dataset, decision))
            rows.append(_row(seen, decision, now))
    store.write_decisions(settings, run_id, rows)
    return found


def gather(settings: Settings, params: Params, now: datetime, *, due: str | None) -> tuple[Evidence, Row | None]:
    """Everything known of a dataset at `now`, and the version that stands against the champion in an A/B."""
    dataset = params.dataset
    top = registry.champion(settings, dataset, now)
    before = [Before(row["action"], tuple(row["triggers"]), row["champion"])
              for row in store.decisions_before(settings, dataset, now)]  # fmt: skip
    seen = Evidence(dataset, due=due, before=tuple(before))
    if top is None:
        return seen, None
    newest: list[Row] = list(results.versions(settings, dataset, now))
    version = str(top["model_version"])
    errors = store.errors(settings, version, now)
    trial, rival = _trial(settings, params, now)
    age = now - newest[0]["trained_at"]
    known_since = now - timedelta(days=params.training.min_days)
    seen = replace(
        seen,
        champion=version,
        refused=_refusal(settings, top),
        days_since_training=age.total_seconds() / 86_400,
        errors=Errors(**errors["error"]) if "error" in errors else None,
        misses=Errors(**errors["miss_80"]) if "miss_80" in errors else None,
        drifted=store.drifted(settings, dataset, now),
        new_series=store.new_series(settings, dataset, str(newest[0]["run_id"]), known_since),
        against=_against(settings, params, version, now),
        trial=trial,
    )
    return seen, rival


def _refusal(settings: Settings, top: Row) -> str | None:
    try:
        read_files(settings, str(top["model_version"]), top["artefact_sha256"])
    except ArtefactRefused as error:
        return str(error)
    return None


def _against(settings: Settings, params: Params, champion: str, now: datetime) -> Against | None:
    before = predecessor(settings, params, now)
    if before is None:
        return None
    since = results.champion_events(settings, params.dataset, now)[0]["event_at"]
    assert isinstance(since, datetime)
    origin = since.replace(minute=0, second=0, microsecond=0)
    days = paired_losses(settings, champion, str(before["model_version"]), origin, now)
    columns = (days[name].to_numpy(np.float64) for name in ("champion", "predecessor"))
    return Against.of(str(before["model_version"]), *columns)


def _trial(settings: Settings, params: Params, now: datetime) -> tuple[Any, Row | None]:
    if params.arms.mode != "ab":
        return None, None
    trial = trial_of(settings, params, versions_beside(settings, params, now), now)
    return (None, None) if trial is None else (ab_outcome(settings, params, trial, now), trial.versions[trial.arms[1]])


def _act(
    settings: Settings, dataset: str, decision: Decision, rival: Row | None, now: datetime, run_id: str
) -> Decision:
    """What cannot be done is advice, with the reason."""
    # a name of its own: what this run trains is judged against what the policy has put in production
    by = Decider(ACTOR, decision.reason, now, f"{run_id}-policy")
    try:
        if decision.action == "rollback":
            rollback(settings, dataset, None, by)
        elif decision.action == "promote" and rival is not None:
            put_on_record(settings, "promote", [rival], by)
    except (BadInput, ArtefactRefused) as error:
        return replace(decision, action="advise", reason=f"{decision.reason}; it could not be done: {error}")
    return decision


def _row(seen: Evidence, decision: Decision, now: datetime) -> dict[str, Any]:
    figures = {
        "champion": seen.champion,
        "days_since_training": seen.days_since_training,
        "errors": vars(seen.errors) if seen.errors else None,
        "intervals": vars(seen.misses) if seen.misses else None,
        "drifted": list(seen.drifted),
        "against": vars(seen.against) if seen.against else None,
        "trial": vars(seen.trial) if seen.trial else None,
    }
    return {
        "created_at": now,
        "dataset": seen.dataset,
        "action": decision.action,
        "triggers": list(decision.triggers),
        "reason": decision.reason,
        "evidence": {name: value for name, value in figures.items() if value not in (None, [])},
    }
