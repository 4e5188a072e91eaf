"""The report of a trained alert rule, drawn from its row of ml.alert_models and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ml.report import alert_charts as charts
from ml.report import alert_worth as worth
from ml.report.template import Section, filled

COLUMNS = {
    "n_rows": "rows",
    "n_events": "events",
    "average_precision": "AP",
    "brier": "Brier",
    "brier_skill": "skill",
    "ece": "ECE",
    "value": "value at p*",
}
REDUCED = {"mean": "mean", "max": "maximum", "min": "minimum"}


def render(rule: Mapping[str, Any], version: Mapping[str, Any]) -> str:
    """The page of one version. `rule`: its row of dim_alert_rules; `version`: its row of ml.alert_models."""
    metrics: dict[str, Any] = json.loads(str(version["metrics"]))
    windows = {
        "select": f"Origins from {_day(version['select_from'])} to before {_day(version['report_from'])}",
        "report": f"Origins from {_day(version['report_from'])} to before {_day(version['report_to'])}",
    }
    return filled(
        "alert.html.j2",
        kind="alert",
        rule=rule,
        version=version,
        event=_event(rule),
        act_from=f"{rule['act_from']:.3g}",
        reason=_reason(version, metrics),
        cards=_cards(rule, version, metrics),
        columns=list(COLUMNS.values()),
        scores=_lines(metrics.get("methods") or {}, str(version["method"])),
        selection=_lines(metrics.get("selection") or {}, str(version["method"])),
        windows=windows,
        sections=_sections(rule, version, metrics),
        facts=_facts(rule, version, metrics),
        parameters=json.dumps(json.loads(str(version["params"])), indent=1, ensure_ascii=False),
    )


def _event(rule: Mapping[str, Any]) -> str:
    first, last = rule["lead_h"], rule["lead_h"] + rule["window_h"] - 1
    hours = f"{first} to {last} hours" if last > first else f"{first} hours"
    return (
        f"the {REDUCED[rule['statistic']]} of {rule['variable']} ({rule['dataset']}) over the time {hours} after the "
        f"origin lies {rule['direction']} {rule['threshold']:g} {rule['unit']}"
    )


def _reason(version: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    said = f"Who answers: {version['method']} (calibration: {version['calibration']}); {version['reason']}."
    refusal = metrics.get("refusal")
    is_new = bool(refusal) and str(refusal) not in str(version["reason"])
    return f"{said} No classifier was learnt: {refusal}." if is_new else said


def _cards(rule: Mapping[str, Any], version: Mapping[str, Any], metrics: Mapping[str, Any]) -> list[dict[str, str]]:
    """Figures of the method that answers; none without outcomes."""
    line = (metrics.get("methods") or {}).get(version["method"])
    if not line:
        return []
    base = line["n_events"] / line["n_rows"]
    found = [
        ("answered by", str(version["method"]), "", f"calibration: {version['calibration']}"),
        ("events reported on", f"{line['n_events']:,}", f"of {line['n_rows']:,}", f"base rate {base:.2%}"),
        ("Brier skill", _cell("brier_skill", line["brier_skill"]), "", "against climatology"),
        ("average precision", _cell("average_precision", line["average_precision"]), "", f"by chance {base:.3f}"),
        ("calibration error", _cell("ece", line["ece"]), "", "mean |told − came|"),
        ("value", _cell("value", line["value"]), "", f"acting from {rule['act_from']:.3g} on"),
    ]
    return [dict(zip(("name", "value", "unit", "note"), figure, strict=True)) for figure in found]


def _lines(scores: Mapping[str, Any], method: str) -> list[dict[str, object]]:
    """Rows of a table of scores, the lowest Brier score first."""
    ordered = sorted(scores.items(), key=lambda item: (item[1]["brier"] is None, item[1]["brier"], item[0]))
    return [
        {
            "model": name,
            "is_mine": name == method,
            "tag": "answers" if name == method else "",
            "cells": [_cell(column, line.get(column)) for column in COLUMNS],
        }
        for name, line in ordered
    ]


def _cell(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    if name in ("n_rows", "n_events"):
        return f"{int(value):,}"
    text = f"{100 * value:.1f} %" if name == "brier_skill" else f"{value:.4f}" if name == "brier" else f"{value:.3f}"
    return text.replace("-", "−")


def _sections(rule: Mapping[str, Any], version: Mapping[str, Any], metrics: Mapping[str, Any]) -> list[Section]:
    """`answers`: who answered in the report windows; climatology stands in for a method that had no answer there."""
    method, methods = str(version["method"]), metrics.get("methods") or {}
    answers = method if method in methods else "climatology"
    if answers not in methods or not metrics.get("details"):
        nothing = "Nothing to draw: no outcome of the report windows is known."
        return [Section("Whether the probabilities hold", [], nothing), _of_learning(metrics)]
    stands_in = "" if answers == method else f"{method} had no answer in the report windows: climatology stood in."
    return [*_of_probabilities(rule, metrics, answers, stands_in), _of_learning(metrics)]


def _of_probabilities(
    rule: Mapping[str, Any], metrics: Mapping[str, Any], answers: str, stands_in: str
) -> list[Section]:
    found, line = metrics["details"], metrics["methods"][answers]
    hold, act = "Whether the probabilities hold", "What acting on them finds, and is worth"
    honest, counted = charts.reliability(found["reliability"], answers), worth.confusion(found["confusion"], rule)
    if not line["n_events"]:
        none = "No event came in the report windows: what would have been found, and its worth, cannot be told."
        return [Section(hold, [honest], stands_in), Section(act, [counted], none)]
    base = line["n_events"] / line["n_rows"]
    precise = charts.precision(found, base, answers, line["average_precision"])
    value = worth.value(metrics["value_curves"], metrics["methods"], rule["act_from"], answers)
    return [
        Section(hold, [honest, precise], stands_in),
        Section(act, [charts.lift(found["lift"], base), counted, value]),
    ]


def _of_learning(metrics: Mapping[str, Any]) -> Section:
    drawn, said = [], []
    if len(metrics.get("learning_curve") or []) > 1:
        drawn.append(worth.learning(metrics))
    else:
        said.append("No learning curve: it takes a classifier, and events enough in half of its history.")
    if metrics.get("importance"):
        drawn.append(worth.importance(metrics["importance"]))
    else:
        said.append("Nothing that answers has learnt weights of its inputs: it is no classifier.")
    return Section("What it has learnt", drawn, " ".join(said))


def _facts(rule: Mapping[str, Any], version: Mapping[str, Any], metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    facts = {
        "Version": version["model_version"],
        "Run": version["run_id"],
        "Rule": f"{rule['rule_id']}, event {version['event_hash']}",
        "Cost and loss": f"acting costs {rule['cost_of_acting']:g}, a missed event {rule['loss_if_missed']:g}",
        "Learnt from": f"origins from {_day(version['train_from'])} UTC",
        "Chosen on": f"origins from {_day(version['select_from'])} to before {_day(version['report_from'])} UTC",
        "Reported on": f"origins from {_day(version['report_from'])} to before {_day(version['report_to'])} UTC",
        "Rows": f"{version['n_rows']:,}, with {version['n_events']:,} events on {version['n_event_days']:,} days",
        "SHA-256 of the artefact": version["sha256"],
    }
    for name, title in (("known_places", "places it knows"), ("new_places", "new places")):
        line = (metrics.get("cross_validation") or {}).get(name)
        if line:
            skill, precise = (_cell(key, line[key]) for key in ("brier_skill", "average_precision"))
            facts[f"Cross-validated, {title}"] = f"Brier skill {skill}, AP {precise}, {line['n_folds']} folds"
    paired = metrics.get("paired") or {}
    told = [f"{name} {_cell('brier', value)}" for name, value in paired.items() if name != "n_rows"]
    if told:
        facts["Where there is a forecast"] = f"Brier over {paired['n_rows']:,} rows: {', '.join(told)}"
    return [(name, str(value)) for name, value in facts.items()]


def _day(at: Any) -> str:
    if at is None:
        return "unknown"
    return f"{at:%Y-%m-%d %H:%M}" if at.hour or at.minute else f"{at:%Y-%m-%d}"
