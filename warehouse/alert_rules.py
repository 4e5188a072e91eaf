"""Alert rules: which event to warn of, and what acting and missing it cost. One line each in alert_rules.csv."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from warehouse.seed_csv import NAME, Line, read_seed

COLUMNS = (
    "rule_id,dataset,variable,direction,threshold,statistic,window_h,lead_h,cost_of_acting,loss_if_missed,"
    "unit,description,what_to_do"
)
HORIZON_H = 48  # hours that forecasts reach
DIRECTIONS = ("above", "below")
STATISTICS = ("mean", "max", "min")


@dataclass(frozen=True)
class AlertRule:
    """The event: `statistic` over hours [origin + lead_h, origin + lead_h + window_h) strictly beyond `threshold`."""

    rule_id: str
    dataset: str
    variable: str
    direction: str
    threshold: float
    statistic: str
    window_h: int
    lead_h: int
    cost_of_acting: float
    loss_if_missed: float
    unit: str
    description: str
    what_to_do: str

    @property
    def act_from(self) -> float:
        """The probability from which acting pays: cost / loss."""
        return self.cost_of_acting / self.loss_if_missed


class Ranged(Protocol):
    """What a rule must agree with, as variables.csv says it."""

    @property
    def unit(self) -> str: ...
    @property
    def plausible_min(self) -> float: ...
    @property
    def plausible_max(self) -> float: ...


def read_rules(seeds_dir: Path, variables: Mapping[tuple[str, str], Ranged]) -> tuple[AlertRule, ...]:
    """The rules of alert_rules.csv. Raises BadInput naming the line; `variables` are those of variables.csv."""
    found = read_seed(seeds_dir / "alert_rules.csv", COLUMNS, "rule_id", _rule)
    for line, rule in found:
        if not any(dataset == rule.dataset for dataset, _ in variables):
            raise line.wrong("dataset", "a dataset of variables.csv")
        variable = variables.get((rule.dataset, rule.variable))
        if variable is None:
            raise line.wrong("variable", f"a variable that variables.csv has for {rule.dataset}")
        low, high = variable.plausible_min, variable.plausible_max
        if not low <= rule.threshold <= high:
            raise line.wrong("threshold", f"a plausible value of {rule.variable}: {low:g} to {high:g}")
        if rule.unit != variable.unit:
            raise line.wrong("unit", f"the unit of {rule.variable}: {variable.unit!r}")
    return tuple(rule for _, rule in found)


def _rule(line: Line) -> AlertRule:
    window_h = line.whole("window_h", 1, HORIZON_H)
    lead_h = line.whole("lead_h", 1, HORIZON_H)
    if lead_h + window_h > HORIZON_H + 1:
        last = HORIZON_H + 1 - window_h
        raise line.wrong("lead_h", f"at most {last}: forecasts reach {HORIZON_H} hours and the window has {window_h}")
    loss = line.number_in("loss_if_missed", 0)
    cost = line.number_in("cost_of_acting", 0)
    if not 0 < cost < loss:
        raise line.wrong("cost_of_acting", f"more than 0 and less than loss_if_missed, which is {loss:g}")
    return AlertRule(
        line.text("rule_id", NAME),
        line.text("dataset", NAME),
        line.text("variable", NAME),
        _one_of(line, "direction", DIRECTIONS),
        line.number_in("threshold"),
        _one_of(line, "statistic", STATISTICS),
        window_h,
        lead_h,
        cost,
        loss,
        line.text("unit", most=40),
        line.text("description"),
        line.text("what_to_do", most=600),
    )


def _one_of(line: Line, column: str, allowed: tuple[str, ...]) -> str:
    if line.fields[column] not in allowed:
        raise line.wrong(column, " or ".join(allowed))
    return line.fields[column]
