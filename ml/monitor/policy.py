"""What a run decides on what it has seen: train, go back, promote, warn or hold; told in docs/operations.md.

A rule that asked for a training does not ask again before it was off for a run: what a training did not mend, the next
one will not either, and the weekly one comes anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy import stats

from ml.arms.ab import Outcome
from ml.forecaster import Floats
from ml.params import Policy

Action = Literal["retrain", "rollback", "promote", "advise", "warn", "hold"]
USUAL_SD, USUAL_DAYS = 0.15, 4.0  # how far a day's loss of one good version lies from another's, and its weight in days
LEAST_DAYS = 2
ASKING = ("refused", "performance", "drift_and_errors")  # rules that ask for a training, beside new series


@dataclass(frozen=True)
class Errors:
    """The newest line of fct_model_drift for the champion over all series."""

    value: float
    promised: float
    recent_sd: float
    is_drift: bool


@dataclass(frozen=True)
class Against:
    """The champion against its predecessor, which answered the same hours beside it."""

    predecessor: str
    n_days: int
    gain: float  # share by which the predecessor's loss is lower
    p_value: float  # one-sided, that it is not

    @classmethod
    def of(cls, predecessor: str, champion: Floats, beside: Floats) -> Against | None:
        """Of daily mean losses (n,). Student's t with a prior for the spread, so that two days can tell (scaled inverse
        chi-square, Gelman et al., Bayesian Data Analysis, 3rd ed., 2.6)."""
        n, level = len(champion), float(np.mean(champion)) if len(champion) else 0.0
        if n < LEAST_DAYS or level <= 0:
            return None
        days = (champion - beside) / level
        mean, freedom = float(days.mean()), USUAL_DAYS + n - 1
        variance = (USUAL_DAYS * USUAL_SD**2 + float(((days - mean) ** 2).sum())) / freedom
        return cls(predecessor, n, mean, float(stats.t.sf(mean / np.sqrt(variance / n), freedom)))

    def __str__(self) -> str:
        side = "lower" if self.gain >= 0 else "higher"
        return (
            f"the predecessor's loss would have been {abs(self.gain):.1%} {side} over {self.n_days} days, "
            f"p = {self.p_value:.4f}"
        )


@dataclass(frozen=True)
class Before:
    """An earlier decision on the dataset."""

    action: str
    triggers: tuple[str, ...]
    champion: str | None


@dataclass(frozen=True)
class Evidence:
    """What is known of a dataset before its run trains. `due`: by age, params, or because there is no model yet.

    `before`: earlier decisions, the newest first.
    """

    dataset: str
    champion: str | None = None
    due: str | None = None
    refused: str | None = None  # why the champion cannot be loaded
    days_since_training: float | None = None
    errors: Errors | None = None
    misses: Errors | None = None
    drifted: tuple[str, ...] = ()
    new_series: tuple[str, ...] = ()
    against: Against | None = None
    trial: Outcome | None = None
    before: tuple[Before, ...] = ()


@dataclass(frozen=True)
class Decision:
    action: Action
    reason: str
    triggers: tuple[str, ...] = field(default=())


def decide(seen: Evidence, policy: Policy, *, manual: bool) -> list[Decision]:
    """At least one; `manual`: what changes production is advice to a person."""
    on = triggers(seen, policy)
    found = list(_of_production(seen, policy, on, manual=manual))
    rolled_back = any(each.action == "rollback" for each in found)
    training = _of_training(seen, policy, on, rolled_back=rolled_back)
    found += [training] if training else []
    names = tuple(on)
    if not found:
        told = "; ".join(on[name] for name in on)
        found = [Decision("warn", told)] if on else [Decision("hold", "nothing asks for a change")]
    return [Decision(each.action, each.reason, names) for each in found]


def triggers(seen: Evidence, policy: Policy) -> dict[str, str]:
    """The rules whose condition holds, each with what was seen."""
    found: dict[str, str] = {}
    if seen.due:
        found["age"] = seen.due
    if seen.refused:
        found["refused"] = f"the champion cannot answer: {seen.refused}"
    if seen.errors and seen.errors.is_drift:
        found["performance"] = (
            f"errors of {seen.errors.value:.2f} where the backtest promised {seen.errors.promised:.2f}"
        )
    if seen.misses and seen.misses.is_drift:
        told = f"{seen.misses.value:.0%} of truths outside the 80 % interval, {seen.misses.promised:.0%} promised"
        found["intervals"] = told
    if seen.drifted:
        named = ", ".join(seen.drifted[:3]) + (f" and {len(seen.drifted) - 3} more" if len(seen.drifted) > 3 else "")
        found["data_drift"] = f"drift of {named}"
        if seen.errors and seen.errors.recent_sd >= policy.hint_sd:
            found["drift_and_errors"] = f"drift of {named}, and errors {seen.errors.recent_sd:.1f} sd above the promise"
    for name in seen.new_series:
        found[f"new_series:{name}"] = f"{name} is new to the models"
    if seen.against and seen.against.p_value < policy.rollback_alpha and seen.against.gain >= policy.rollback_margin:
        found["predecessor"] = str(seen.against)
    if seen.trial and seen.trial.better == "b":
        found["trial"] = f"A/B: {seen.trial}"
    return found


def _of_production(seen: Evidence, policy: Policy, on: dict[str, str], *, manual: bool) -> Iterator[Decision]:
    if "predecessor" in on:
        again = any(each.action == "rollback" and each.champion == seen.champion for each in seen.before)
        if again:
            yield Decision(
                "advise", f"{on['predecessor']}; it was taken out for that before and put back: a person decides"
            )
        else:
            yield Decision("advise" if manual else "rollback", on["predecessor"])
    elif "trial" in on:
        yield Decision("advise" if manual else "promote", on["trial"])


def _of_training(seen: Evidence, policy: Policy, on: dict[str, str], *, rolled_back: bool) -> Decision | None:
    if seen.due:
        return Decision("retrain", seen.due)
    asking = [name for name in on if name in ASKING or name.startswith("new_series:")]
    if "refused" in asking and not (seen.before and "refused" in seen.before[0].triggers):
        asking.remove("refused")  # told first: a person may still have the files
    if not asking or rolled_back:
        return None
    told = "; ".join(on[name] for name in asking)
    armed = [name for name in asking if _is_armed(name, seen.before)]
    if not armed:
        return Decision("hold", f"{told}; a training for it was held and it has not been off since")
    young = seen.days_since_training is not None and seen.days_since_training < policy.cooldown_days
    if young and "refused" not in armed:
        return Decision("hold", f"{told}; the newest training is {seen.days_since_training:.1f} days old, cooldown")
    return Decision("retrain", "; ".join(on[name] for name in armed))


def _is_armed(name: str, before: tuple[Before, ...]) -> bool:
    """Whether the rule was off in a run since the last training that it asked for."""
    for each in before:
        if name not in each.triggers:
            return True
        if each.action == "retrain":
            return False
    return True
