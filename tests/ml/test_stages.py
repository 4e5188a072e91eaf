"""The stages of dvc.yaml: what makes them run again, and what they say when they cannot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta

import grimp
import pandas as pd
import pytest
import yaml

from ml.json_files import read_json, write_json
from ml.params import load_params
from ml.stage_inputs import MART, NO_SEARCH, SEARCH, record_inputs, share_search
from ml.stages import STAGES, TUNED, main, tuned_params
from ml.tuned import tuned_params as ml_tuned
from warehouse.errors import BadInput
from warehouse.settings import ROOT

DVC = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
# Who goes into production, and what is made of a forecast afterwards, teaches a model nothing.
TEACHES_NOTHING = {"promotion", "policy", "arms", "alerts"}


def test_dvc_yaml_has_the_stages_of_this_module_for_every_dataset_of_params_yaml():
    assert list(DVC) == list(STAGES)
    assert {stage["foreach"] for stage in DVC.values()} == {"${datasets}"}
    assert set(PARAMS["datasets"]) >= {"weather", "air", "sgpm", "carbon"}
    assert all(stage["do"]["desc"] for stage in DVC.values())


def test_every_block_of_params_yaml_that_teaches_is_a_parameter_of_the_search_or_of_the_training():
    stages = [DVC["tune"]["do"], DVC["train"]["do"]]
    named = {name.removeprefix("defaults.") for stage in stages for name in stage["params"]}
    assert named >= set(PARAMS["defaults"]) - TEACHES_NOTHING, "name the new block in dvc.yaml, stage tune or train"


def test_the_training_depends_on_every_file_of_ml_that_it_runs():
    graph = grimp.build_graph("ml", "warehouse", exclude_type_checking_imports=True, cache_dir=None)
    models = {name for name in graph.modules if name.startswith("ml.models.")}
    runs = {"ml.learn", "ml.learnt_files", "ml.snapshot", "ml.registry", *models}
    runs |= {above for name in runs for above in graph.find_upstream_modules(name)}
    needed = {"/".join(name.split(".")[:2]) for name in runs if name.startswith("ml.")}
    named = {name.removesuffix(".py") for name in DVC["train"]["do"]["deps"]}
    assert needed <= named, f"dvc.yaml, stage train, lacks {sorted(needed - named)}"


@pytest.mark.parametrize("stage", DVC)
def test_every_file_of_code_that_a_stage_names_is_there(stage):
    assert all((ROOT / path).exists() for path in DVC[stage]["do"]["deps"] if not path.startswith("artifacts/"))


def test_nothing_new_leaves_the_record_and_its_time_alone(own_world, made, tmp_path):
    assert record_inputs(own_world, "air", made.now, tmp_path)
    before = (tmp_path / MART).read_bytes()
    later = made.now + timedelta(days=1)
    assert not record_inputs(own_world, "air", later, tmp_path)
    from warehouse.connection import connect

    with connect(own_world) as con:  # a build of the next day adds origins, but no reading
        made.build_features(con, later)
    assert not record_inputs(own_world, "air", later, tmp_path)
    assert (tmp_path / MART).read_bytes() == before


def test_a_new_reading_a_revision_or_an_earlier_day_gives_a_new_record(make_world, made, tmp_path):
    series, table = made.small_world()
    seen = set()
    for number, change in enumerate(("none", "new", "revised")):
        changed = table.copy()
        if change == "new":
            late = table[table["observed_at"] == table["observed_at"].max()].head(1)
            at = late["observed_at"] + pd.Timedelta(hours=1)
            changed = pd.concat([table, late.assign(observed_at=at, known_at=at)], ignore_index=True)
        if change == "revised":
            changed.loc[100, "value"] += 0.5
        settings = make_world(series, changed, made.now + timedelta(hours=2), name=f"made{number}")
        record_inputs(settings, "air", made.now + timedelta(hours=2), tmp_path / change)
        seen.add(json.dumps(json.loads((tmp_path / change / MART).read_text())["known"]))
    assert len(seen) == 3
    assert record_inputs(settings, "air", made.now - timedelta(days=3), tmp_path / "revised")
    assert json.loads((tmp_path / "revised" / MART).read_text())["as_of"] == "2026-03-19T07:00:00"


def test_another_datasets_news_are_none(make_world, made, tmp_path):
    series, table = made.small_world()
    other = made.series_row("footfall", "Z", "visitors_per_hour", is_target=True)
    own = made.readings(other["series_id"], made.start, made.wave(9))
    for number, more in enumerate((own[:-50], own)):
        settings = make_world([*series, other], pd.concat([table, more]), name=f"made{number}")
        assert record_inputs(settings, "air", made.now, tmp_path) == (number == 0)


def test_a_search_that_won_is_laid_over_the_parameters_and_one_that_lost_is_not(tmp_path):
    folder = tmp_path / "artifacts" / "air"
    folder.mkdir(parents=True)
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    found = {"accepted": True, "overlay": {"models": {"lightgbm_direct": {"num_leaves": 7}}, "features": {"lags": 12}}}
    write_json(folder / TUNED, found)
    laid, plain = tuned_params(folder), load_params("air")
    assert (laid.features.lags, laid.features.handling) == (12, plain.features.handling)
    assert laid.models["lightgbm_direct"] == {**plain.models["lightgbm_direct"], "num_leaves": 7}
    write_json(folder / TUNED, {**found, "accepted": False})
    assert tuned_params(folder) == plain
    write_json(folder / TUNED, {**found, "overlay": {"features": {"crystal_ball": True}}})
    with pytest.raises(BadInput, match="crystal_ball"):
        tuned_params(folder)


def test_what_a_search_found_is_an_input_and_what_the_stage_found_is_shared(own_world, made, tmp_path):
    assert record_inputs(own_world, "air", made.now, tmp_path)
    assert read_json(tmp_path / SEARCH) == NO_SEARCH
    found = {"accepted": True, "overlay": {"features": {"lags": 12}}, "windows": {"confirm_to": "2026-02-01T00:00:00"}}
    share_search(own_world, "air", made.now, NO_SEARCH)  # no search was made
    assert ml_tuned(own_world, "air").features.lags == load_params("air").features.lags
    share_search(own_world, "air", made.now, {**found, "n_trials": 9})
    assert ml_tuned(own_world, "air").features.lags == 12
    record_inputs(own_world, "air", made.now - timedelta(minutes=1), tmp_path / "before")
    assert read_json(tmp_path / "before" / SEARCH) == NO_SEARCH
    assert not record_inputs(own_world, "air", made.now, tmp_path)
    assert read_json(tmp_path / SEARCH)["overlay"] == found["overlay"]


@pytest.mark.parametrize("arguments", [[], ["train"], ["dance", "air"], ["train", "../etc"], ["train", "air", "more"]])
def test_nonsense_is_refused_in_one_line(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("skyduck: ")
    assert said.count("\n") == 1


def test_a_stage_whose_input_is_gone_says_so_in_one_line(tmp_path):
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    done = subprocess.run(
        [sys.executable, "-m", "ml.stages", "train", "air"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("skyduck: artifacts/air/tuned.json cannot be read")
    assert done.stderr.count("\n") == 1
