"""Training: what is put on record, when it is due, and what a crash leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml import registry
from ml.metrics import SCORES
from ml.train import is_due, train
from warehouse.connection import connect
from warehouse.errors import BadInput

ROOT = Path(__file__).resolve().parents[2]


def ask(settings, sql: str) -> list[tuple]:
    with connect(settings) as con:
        return con.execute(sql).fetchall()


@pytest.fixture(scope="module")
def trained(tmp_path_factory, built, made):
    """(settings, result) of one training of the small world."""
    import shutil

    from warehouse.settings import Settings

    folder = tmp_path_factory.mktemp("trained") / "data"
    shutil.copytree(built, folder)
    settings = Settings(data_dir=folder)
    params = made.small_params()
    return settings, train(settings, "air", now=made.now, run_id="r1", reason="first", params=params)


def test_the_champion_is_a_row_with_its_reason(trained, made):
    settings, result = trained
    events = ask(settings, "select dataset, model_version, action, reason, actor, event_at from ml.champion_events")
    reason = f"first: first version; {result.reason}"
    assert events == [("air", result.model_version, "promote", reason, "train", made.now)]
    top = registry.champion(settings, "air", made.now)
    assert top["model"] == result.champion
    assert registry.champion(settings, "air", made.now - timedelta(hours=1)) is None


def test_a_version_says_what_it_was_trained_selected_and_reported_on(trained, made):
    settings, result = trained
    row = registry.champion(settings, "air", made.now)
    assert row["train_from"] < row["train_to"] <= made.now
    assert row["select_from"] < row["select_to"] == row["report_from"] < row["report_to"] == made.now
    metrics = json.loads(row["metrics"])
    assert metrics["role"] == "champion"
    scores = result.backtest.selection.set_index("model")["pinball"]
    assert metrics["select"]["pinball"] == pytest.approx(scores[result.champion], abs=1e-5)
    assert set(metrics["report"]) >= set(SCORES)
    assert len(row["data_hash"]) == 64
    assert json.loads(row["params"])["dataset"] == "air"


def test_backtest_rows_of_every_model_are_kept(trained):
    settings, result = trained
    found = ask(settings, "select model, count(*), min(origin_at) from ml.backtests where role = 'report' group by all")
    assert {model for model, *_ in found} == set(result.backtest.summary["model"])
    assert {n for _, n, _ in found} == {result.backtest.n_rows}
    assert {at for *_, at in found} == {result.backtest.windows.report_from}


def test_there_is_a_version_for_every_lower_rung(trained, made):
    settings, _ = trained
    rungs = registry.ladder(settings, "air", made.now)
    assert rungs[0][0] == "champion"
    assert len({row["model_version"] for _, row in rungs}) == len(rungs) >= 3
    for _, row in rungs:
        assert registry.load(settings, row).name == row["model"]


def test_training_again_under_the_same_run_changes_nothing(own_world, made):
    tables = ("model_versions", "champion_events", "backtests")
    seen = []
    for _ in range(2):
        train(own_world, "air", now=made.now, run_id="r1", reason="first", params=made.small_params())
        seen.append([sorted(map(str, ask(own_world, f"select * from ml.{table}"))) for table in tables])
    assert seen[0] == seen[1]


def test_it_is_due_without_a_champion_when_old_and_when_params_change(trained, made):
    settings, _ = trained
    params = made.small_params()
    assert is_due(settings, "air", made.now, params=params) is None
    assert "7 days old" in is_due(settings, "air", made.now + timedelta(days=7), params=params)
    assert "params.yaml" in is_due(settings, "air", made.now, params=made.small_params(seed=99))
    assert is_due(settings, "weather", made.now) == "no champion yet"


def test_too_little_history_makes_a_method_champion_that_needs_none(make_world, made):
    series, table = made.small_world()
    short = table[table["observed_at"] >= made.now - timedelta(days=25)]
    settings = make_world(series, short)
    result = train(settings, "air", now=made.now, run_id="r", reason="new", params=made.small_params(min_days=60))
    assert result.champion not in ("lightgbm_direct", "linear", "combination")
    assert "days of history" in result.reason
    assert "lightgbm_direct" not in set(result.backtest.summary["model"])


def test_a_day_of_history_still_gives_a_champion(make_world, made):
    series, table = made.small_world()
    settings = make_world(series, table[table["observed_at"] >= made.now - timedelta(days=1)])
    result = train(settings, "air", now=made.now, run_id="r", reason="new", params=made.small_params())
    assert result.champion == "naive_mean7"


def test_noise_is_left_to_the_naive_method_and_it_says_so(make_world, made):
    series = [made.series_row("air", "A", "pm2_5_ugm3", is_target=True)]
    steps = np.abs(np.cumsum(np.random.default_rng(2).normal(size=80 * 24 + 8))) + 50  # a random walk
    settings = make_world(series, made.readings(series[0]["series_id"], made.start, steps))
    params = made.small_params()
    strict = params.model_copy(update={"evaluation": params.evaluation.model_copy(update={"min_skill": 0.5})})
    result = train(settings, "air", now=made.now, run_id="r", reason="new", params=strict)
    assert result.champion == "naive_last"
    assert "no model beats it by 50%" in result.reason


def test_nothing_loaded_is_said(make_world, made):
    series, table = made.small_world()
    settings = make_world(series, table)
    with pytest.raises(BadInput, match="no observations yet"):
        train(settings, "weather", now=made.now, run_id="r", reason="new")


def test_truths_that_arrive_after_now_are_not_used(own_world, make_world, made):
    series, table = made.small_world()
    then = datetime(2026, 3, 10)
    known_then = make_world(series, table[table["known_at"] <= then], then)
    for settings in (own_world, known_then):
        train(settings, "air", now=then, run_id="r", reason="replay", params=made.small_params())
    sql = "select model, artefact_sha256, data_hash, metrics from ml.model_versions order by 1"
    assert ask(own_world, sql) == ask(known_then, sql)


CRASH = """
import sys; sys.path.insert(0, {root!r})
from datetime import datetime
from ml.params import Params
from ml.metrics import SCORES
from ml.train import train
from warehouse.settings import Settings
train(Settings(data_dir={data!r}), "air", now=datetime.fromisoformat({now!r}), run_id="crash", reason="crash",
      params=Params.model_validate_json({params!r}))
