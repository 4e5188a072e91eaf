"""A publication on MotherDuck of which its replicas and readers were not told."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.cli import _code
from tests.warehouse.test_motherduck import stand_in
from tests.warehouse.test_replica import announce_as_to_the_real_one
from warehouse.connection import connect


def test_the_command_says_what_could_not_be_announced_and_ends_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = stand_in(tmp_path)
    with connect(here) as con:
        con.execute("create schema marts; create table marts.dim_series as select 1 as x")
    monkeypatch.setenv("SKYDUCK_TARGET", "prod")
    monkeypatch.setenv("SKYDUCK_DATA_DIR", str(here.data_dir))
    monkeypatch.setenv("SKYDUCK_MOTHERDUCK_ADDRESS", here.motherduck_address)
    monkeypatch.setenv("MOTHERDUCK_TOKEN", "canary-token")
    announce_as_to_the_real_one(monkeypatch)
    assert _code(["publish", "--as-of", "2026-11-20T06:10"]) == 0
    out, err = capsys.readouterr()
    assert "1 tables" in out
    assert "but `create snapshot of" in err.replace("\n", " ")
