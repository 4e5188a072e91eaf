"""Model reports: one page per version that can be put in production, complete, self-contained and linked."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pandas as pd
import pytest

from ml.backtest import with_covariates
from ml.learn import learn, read_panels
from ml.report import report_of, write_reports
from ml.report.learning import learning_curve
from ml.train import register, train
from tests.ml.report.html_page import Page
from warehouse.connection import connect
from warehouse.errors import BadInput
from warehouse.settings import Settings

SLOW = ("auto_ets", "mstl", "optimized_theta")


def quick(params):
    """Without the methods that fit one model an origin."""
    return params.model_copy(update={"models": {k: v for k, v in params.models.items() if k not in SLOW}})


@pytest.fixture(scope="module")
def learnt(world, made):
    params = quick(made.small_params())
    windows, panels = read_panels(world, params, made.now)
    return learn(panels, windows, params, with_covariates(world, params), lambda _: None)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, built, made, learnt):
    """(settings, rows of ml.model_versions by role) of one training of the small world."""
    folder = tmp_path_factory.mktemp("reported") / "data"
    shutil.copytree(built, folder)
    settings = Settings(data_dir=folder)
    register(settings, learnt, now=made.now, run_id="r1", reason="first")
    with connect(settings) as con:
        rows = con.execute("select * from ml.model_versions").to_arrow_table().to_pylist()
    return settings, {json.loads(row["metrics"])["role"]: row for row in rows}


def test_champion_and_challenger_have_a_report_that_their_row_links_and_lower_rungs_none(trained):
    settings, rows = trained
    for role in ("champion", "challenger"):
        path = report_of(settings, rows[role])
        assert rows[role]["report"] == path.relative_to(settings.models_path).as_posix()
        assert path.stat().st_size < 600_000
    lower = set(rows) - {"champion", "challenger"}
    assert "naive" in lower
    for role in lower:
        with pytest.raises(BadInput, match="has no report"):
            report_of(settings, rows[role])


def test_a_report_that_was_deleted_is_said(trained):
    settings, rows = trained
    with pytest.raises(BadInput, match="moved or deleted"):
        report_of(settings, {**rows["champion"], "model_version": "air-gone-1"})


def test_the_page_is_whole_needs_nothing_else_and_every_drawing_is_told_in_words(trained):
    settings, rows = trained
    text = report_of(settings, rows["champion"]).read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert page.fetched == []
    assert "http" not in text
    assert "@import" not in text
    assert "<html lang=" in text
    titles = page.texts["h3"]
    for shown in ("by horizon", "by series", "hour of the day", "Reliability", "Coverage", "Learning", "Worst days"):
        assert any(shown in title for title in titles), shown
    assert len(page.svgs) == len(titles) == 9
    assert all(len(told) > 40 for told in page.svgs)


def test_the_page_says_where_the_version_comes_from_and_scores_it_beside_every_naive_method(trained):
    settings, rows = trained
    row = rows["champion"]
    text = report_of(settings, row).read_text(encoding="utf-8")
    for fact in (row["model_version"], row["data_hash"], row["artefact_sha256"], f"{row['select_from']:%Y-%m-%d}"):
        assert fact in text
    table = text[text.index("Scores on the report windows") : text.index("Scores on the selection windows")]
    with connect(settings) as con:
        competed = {name for (name,) in con.execute("select distinct model from ml.backtests").fetchall()}
    assert competed > {"lightgbm_direct", "naive_last", "naive_day", "naive_week", "naive_mean7"}
    for model in competed:
        assert f'<th scope="row">{model}' in table
    mae = json.loads(row["metrics"])["report"]["mae"]
    mine = re.search(r'<tr class="mine">.*?</tr>', table, re.DOTALL)
    assert f"<td>{mae:.3f}</td>" in mine[0]


def test_names_from_outside_cannot_write_markup(world, made, learnt, tmp_path):
    row = {
        "model_version": "air-lightgbm_direct-1",
        "dataset": "<script>alert(1)</script>",
        "model": "lightgbm_direct",
        "run_id": '"><img src=x>',
        "trained_at": made.now,
        "data_as_of": made.now,
        "data_hash": "0",
        "artefact_sha256": "0",
        "git_sha": None,
        "metrics": json.dumps({"role": "champion"}),
    }
    settings = Settings(data_dir=tmp_path)
    written = write_reports(settings, learnt, [row])
    page = Page((settings.models_path / written["air-lightgbm_direct-1"]).read_text(encoding="utf-8"))
    assert page.fetched == []


def test_a_report_that_fails_is_told_and_stops_no_training(world, made, learnt, tmp_path):
    told = []
    row = {"model_version": "air-x-1", "model": "no_such_model", "metrics": json.dumps({"role": "champion"})}
    assert write_reports(Settings(data_dir=tmp_path), learnt, [row], told.append) == {}
    assert any("no model report" in line for line in told)


def test_the_learning_curve_doubles_its_months_and_learns_nothing_of_the_windows_it_is_scored_on(learnt, made):
    curve = learning_curve(learnt.panels, learnt.windows, learnt.final.params, lambda _: None)
    months = curve.points["months"].tolist()
    assert len(months) >= 2
    assert all(later == pytest.approx(2 * earlier) for earlier, later in pairwise(months))
    assert curve.points["n_rows"].is_monotonic_increasing
    assert curve.points["mae"].gt(0).all()
    train = learnt.panels.train
    past = replace(learnt.panels, train=train.known_before(learnt.windows.select_from))
    assert len(past.train) < len(train)
    again = learning_curve(past, learnt.windows, learnt.final.params, lambda _: None)
    pd.testing.assert_frame_equal(curve.points, again.points)


@pytest.mark.parametrize("why", ["switched off", "days of history"])
def test_without_a_learning_curve_the_page_says_why(learnt, made, why):
    params, panels = learnt.final.params, learnt.panels
    if why == "switched off":
        evaluation = params.evaluation.model_copy(update={"learning_curve": False})
        params = params.model_copy(update={"evaluation": evaluation})
    else:
        panels = replace(panels, train=panels.train.known_before(made.start + timedelta(days=12)))
    curve = learning_curve(panels, learnt.windows, params, lambda _: None)
    assert curve.points.empty
    assert why in curve.why_not


def test_a_method_without_training_gets_a_page_that_says_so(make_world, made):
    series, table = made.small_world()
    settings = make_world(series, table[table["observed_at"] >= made.now - timedelta(days=25)])
    train(settings, "air", now=made.now, run_id="r", reason="new", params=quick(made.small_params(min_days=60)))
    with connect(settings) as con:
        rows = con.execute("select * from ml.model_versions").to_arrow_table().to_pylist()
    champion = next(row for row in rows if json.loads(row["metrics"])["role"] == "champion")
    text = report_of(settings, champion).read_text(encoding="utf-8")
    assert "it is a method, not a trained model" in text
    assert "No learning curve." in text
    assert Page(text).open == []
