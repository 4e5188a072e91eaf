"""The forecast never stops: every series with a reading gets 48 rows, and each row says who answered and why."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml import artefact, registry
from ml.predict import predict
from ml.train import train
from warehouse.connection import connect
from warehouse.errors import BadInput
from warehouse.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
QUANTILES = ["q05", "q10", "q25", "q50", "q75", "q90", "q95"]
CHAMPION, CHALLENGER = "champion", "challenger"


def forecasts(settings, run_id: str = "p") -> pd.DataFrame:
    with connect(settings) as con:
        return con.execute("select * from ml.forecasts where run_id = ? order by series_id, horizon_h", [run_id]).df()


def check(rows: pd.DataFrame, n_series: int) -> None:
    assert len(rows) == n_series * 48
    assert (rows.groupby("series_id")["horizon_h"].nunique() == 48).all()
    assert np.isfinite(rows[QUANTILES]).all().all()
    assert (np.diff(rows[QUANTILES], axis=1) >= 0).all()
    assert (rows["point"] == rows["q50"]).all()
    assert (rows["q05"] >= 0).all()
    assert (rows["target_at"] == rows["origin_at"] + pd.to_timedelta(rows["horizon_h"], unit="h")).all()


@pytest.fixture(scope="module")
def trained_folder(tmp_path_factory, built, made) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "data"
    shutil.copytree(built, folder)
    train(Settings(data_dir=folder), "air", now=made.now, run_id="r1", reason="first", params=made.small_params())
    return folder


@pytest.fixture
def settings(trained_folder, tmp_path) -> Settings:
    shutil.copytree(trained_folder, tmp_path / "own")
    return Settings(data_dir=tmp_path / "own")


@pytest.fixture
def run(made):
    """run(settings, run_id="p", now=...) with the small params."""
    return lambda settings, run_id="p", now=made.now: predict(
        settings, now=now, run_id=run_id, params_of=lambda name: made.small_params(name)
    )


def test_every_series_is_forecast_by_the_champion(settings, run, made):
    result = run(settings)
    rows = forecasts(settings)
    check(rows, 3)
    assert (result.n_rows, result.n_series, result.not_forecast) == (144, 3, [])
    assert set(rows["rung"]) == {CHAMPION}
    assert rows["rung_reason"].isna().all()
    assert rows["origin_at"].unique().tolist() == [pd.Timestamp(made.now)]
    assert rows["data_as_of"].unique().tolist() == [pd.Timestamp(made.now)]


def test_the_same_run_again_leaves_the_same_rows_and_other_runs_alone(settings, run):
    run(settings, "other")
    run(settings)
    before = forecasts(settings)
    run(settings)
    pd.testing.assert_frame_equal(forecasts(settings), before)
    check(forecasts(settings, "other"), 3)


def damage(settings: Settings, *rungs: str) -> None:
    """Flips one byte in the files of these rungs."""
    with connect(settings) as con:
        now = con.execute("select max(event_at) from ml.champion_events").fetchone()[0]
    for name, row in registry.ladder(settings, "air", now):
        if name in rungs:
            path = settings.models_path / str(row["model_version"]) / "bundle.json"
            path.write_bytes(path.read_bytes().replace(b'"', b"'", 1))


def test_a_damaged_champion_is_refused_and_the_next_rung_answers(settings, run):
    damage(settings, CHAMPION)
    result = run(settings)
    rows = forecasts(settings)
    check(rows, 3)
    assert set(rows["rung"]) == {CHALLENGER}
    assert rows["rung_reason"].str.contains("champion refused.*sha256 differs").all()
    assert any("sha256" in note for note in result.notes)


def test_a_model_of_other_columns_is_refused_when_it_is_asked_and_the_next_rung_answers(settings, run, made):
    """As after a change of the code: the files are whole, and what they expect is made no more."""
    for _, row in registry.ladder(settings, "air", made.now):
        version = str(row["model_version"])
        files = artefact.read_files(settings, version, str(row["artefact_sha256"]))
        files = {name: content.replace(b'"same_hour_d1"', b'"same_hour_d0"') for name, content in files.items()}
        sha256 = artefact.save(settings, version, files)
        with connect(settings) as con:
            con.execute("update ml.model_versions set artefact_sha256 = ? where model_version = ?", [sha256, version])
    result = run(settings)
    rows = forecasts(settings)
    check(rows, 3)
    assert set(rows["rung"]) == {"statistical"}
    assert rows["rung_reason"].str.contains("champion refused.*other columns").all()
    assert any("champion refused" in note for note in result.notes)


def test_with_every_file_gone_the_untrained_methods_answer(settings, run):
    shutil.rmtree(settings.models_path)
    run(settings)
    rows = forecasts(settings)
    check(rows, 3)
    assert set(rows["rung"]) == {"statistical"}
    assert set(rows["model_version"]) == {"air-optimized_theta-untrained"}


def test_before_any_training_the_untrained_methods_answer(own_world, run):
    run(own_world)
    rows = forecasts(own_world)
    check(rows, 3)
    assert rows["rung_reason"].str.contains("no trained model").all()


def cut_at(table: pd.DataFrame, series_id: str, moment) -> pd.DataFrame:
    return table[(table["series_id"] != series_id) | (table["observed_at"] <= moment)]


def rebuilt(settings: Settings, made, table: pd.DataFrame, make_world, series=None) -> Settings:
    """The trained models of `settings` over a world of other readings."""
    other = make_world(series or made.small_world()[0], table)
    shutil.copytree(settings.models_path, other.models_path)
    with connect(other) as con:
        con.execute(f"attach '{settings.warehouse_path}' as trained (read_only)")
        for name in ("model_versions", "champion_events"):
            con.execute(f"insert into ml.{name} select * from trained.ml.{name}")
    return other


def test_staleness_hands_a_series_down_and_widens_its_interval(settings, run, make_world, made):
    _, table = made.small_world()
    width = {}
    for hours, rung in ((0, CHAMPION), (30, CHAMPION), (100, "naive"), (24 * 10, "climatology")):
        stale = cut_at(table, "air.A.pm2_5_ugm3", made.now - timedelta(hours=hours))
        other = rebuilt(settings, made, stale, lambda s, t, h=hours: make_world(s, t, name=f"stale{h}"))
        run(other)
        rows = forecasts(other)
        check(rows, 3)
        mine = rows[rows["series_id"] == "air.A.pm2_5_ugm3"]
        assert set(mine["rung"]) == {rung}, hours
        assert set(rows[rows["series_id"] != "air.A.pm2_5_ugm3"]["rung"]) == {CHAMPION}
        width[hours] = (mine["q95"] - mine["q05"]).mean()
        if rung != CHAMPION:
            assert mine["rung_reason"].str.contains("h old|nothing known").all()
    assert width[0] < width[30]
    assert width[0] < width[100]


def test_a_series_without_any_reading_is_named(settings, run, make_world, made):
    series, table = made.small_world()
    more = [*series, made.series_row("air", "Z", "pm2_5_ugm3", is_target=True)]
    other = rebuilt(settings, made, table, make_world, more)
    result = run(other)
    assert result.not_forecast == ["air.Z.pm2_5_ugm3"]
    check(forecasts(other), 3)


@pytest.mark.parametrize("silent_hours", [0, 200])
def test_a_new_series_is_forecast_and_one_long_silent_leaves_the_others_as_they_were(
    settings, run, make_world, made, silent_hours
):
    run(settings)
    before = forecasts(settings)
    series, table = made.small_world()
    more = [made.series_row("air", "AA", "pm2_5_ugm3", is_target=True), *series]  # sorts between A and B
    young = made.readings("air.AA.pm2_5_ugm3", made.now - timedelta(hours=60 + silent_hours), made.wave(4, 60))
    other = rebuilt(settings, made, pd.concat([table, young]), make_world, more)
    run(other)
    rows = forecasts(other)
    check(rows, 4)
    if silent_hours:  # else the others rightly see a new neighbour
        others = rows[rows["series_id"] != "air.AA.pm2_5_ugm3"]
        pd.testing.assert_frame_equal(others[QUANTILES].reset_index(drop=True), before[QUANTILES])


@pytest.mark.parametrize("values", [np.full(1440, 12.0), np.zeros(200), np.array([5.0]), np.array([3.0, np.nan, 4.0])])
def test_constant_and_very_short_series_are_forecast(settings, run, make_world, made, values):
    series, table = made.small_world()
    more = [*series, made.series_row("air", "K", "pm2_5_ugm3", is_target=True)]
    odd = made.readings("air.K.pm2_5_ugm3", made.now - timedelta(hours=len(values) - 1), values)
    other = rebuilt(settings, made, pd.concat([table, odd]), make_world, more)
    run(other)
    check(forecasts(other), 4)


@pytest.mark.parametrize(
    ("days", "rung", "reason"),
    [
        (3, "naive", "3 days of history, 8 needed"),
        (12, "statistical", "12 days of history, 20 needed"),
        (25, CHAMPION, ""),
    ],
)
def test_a_series_is_forecast_by_what_its_own_history_can_support(settings, run, make_world, made, days, rung, reason):
    series, table = made.small_world()
    more = [*series, made.series_row("air", "Y", "pm2_5_ugm3", is_target=True)]
    young = made.readings("air.Y.pm2_5_ugm3", made.now - timedelta(hours=24 * days - 1), made.wave(7, 24 * days))
    other = rebuilt(settings, made, pd.concat([table, young]), make_world, more)
    run(other)
    rows = forecasts(other)
    check(rows, 4)
    mine = rows[rows["series_id"] == "air.Y.pm2_5_ugm3"]
    assert set(mine["rung"]) == {rung}
    assert mine["rung_reason"].fillna("").str.contains(reason, regex=False).all()
    assert set(rows[rows["series_id"] != "air.Y.pm2_5_ugm3"]["rung"]) == {CHAMPION}


def test_a_covariate_that_stopped_does_not_stop_the_forecast(settings, run, make_world, made):
    series, table = made.small_world()
    other = rebuilt(
        settings,
        made,
        table[~table["series_id"].str.contains("nitrogen")],
        make_world,
        [row for row in series if row["is_target"]],
    )
    run(other)
    rows = forecasts(other)
    check(rows, 3)
    assert set(rows["rung"]) == {CHAMPION}


def test_an_origin_the_marts_do_not_have_is_answered_from_climate(settings, run, made):
    run(settings, now=made.now + timedelta(hours=1))
    rows = forecasts(settings)
    check(rows, 3)
    assert set(rows["rung"]) == {"climatology"}


def test_all_series_of_a_dataset_gone_leaves_the_others(make_world, run, made):
    series, table = made.small_world()
    silent = made.series_row("sgpm", "north", "pm2_5_ugm3", is_target=True)
    settings = make_world([*series, silent], table)
    assert run(settings).not_forecast == ["sgpm.north.pm2_5_ugm3"]
    check(forecasts(settings), 3)


def test_nothing_at_all_to_forecast_is_said(make_world, run, made):
    silent = made.series_row("sgpm", "north", "pm2_5_ugm3", is_target=True)
    _, table = made.small_world()
    with pytest.raises(BadInput, match="no target series has a reading"):
        run(make_world([silent], table.iloc[:0]))


CRASH = """
import sys; sys.path.insert(0, {root!r})
from datetime import datetime
from ml.predict import predict
from warehouse.settings import Settings
predict(Settings(data_dir={data!r}), now=datetime.fromisoformat({now!r}), run_id="p")
"""


def test_a_process_killed_while_writing_leaves_the_old_rows_and_the_rerun_converges(settings, made, run):
    run(settings, "older")
    code = CRASH.format(root=str(ROOT), data=str(settings.data_dir), now=made.now.isoformat())
    environment = {**os.environ, "SKYDUCK_FAULT_AT": "predict.mid_write"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=False, cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    assert forecasts(settings).empty
    check(forecasts(settings, "older"), 3)
    run(settings)
    pd.testing.assert_frame_equal(
        forecasts(settings).drop(columns="run_id"), forecasts(settings, "older").drop(columns="run_id")
    )
