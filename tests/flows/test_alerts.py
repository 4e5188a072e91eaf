"""`skyduck alerts` and the step of the daily run, without a warehouse worth the name."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import typer.main

from flows import alert_tables, steps
from flows.cli import _code, app
from flows.run import Run
from ml.alerts import scores
from ml.alerts.predict import AlertResult
from warehouse import alerts as store
from warehouse.settings import Settings


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(Settings(data_dir=tmp_path), "daily", datetime(2026, 1, 1), "r", lambda _: None)


def test_the_commands_are_there_and_speak_json() -> None:
    group = typer.main.get_command(app).commands["alerts"]  # type: ignore[attr-defined]
    assert set(group.commands) == {
        "list", "show", "report", "train", "backtest", "silence", "unsilence", "silences",
    }  # fmt: skip
    for command in group.commands.values():
        assert "--json" in [option for parameter in command.params for option in parameter.opts]


def test_alerts_that_fail_are_a_warning_and_the_run_goes_on(run: Run) -> None:
    """There are no marts at all."""
    steps.alerts(run)
    assert run.alerts is None
    assert len(run.warnings) == 1
    assert run.warnings[0].startswith("no alerts in this run: there is no warehouse at ")
    assert [(step.step, step.status) for step in run.steps] == [("alerts", "failed")]


def test_the_summary_names_active_alerts_in_two_lines_and_counts_those_silenced(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    row: dict[str, Any] = dict.fromkeys(("series_id", "window_start", "window_end", "act_from", "what_to_do"), "x") | {
        "rule_id": "heat_day",
        "name": "Rome",
        "probability": 0.82,
        "is_alert": True,
        "silence_id": None,
        "silence_reason": None,
    }
    quiet = row | {"silence_id": "silence-1", "silence_reason": "known"}
    told = [[row] * 9 + [row | {"is_alert": False}], [row, quiet, quiet], [quiet]]
    store = SimpleNamespace(probabilities=lambda *_, **__: told[0])
    monkeypatch.setattr(alert_tables, "alerts", store)
    assert alert_tables.alert_lines(run) == []
    run.alerts = AlertResult(run.now, n_rows=10)
    first, second = alert_tables.alert_lines(run)
    assert first.startswith("ALERT: heat_day Rome 82%")
    assert "and 3 more (of 10 probabilities)" in first
    assert "skyduck alerts list" in second
    del told[0]
    first, _, last = alert_tables.alert_lines(run)
    assert first == "ALERT: heat_day Rome 82% (of 10 probabilities)."
    assert last == "2 silenced: `skyduck alerts silences`."
    del told[0]
    first, _ = alert_tables.alert_lines(run)
    assert first == "Alerts: none that is not silenced (of 10 probabilities)."


@pytest.fixture
def metrics() -> dict[str, Any]:
    p, label = np.linspace(0.01, 0.99, 200), (np.arange(200) > 150).astype(float)
    return {
        "chosen": "classifier",
        "details": scores.details(p, label, 0.2),
        "value_curves": {"classifier": scores.value_curve(p, label), "climatology": scores.value_curve(p * 0, label)},
        "learning_curve": [],
    }


def test_the_details_of_a_report_fit_into_tables(metrics: dict[str, Any]) -> None:
    tables = alert_tables.details(metrics)
    assert [table.title.split(":")[0].split(" (")[0] for table in tables] == [
        "Reliability", "Acting from 20% on", "Lift", "Relative economic value", "Learning curve of the classifier",
    ]  # fmt: skip
    assert all(len(row) == len(table.header) for table in tables for row in table.rows)


def test_the_value_shown_is_that_of_who_answers_and_of_climatology_where_that_method_had_no_answer(
    metrics: dict[str, Any],
) -> None:
    def shown(**changed: Any) -> list[str]:
        (table,) = (each for each in alert_tables.details(metrics | changed) if "value" in each.title)
        return [value for _, value in table.rows]

    curves = metrics["value_curves"]
    assert shown() == [f"{point['value']:.3g}" for point in curves["classifier"]]
    assert shown(chosen="forecast") == [f"{point['value']:.3g}" for point in curves["climatology"]]
    assert shown() != shown(chosen="forecast")


def test_the_commands_ask_for_what_was_known_at_the_as_of_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[datetime] = []
    rule = {"rule_id": "heat_day", "description": "hot", "what_to_do": "rest"}

    def heard(found: Any) -> Any:
        def answer(*_: Any, as_of: datetime) -> Any:
            asked.append(as_of)
            return found

        return answer

    monkeypatch.setenv("SKYDUCK_DATA_DIR", str(tmp_path))
    for name, found in {"probabilities": heard([]), "track_record": heard({})}.items():
        monkeypatch.setattr(store, name, found)
    monkeypatch.setattr(store, "rules", lambda _: [rule])
    monkeypatch.setattr(store, "models", lambda *_: [])
    for line in ("list", "show heat_day"):
        assert _code(["alerts", *line.split(), "--json", "--as-of", "2026-01-01T06:00"]) == 0
    assert asked == [datetime(2026, 1, 1, 6)] * 2
    capsys.readouterr()
