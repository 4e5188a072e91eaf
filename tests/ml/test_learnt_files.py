"""A training as files: nothing of it is lost, the same training is the same bytes, and nothing in it can run."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml import learnt_files, snapshot
from ml.backtest import with_covariates
from ml.forecaster import Forecaster
from ml.learn import learn, read_panels
from ml.stages import artefact_hashes
from warehouse.errors import ArtefactRefused


@pytest.fixture(scope="module")
def trained(world, made, tmp_path_factory):
    """(folder, learnt, costs) of a training of the small world."""
    asked = made.small_params()
    windows, panels = read_panels(world, asked, made.now)
    learnt = learn(panels, windows, asked, with_covariates(world, asked), lambda _: None)
    folder = tmp_path_factory.mktemp("learnt") / "model"
    return folder, learnt, learnt_files.write(folder, learnt)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_report_weights_and_answers_come_back_and_the_artefacts_with_their_hashes(trained):
    folder, learnt, costs = trained
    found = learnt_files.read(folder, learnt.asked, learnt.panels, costs)
    assert (found.windows, found.data_hash, found.train_span) == (learnt.windows, learnt.data_hash, learnt.train_span)
    assert found.result.headline() == learnt.result.headline()
    assert (found.result.train_seconds, found.result.peak_mib) == (costs.train_seconds, costs.peak_mib)
    pd.testing.assert_frame_equal(found.result.selection, learnt.result.selection, check_exact=True)
    assert found.result.scored.table().equals(learnt.result.scored.table())
    for name, model in learnt.final.models.items():
        if isinstance(model, Forecaster):
            np.testing.assert_array_equal(
                found.final.models[name].predict(learnt.panels.report), model.predict(learnt.panels.report)
            )
    assert artefact_hashes(found.final) == artefact_hashes(learnt.final)


def test_learning_from_a_snapshot_gives_the_files_of_learning_from_the_marts(trained, tmp_path, world, made):
    folder, learnt, _ = trained
    params = with_covariates(world, learnt.asked)
    snapshot.write(tmp_path / "snapshot", learnt.panels, learnt.windows, learnt.asked, params)
    windows, panels, params = snapshot.read(tmp_path / "snapshot", learnt.asked)
    learnt_files.write(tmp_path / "model", learn(panels, windows, learnt.asked, params, lambda _: None))
    assert bytes_of(tmp_path / "model") == bytes_of(folder)


def test_the_files_do_not_depend_on_what_the_training_cost(trained, tmp_path):
    folder, learnt, _ = trained
    dearer = replace(learnt, result=replace(learnt.result, train_seconds=1e6, peak_mib=1e6))
    assert learnt_files.write(tmp_path / "model", dearer).train_seconds == 1e6
    assert bytes_of(tmp_path / "model") == bytes_of(folder)


def test_no_file_is_of_a_kind_that_runs_when_it_is_read(trained, tmp_path):
    folder, learnt, costs = trained
    assert {path.suffix for path in folder.iterdir()} <= {".txt", ".json", ".npz", ".parquet"}
    shutil.copytree(folder, tmp_path / "model")
    arrays = dict(np.load(folder / learnt_files.ARRAYS))
    arrays["result.scored.actual"] = np.array([print], dtype=object)
    np.savez(tmp_path / "model" / learnt_files.ARRAYS, **arrays)
    with pytest.raises(ArtefactRefused, match="allow_pickle"):
        learnt_files.read(tmp_path / "model", learnt.asked, learnt.panels, costs)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"result": {"dataset": 1}}'])
def test_a_training_that_cannot_be_read_is_refused_in_one_line(trained, tmp_path, text):
    folder, learnt, costs = trained
    shutil.copytree(folder, tmp_path / "model")
    (tmp_path / "model" / learnt_files.LEARNT).write_text(text)
    with pytest.raises(ArtefactRefused, match="cannot be read"):
        learnt_files.read(tmp_path / "model", learnt.asked, learnt.panels, costs)
    with pytest.raises(ArtefactRefused, match="cannot be read"):
        learnt_files.read_result(tmp_path / "model")


def test_the_tree_names_no_type(trained):
    folder, *_ = trained
    text = (folder / learnt_files.LEARNT).read_text()
    assert json.loads(text)["final"]["models"]["lightgbm_direct"] == learnt_files.MODEL
    assert "class" not in text
