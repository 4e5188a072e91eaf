"""Alerts as lines and tables of text: for the summary of a run and for `skyduck alerts`."""

from __future__ import annotations

import json
from typing import Any

from flows.run import Run
from flows.tables import Table, figure, share, short, span
from warehouse import alerts

MOST_NAMED = 6
METHOD_COLUMNS = ("average_precision", "brier", "brier_skill", "ece", "value")
METHOD_HEADS = ("AP", "Brier", "skill", "ECE", "value at p*")


def active_alerts(run: Run) -> list[dict[str, Any]]:
    """This run's alerts, silenced or not, the most probable first; none where it wrote none."""
    if run.alerts is None or not run.alerts.n_rows:
        return []
    names = (
        "rule_id", "series_id", "name", "window_start", "window_end", "probability", "act_from", "what_to_do",
        "silence_id", "silence_reason",
    )  # fmt: skip
    found = [row for row in alerts.probabilities(run.settings, run.run_id, as_of=run.now) if row["is_alert"]]
    return [{name: row[name] for name in names} for row in found]


def alert_lines(run: Run) -> list[str]:
    if run.alerts is None:
        return []
    found = active_alerts(run)
    active = [row for row in found if row["silence_id"] is None]
    silenced = [f"{len(found) - len(active)} silenced: `skyduck alerts silences`."] if len(found) > len(active) else []
    if not found:
        return [f"Alerts: none; {run.alerts.n_rows} probabilities lie below their rule's cost over loss."]
    if not active:
        return [f"Alerts: none that is not silenced (of {run.alerts.n_rows} probabilities).", *silenced]
    named = [f"{row['rule_id']} {row['name']} {row['probability']:.0%}" for row in active[:MOST_NAMED]]
    more = f" and {len(active) - MOST_NAMED} more" if len(active) > MOST_NAMED else ""
    return [
        f"ALERT: {', '.join(named)}{more} (of {run.alerts.n_rows} probabilities).",
        "What to do: `skyduck alerts list`.",
        *silenced,
    ]


def rules(rows: list[dict[str, Any]], models: dict[str, dict[str, Any]]) -> Table:
    """Per rule: the event, who answers, and its scores on windows that chose nothing."""
    found = []
    for rule in rows:
        model = models.get(str(rule["rule_id"]))
        line = _chosen(model)
        found.append(
            (
                *(str(rule["rule_id"]), str(rule["description"])),
                *((str(model["method"]), f"{model['trained_at']:%Y-%m-%d}") if model else ("climatology", "never")),
                f"{rule['act_from']:.0%}",
                *(figure(line.get(name)) for name in METHOD_COLUMNS),
            )
        )
    header = ("rule", "event", "answered by", "trained", "act from", *METHOD_HEADS)
    return Table("Alert rules, scores on windows none of the methods had seen", header, tuple(found), numbers=6)


def probabilities(rows: list[dict[str, Any]]) -> Table:
    found = tuple(
        (
            *(_shout(row), str(row["rule_id"]), str(row["name"])),
            span(row["window_start"], row["window_end"]),
            *(str(row["method"]), _to_do(row)),
            *(f"{row[name]:.0%}" for name in ("probability", "climatology", "act_from")),
        )
        for row in rows
    )
    header = ("", "rule", "place", "window (UTC)", "answered by", "what to do", "probability", "usual", "act from")
    return Table("Probabilities of the newest run", header, found, numbers=3)


def _shout(row: dict[str, Any]) -> str:
    return "" if not row["is_alert"] else "ALERT" if row["silence_id"] is None else "silenced"


def _to_do(row: dict[str, Any]) -> str:
    if row["silence_id"] is not None:
        return f"{row['silence_reason']} ({short(row['silence_id'])})"
    return str(row["what_to_do"]) if row["is_alert"] else ""


def silences(rows: list[dict[str, Any]]) -> Table:
    """Newest first, with what each has come to."""
    found = tuple(
        (
            *(short(row["silence_id"]), row["state"], row["rule_id"], row["series_id"] or "all"),
            *(span(row["window_from"], row["window_to"]), row["actor"], row["reason"]),
            *(figure(row[name]) for name in ("n_alerts", "n_events_missed", "cost_saved")),
        )
        for row in rows
    )
    header = (
        "id", "state", "rule", "series", "window (UTC)", "by", "why", "alerts", "events missed", "cost saved",
    )  # fmt: skip
    return Table("Silences, the newest first", header, found, numbers=3)


def methods(title: str, scores: dict[str, dict[str, Any]]) -> Table:
    """One line per method."""
    rows = tuple(
        (name, f"{line['n_rows']:,}", f"{line['n_events']:,}", *(figure(line[key]) for key in METHOD_COLUMNS))
        for name, line in scores.items()
    )
    return Table(title, ("method", "rows", "events", *METHOD_HEADS), rows, numbers=2 + len(METHOD_COLUMNS))


def details(metrics: dict[str, Any]) -> list[Table]:
    """Reliability, lift, confusion, value by cost / loss ratio and learning curve of the method that answers."""
    found = metrics.get("details") or {}
    if not found:
        return []
    bins = tuple(
        (f"{b['from']:.0%} – {b['to']:.0%}", f"{b['n']:,}", share(b["told"], 1), share(b["came"], 1))
        for b in found["reliability"]
        if b["n"]
    )
    lift = tuple((f"{row['share']:.0%}", share(row["caught"], 1), figure(row["lift"])) for row in found["lift"])
    counts = found["confusion"]
    confusion = (
        ("acted", str(counts["hits"]), str(counts["false_alarms"])),
        ("did not", str(counts["misses"]), str(counts["quiet"])),
    )
    curves, chosen = metrics["value_curves"], metrics["chosen"]
    answers = chosen if chosen in curves else "climatology"  # it stands in for a method that had no answer
    value = tuple((f"{row['ratio']:.0%}", figure(row["value"])) for row in curves[answers])
    curve = tuple((figure(row["months"]), figure(row["brier"])) for row in metrics.get("learning_curve", []))
    return [
        Table("Reliability", ("told", "rows", "mean told", "came"), bins, numbers=3),
        Table(f"Acting from {counts['act_from']:.0%} on", ("", "event", "no event"), confusion, numbers=2),
        Table("Lift: the most probable share of rows", ("share", "events in it", "lift"), lift, numbers=2),
        Table("Relative economic value (Richardson 2000)", ("cost / loss", "value"), value, numbers=1),
        Table("Learning curve of the classifier", ("months learnt from", "Brier"), curve, numbers=2),
    ]


def metrics_of(model: dict[str, Any]) -> dict[str, Any]:
    return _parsed(model["metrics"])


def brief(model: dict[str, Any]) -> dict[str, Any]:
    """A row of ml.alert_models with its JSON as objects."""
    return {**model, "metrics": metrics_of(model), "params": _parsed(model["params"])}


def _parsed(text: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(str(text))
    return found


def _chosen(model: dict[str, Any] | None) -> dict[str, Any]:
    found = metrics_of(model) if model else {}
    line: dict[str, Any] = found.get("methods", {}).get(found.get("chosen"), {})
    return line
