"""What a run shows: on a screen, as markdown, as JSON."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from flows import markdown, summary, tables
from flows.commands.options import plain
from flows.run import Run
from flows.tables import Table
from loader.summary import LoadSummary, SourceSummary
from warehouse.connection import connect
from warehouse.errors import UpstreamFailed
from warehouse.settings import Settings

NOW = datetime(2026, 11, 20, 6, 10)
HOSTILE = "SG | <script>alert(1)</script> [x](y) \n# title"


@pytest.fixture
def run(settings: Settings) -> Run:
    """A run with one dataset: naive 2.0, champion 1.0 MAE on untouched windows; one series forecast."""
    found = Run(settings, "daily", NOW, "run-1", lambda line: None)
    found.loads = LoadSummary([SourceSummary("open_meteo", "archive", n_windows=1200, n_ok=1200, n_hours=9600)])
    with connect(settings) as con:
        con.execute("create schema marts")
        con.execute(
            "create table marts.dim_series as select 'weather.SG.temperature_c' as series_id, 'weather' as dataset, "
            "true as is_target, '°C' as unit, $1 as name",
            [HOSTILE],
        )
        con.execute(
            "create table marts.fct_observations as select 'weather.SG.temperature_c' as series_id, "
            "timestamp '2026-11-20 05:00' as observed_at, 27.25 as value"
        )
        for version, model, trained in (("v-old", "naive_day", "2026-10-01"), ("v1", "lightgbm", "2026-11-20")):
            con.execute(
                "insert into ml.model_versions by name select $1 as model_version, 'weather' as dataset, $2 as model, "
                "'run-1' as run_id, $3::timestamp as trained_at, $3::timestamp as data_as_of, 'h' as data_hash, "
                "'{}' as params, '{}' as metrics",
                [version, model, trained],
            )
            con.execute(
                "insert into ml.champion_events by name select $1 as event_id, 'run-1' as run_id, "
                "$2::timestamp as event_at, 'weather' as dataset, $1 as model_version, 'promote' as action, "
                "'won' as reason, 'x' as actor",
                [version, trained],
            )
        for model, miss in (("naive_day", 2.0), ("naive_week", 3.0), ("lightgbm", 1.0)):
            for role in ("select", "report"):
                con.execute(
                    "insert into ml.backtests by name select 'run-1' as run_id, 'weather' as dataset, $1 as model, "
                    "$2 as role, 'weather.SG.temperature_c' as series_id, timestamp '2026-11-01' as origin_at, "
                    "unnest(range(1, 25)) as horizon_h, 20.0 as actual, 20.0 + $3 as point, 18.5 as q10, 21.5 as q90",
                    [model, role, miss if role == "report" else 0.1],
                )
        for hours in range(1, 49):
            con.execute(
                "insert into ml.forecasts by name "
                "select 'run-1' as run_id, 'v1' as model_version, 'weather' as dataset, "
                "'weather.SG.temperature_c' as series_id, $1::timestamp as origin_at, $2::timestamp as target_at, "
                "$3 as horizon_h, 27.0 as point, 24.0 as q05, 25.0 as q10, 26.0 as q25, 27.0 as q50, 28.0 as q75, "
                "29.0 as q90, 30.0 as q95, 'champion' as rung, $1::timestamp as created_at",
                [NOW, NOW + timedelta(hours=hours), hours],
            )
    found.predicted = object()  # type: ignore[assignment]  # only its presence is asked
    return found


def test_skill_is_measured_on_the_report_windows_against_the_best_naive_method(run: Run) -> None:
    (row,) = tables.models(run).rows
    assert row == ("weather", "3", "lightgbm", "2026-11-20", "naive_day", "2", "1", "50%", "100%", "1")


def test_a_forecast_shows_now_and_both_days_with_their_intervals(run: Run) -> None:
    (row,) = tables.forecast(run).rows
    assert row[2:] == ("°C", "27.2", "27.0 [25.0, 29.0]", "27.0 [25.0, 29.0]", "champion")
    assert tables.rungs(run) == {"champion": 1}


def test_a_name_cannot_break_out_of_a_markdown_table(run: Run) -> None:
    text = markdown.tables_of(run)["skyduck-forecasts"]
    line = text.splitlines()[-1]
    assert line.replace("\\|", "").count("|") == 8
    assert "<script" not in text
    assert "\n# title" not in text
    assert "](y)" in line
    assert "\\[x]" in line


def test_a_name_cannot_style_the_screen(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    summary.show(run)
    summary.show_forecasts(run)
    assert "<script>alert(1)</script> [x](y)" in capsys.readouterr().out


def test_the_summary_says_that_the_sample_is_a_sample_and_how_to_go_live(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    summary.show(run)
    out = capsys.readouterr().out
    assert "bundled sample" in out
    assert "not measured anywhere" in out
    assert "make run UPSTREAM=live" in out


def test_a_failed_source_is_in_the_json_with_its_exit_code(run: Run) -> None:
    run.loads = LoadSummary([SourceSummary("open_meteo", "archive", n_windows=2, n_failed=2, error="503")])
    found = json.loads(json.dumps(plain(summary.as_dict(run, UpstreamFailed("open_meteo archive: 503")))))
    assert (found["exit_code"], found["status"], found["rungs"]) == (3, "failed", {"champion": 1})
    assert "503" in found["failed_sources"][0]
    assert any("503" in line for line in found["warnings"])


def test_numbers_are_right_aligned_in_markdown() -> None:
    text = markdown.text(Table("T", ("a", "b"), (("x", "1"),), numbers=1))
    assert text == "## T\n\n| a | b |\n| --- | ---: |\n| x | 1 |\n"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (tables.figure(3.14159), "3.14"),
        (tables.figure(3.14159, 4), "3.142"),
        (tables.figure(12_345), "12,345"),
        (tables.share(0.8149), "81%"),
        (tables.share(0.8149, 1), "81.5%"),
        (tables.moment(NOW), "2026-11-20 06:10"),
        (tables.figure(None) + tables.share(None) + tables.moment(None), "–––"),
    ],
)
def test_a_figure_is_written_the_same_on_every_page(written: str, expected: str) -> None:
    assert written == expected
