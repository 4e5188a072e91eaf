"""Reports of alert rules: one page per trained version, self-contained, and whole where figures are missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flows.cli import _code
from ml.alerts import train as training
from ml.alerts.implied import Forecasts
from ml.alerts.task import Task, Windows
from ml.alerts.train import Outcome, learn
from ml.report import alert_files
from ml.report.alert_page import render
from tests.ml.alert_rows import RULE, SMALL, alert_rows
from tests.ml.report.html_page import Page
from tests.ml.test_alert_contest import ROWS, START, WINDOWS
from warehouse import alerts as store
from warehouse.connection import connect
from warehouse.settings import Settings

HOT: dict[str, Any] = {**asdict(RULE), "act_from": RULE.act_from, "event_hash": "e"}
NOW = WINDOWS.report_to
DRAWN = [
    "Reliability: what was told, and what came",
    "Precision and recall",
    "Lift",
    "Acting from 0.2 on (cost / loss)",
    "Relative economic value",
    "Learning curve of the classifier",
    "Inputs by share of the gain",
]


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return learn(Task(HOT, ROWS, Forecasts.none(RULE), WINDOWS, SMALL))


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A warehouse that knows the rules `hot` and `cold` and nothing else; the commands speak to it."""
    monkeypatch.setenv("SKYDUCK_DATA_DIR", str(tmp_path))
    found = Settings(data_dir=tmp_path)
    with connect(found) as con:
        con.execute("create schema if not exists marts")
        con.register("rules", pa.Table.from_pylist([HOT, HOT | {"rule_id": "cold"}]))
        con.execute("create table marts.dim_alert_rules as select * from rules")
        con.unregister("rules")
    return found


