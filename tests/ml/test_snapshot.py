"""The snapshot of a training: its rows come back exactly, and the same rows are the same bytes."""

from __future__ import annotations

import hashlib
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml import snapshot
from ml.backtest import with_covariates
from ml.learn import read_panels
from warehouse.errors import ArtefactRefused


@pytest.fixture(scope="module")
def taken(world, made, tmp_path_factory):
    """(folder, asked, params, windows, panels) of one snapshot of the small world."""
    asked = made.small_params()
    params = with_covariates(world, asked)
    windows, panels = read_panels(world, asked, made.now)
    folder = tmp_path_factory.mktemp("snapshot") / "snapshot"
    snapshot.write(folder, panels, windows, asked, params)
    return folder, asked, params, windows, panels


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def assert_same(one: object, two: object, where: str) -> None:
    assert type(one) is type(two), where
    if isinstance(one, dict):
        assert list(one) == list(two), where
        for key in one:
            assert_same(one[key], two[key], f"{where}.{key}")
    elif isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, two, check_exact=True, obj=where)
    elif isinstance(one, np.ndarray):
        assert one.dtype == two.dtype, where
        assert one.shape == two.shape, where
        assert one.tobytes() == two.tobytes(), where
    else:
        assert one == two, where


def test_panels_windows_and_covariates_come_back_exactly(taken):
    folder, asked, params, windows, panels = taken
    found_windows, found, found_params = snapshot.read(folder, asked)
    assert found_windows == windows
    assert found_params == params != asked
    for name in snapshot.PANELS:
        one, two = getattr(panels, name), getattr(found, name)
        assert len(one) > 100
        for item in fields(one):
            assert_same(getattr(one, item.name), getattr(two, item.name), f"{name}.{item.name}")


def test_the_same_rows_give_the_same_bytes_and_other_rows_others(taken, world, made, tmp_path):
    folder, asked, params, windows, _ = taken
    again = read_panels(world, asked, made.now)[1]
    snapshot.write(tmp_path / "again", again, windows, asked, params)
    assert hashes(tmp_path / "again") == hashes(folder)
    again.train.target[0] += 1e-9
    snapshot.write(tmp_path / "again", again, windows, asked, params)
    changed = [name for name, sha in hashes(tmp_path / "again").items() if hashes(folder)[name] != sha]
    assert changed == ["train/rows.parquet"]


def test_a_panel_without_rows_or_covariates_comes_back(taken, tmp_path):
    from dataclasses import replace

    _, asked, params, windows, panels = taken
    bare = replace(panels.select.rows(np.zeros(len(panels.select), bool)), covariates={})
    snapshot.write(tmp_path / "s", replace(panels, select=bare), windows, asked, params)
    found = snapshot.read(tmp_path / "s", asked)[1].select
    assert len(found) == 0
    assert found.covariates == {}
    assert found.history.shape == bare.history.shape


def test_a_snapshot_that_is_damaged_or_gone_is_refused_in_one_line(taken, tmp_path):
    import shutil

    folder, asked, *_ = taken
    shutil.copytree(folder, tmp_path / "s")
    (tmp_path / "s" / "train" / "rows.parquet").write_bytes(b"PAR1 and no more")
    for broken in (tmp_path / "s", tmp_path / "nowhere"):
        with pytest.raises(ArtefactRefused, match=r"cannot be read .*dvc repro"):
            snapshot.read(broken, asked)
