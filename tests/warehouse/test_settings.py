"""Defaults run offline; a bad setting is one line; a secret never shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from warehouse.connection import connect
from warehouse.errors import BadInput
from warehouse.settings import ROOT, load_settings

EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("SKYDUCK_TARGET", "SKYDUCK_UPSTREAM", "SKYDUCK_DATA_DIR", "MOTHERDUCK_TOKEN", "SKYDUCK_HISTORY_DAYS"):
        monkeypatch.delenv(name, raising=False)


def test_the_defaults_need_no_account_and_no_network() -> None:
    settings = load_settings()
    assert (settings.target, settings.upstream, settings.is_motherduck) == ("dev", "sample", False)
    assert settings.motherduck_token is None
    assert settings.seeds_dir.name == "seeds"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SKYDUCK_TARGET", "production", "target"),
        ("SKYDUCK_UPSTREAM", "real", "upstream"),
        ("SKYDUCK_HISTORY_DAYS", "0", "history_days"),
        ("SKYDUCK_HISTORY_DAYS", "many", "history_days"),
        ("SKYDUCK_THREADS", "-1", "threads"),
        ("SKYDUCK_MOTHERDUCK_DATABASE", "sky; drop", "motherduck_database"),
    ],
)
def test_a_bad_value_is_one_line_that_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadInput, match=f"setting refused: {expected}") as error:
        load_settings()
    assert "\n" not in str(error.value)


def test_an_env_file_is_read_from_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SKYDUCK_UPSTREAM=live\nMOTHERDUCK_TOKEN=canary\n")
    settings = load_settings()
    assert settings.upstream == "live"
    assert settings.motherduck_token is not None
    assert "canary" not in repr(settings) + str(settings.model_dump())


def test_motherduck_without_its_token_says_what_is_missing_and_what_still_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SKYDUCK_TARGET", "prod")
    with pytest.raises(BadInput, match=r"MOTHERDUCK_TOKEN.*SKYDUCK_TARGET=dev"), connect(load_settings()):
        pass


def test_staging_has_a_database_of_its_own() -> None:
    assert load_settings(target="staging").database == "skyduck_staging"
    assert load_settings(target="prod").database == "skyduck"


def test_every_skyduck_line_of_the_example_is_a_setting() -> None:
    known = {f"SKYDUCK_{name.upper()}" for name in type(load_settings()).model_fields} | {
        "MOTHERDUCK_TOKEN",
        "MOTHERDUCK_READ_TOKEN",
    }
    lines = [line.removeprefix("# ") for line in EXAMPLE.splitlines() if "=" in line]
    named = {line.split("=")[0] for line in lines if line.startswith(("SKYDUCK_", "MOTHERDUCK_"))}
    assert named
    assert named <= known


def test_paths_lie_under_the_data_directory(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path)
    for path in (settings.warehouse_path, settings.models_path, settings.published_path, settings.drop_path):
        assert tmp_path.resolve() in path.parents