def save(settings: Settings, outcome: Outcome, progress: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """The row of ml.alert_models that a training leaves."""
    task = Task(HOT, ROWS, Forecasts.none(RULE), WINDOWS, SMALL)
    training._save(settings, task, outcome, NOW, "r1", progress)
    (row,) = store.models(settings, NOW)
    return row


def page_of(outcome: Outcome, settings: Settings, **changed: Any) -> str:
    """The page of a version whose metrics are partly others."""
    row = save(settings, outcome)
    return render(HOT, row | {"metrics": json.dumps(json.loads(row["metrics"]) | changed)})


def test_a_trained_rule_names_its_report_and_the_command_prints_where_it_lies(
    settings: Settings, outcome: Outcome, capsys: pytest.CaptureFixture[str]
) -> None:
    row = save(settings, outcome)
    path = settings.models_path / f"reports/{row['model_version']}.html"
    assert row["report"] == f"reports/{row['model_version']}.html"
    assert 20_000 < path.stat().st_size < 400_000
    assert _code(["alerts", "report", "hot", "--as-of", NOW.isoformat()]) == 0
    assert Path(capsys.readouterr().out.strip()) == path
    assert _code(["alerts", "report", "hot", "--as-of", NOW.isoformat(), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"model_version": row["model_version"], "report": str(path)}


def test_without_a_report_the_command_says_what_to_do(
    settings: Settings, outcome: Outcome, capsys: pytest.CaptureFixture[str]
) -> None:
    row = save(settings, outcome)
    (settings.models_path / row["report"]).unlink()
    asked = {"hot": "moved or deleted", "cold": "alerts train --rule cold", "wet": "no alert rule 'wet'"}
    for rule, said in asked.items():
        assert _code(["alerts", "report", rule, "--as-of", NOW.isoformat()]) == 2
        assert said in " ".join(capsys.readouterr().err.split())


def test_a_report_that_fails_is_told_and_the_training_stands(
    settings: Settings,
    outcome: Outcome,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(*_: object) -> str:
        raise OSError("no space left")

    monkeypatch.setattr(alert_files, "write_page", full)
    told: list[str] = []
    row = save(settings, outcome, told.append)
    assert row["report"] is None
    assert told == ["hot: no alert report: OSError('no space left')"]
    assert _code(["alerts", "report", "hot", "--as-of", NOW.isoformat()]) == 2
    assert "has no report" in capsys.readouterr().err


def test_a_warehouse_from_before_reports_gets_the_column_and_keeps_its_rows(
    settings: Settings, outcome: Outcome
) -> None:
    row = save(settings, outcome)
    with connect(settings) as con:
        con.execute("alter table ml.alert_models drop column report")
    with connect(settings):
        pass
    (again,) = store.models(settings, NOW)
    assert again == row | {"report": None}


def test_the_page_is_whole_needs_nothing_else_and_every_drawing_is_told_in_words(
    settings: Settings, outcome: Outcome
) -> None:
    text = page_of(outcome, settings)
    page = Page(text)
    assert page.open == []
    assert page.fetched == []
    assert "http" not in text
    assert "@import" not in text
    assert page.texts["h3"] == DRAWN
    assert len(page.svgs) == len(DRAWN)
    assert all(len(told) > 40 for told in page.svgs)


def test_the_page_tells_the_rule_who_answers_and_the_stored_scores_of_every_method(
    settings: Settings, outcome: Outcome
) -> None:
    text = page_of(outcome, settings)
    page = Page(text)
    assert "What to do: rest" in page.texts["p"]
    assert "above 25 °C" in text
    assert any(outcome.reason in said for said in page.texts["p"])
    table = text[text.index("Scores on the report windows") : text.index("Scores on the selection windows")]
    assert set(outcome.metrics["methods"]) == {"classifier", "climatology", "persistence"}
    for name, line in outcome.metrics["methods"].items():
        assert f'<th scope="row">{name}' in table
        assert f"<td>{line['brier']:.4f}</td>" in table
        assert f"<td>{line['average_precision']:.3f}</td>" in table
    counts = outcome.metrics["details"]["confusion"]
    (matrix,) = (told for told in page.svgs if told.startswith("Acting from 20.0%"))
    assert f"{counts['hits']} hits, {counts['false_alarms']} false alarms, {counts['misses']} misses" in matrix
    (value,) = (told for told in page.svgs if told.startswith("Relative economic value at this rule's"))
    assert all(f"{name} {line['value']:.3f}" in value for name, line in outcome.metrics["methods"].items())


def test_the_curves_of_the_method_that_answers_agree_with_its_scores(settings: Settings, outcome: Outcome) -> None:
    """Precision where every row is asked is the base rate; the value curve passes through the value of the rule."""
    line = outcome.metrics["methods"]["classifier"]
    (told,) = (told for told in Page(page_of(outcome, settings)).svgs if told.startswith("Precision and recall"))
    assert told.endswith(f" {100 * line['n_events'] / line['n_rows']:.1f} at 100.0.")
    curve = outcome.metrics["value_curves"]["classifier"]
    assert {point["ratio"]: point["value"] for point in curve}[RULE.act_from] == line["value"]


def test_a_refused_rule_without_events_gets_a_page_that_says_so(settings: Settings) -> None:
    rule = replace(RULE, threshold=60.0)
    windows = Windows(START, START + timedelta(days=70), START + timedelta(days=95), START + timedelta(days=120))
    rows = alert_rows(days=120, rule=rule)
    page = Page(page_of(learn(Task(HOT, rows, Forecasts.none(rule), windows, SMALL)), settings))
    assert page.open == []
    assert any("too few events to learn from: 0 of 30 needed" in said for said in page.texts["p"])
    assert any("No event came in the report windows" in said for said in page.texts["p"])
    assert any("No learning curve" in said for said in page.texts["p"])
    assert page.texts["h3"] == [DRAWN[0], DRAWN[3]]


def test_report_windows_without_any_outcome_leave_a_page_without_drawings(settings: Settings, outcome: Outcome) -> None:
    nothing: dict[str, Any] = {"methods": {}, "value_curves": {}, "details": {}, "learning_curve": [], "paired": {}}
    page = Page(page_of(outcome, settings, **nothing, importance={}, selection={}, cross_validation={}))
    assert page.svgs == []
    assert any("No outcome of the report windows is known yet" in said for said in page.texts["p"])


def test_where_the_method_had_no_answer_climatology_is_drawn_and_named(settings: Settings, outcome: Outcome) -> None:
    methods = {name: line for name, line in outcome.metrics["methods"].items() if name != "classifier"}
    curves = {name: outcome.metrics["value_curves"][name] for name in methods}
    page = Page(page_of(outcome, settings, methods=methods, value_curves=curves, learning_curve=[]))
    assert "classifier had no answer in the report windows: climatology stood in." in page.texts["p"]
    assert page.svgs[0].startswith("Reliability of climatology")


def test_names_from_outside_cannot_write_markup(settings: Settings, outcome: Outcome) -> None:
    row = save(settings, outcome)
    rule = HOT | {"description": "<script>alert(1)</script>", "what_to_do": '"><img src=x>', "unit": "<b>"}
    assert Page(render(rule, row)).fetched == []
