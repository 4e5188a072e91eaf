"""Commands that only look: where there is nothing yet they say so, and make nothing."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pytest

from flows.cli import _code
from warehouse.connection import connect
from warehouse.errors import NotBuilt
from warehouse.settings import Settings

LOOKS = {
    "alerts list": 2,
    "alerts show heat_day": 2,
    "alerts report heat_day": 2,
    "alerts backtest --from 2026-01-01 --to 2026-01-02": 2,
    "models list": 2,
    "models show 0a1b2c3d": 2,
    "models compare a b": 2,
    "models report a": 2,
    "models history": 2,
    "status": 0,
    "doctor": 0,
    "backtest --dataset weather --from 2026-01-01 --to 2026-01-02": 2,
    "tune --dataset weather --trials 1": 2,
}
Look = Callable[[str], str]


@pytest.fixture
def look(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Look:
    """What a command says on the test's own data directory; its exit code is checked."""
    monkeypatch.setenv("SKYDUCK_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("COLUMNS", "250")

    def said(line: str) -> str:
        capsys.readouterr()
        code = _code(line.split())
        out, err = capsys.readouterr()
        assert (code, "our fault" in err, "Traceback" in err) == (LOOKS[line], False, False), err
        return out + err

    return said


@pytest.mark.parametrize("line", LOOKS)
def test_a_look_at_an_empty_folder_says_what_makes_a_warehouse_and_makes_none(
    line: str, look: Look, settings: Settings
) -> None:
    said = look(line)
    assert "`skyduck run` makes one" in said
    assert not settings.warehouse_path.exists()
    assert not settings.warehouse_path.parent.exists()


def test_one_look_after_another_says_the_same(look: Look, settings: Settings) -> None:
    for line in [*LOOKS, *reversed(LOOKS)]:
        assert "`skyduck run` makes one" in look(line)
        assert not settings.warehouse_path.exists()


@pytest.mark.parametrize("line", [line for line in LOOKS if line != "doctor"])
def test_a_warehouse_without_any_table_is_no_fault_of_ours(line: str, look: Look, settings: Settings) -> None:
    """A run that was killed at its very beginning leaves one."""
    settings.warehouse_path.parent.mkdir(parents=True)
    duckdb.connect(str(settings.warehouse_path)).close()
    said = look(line)
    assert "does not exist" in said
    assert "`skyduck run`" in said


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("select * from ml.model_versions", NotBuilt),
        ("select * from raw.loads", NotBuilt),
        ("select * from marts.dim_series", NotBuilt),
        ("select no_such_function(1)", duckdb.CatalogException),
    ],
)
def test_what_is_missing_is_told_from_what_we_spelt_wrong(sql: str, kind: type[Exception], settings: Settings) -> None:
    settings.warehouse_path.parent.mkdir(parents=True)
    duckdb.connect(str(settings.warehouse_path)).close()
    with pytest.raises(kind), connect(settings, read_only=True) as con:
        con.execute(sql)


def test_a_table_that_a_writer_should_have_is_our_fault(settings: Settings) -> None:
    with pytest.raises(duckdb.CatalogException), connect(settings) as con:
        con.execute("select * from ml.modle_versions")