"""


def test_a_process_killed_in_the_middle_of_a_fit_leaves_nothing_and_the_rerun_converges(own_world, trained, made):
    params = made.small_params()
    code = CRASH.format(
        root=str(ROOT), data=str(own_world.data_dir), now=made.now.isoformat(), params=params.model_dump_json()
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "SKYDUCK_FAULT_AT": "train.mid_fit"}, check=False, cwd=ROOT
    )
    assert done.returncode == -signal.SIGKILL
    assert ask(own_world, "select count(*) from ml.model_versions") == [(0,)]
    assert not own_world.models_path.exists()
    result = train(own_world, "air", now=made.now, run_id="r1", reason="first", params=params)
    assert result.versions == trained[1].versions


def test_reported_windows_are_those_of_the_newest_days(trained, made):
    origins = pd.to_datetime(pd.DataFrame(ask(trained[0], "select distinct origin_at from ml.backtests"))[0])
    assert origins.min() == pd.Timestamp(made.now.date()) - pd.Timedelta(days=10)
    assert origins.max() == pd.Timestamp(made.now.date())


@pytest.mark.parametrize("days", [34, 38, 45])
def test_windows_never_take_the_days_that_training_needs(make_world, made, days: int):
    series, table = made.small_world()
    settings = make_world(series, table[table["observed_at"] >= made.now - timedelta(days=days)])
    result = train(settings, "air", now=made.now, run_id="r", reason="new", params=made.small_params(min_days=15))
    assert "of history" not in result.reason
    assert "lightgbm_direct" in set(result.backtest.summary["model"])
